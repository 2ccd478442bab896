"""How checks are judged: without their books, when they crash, while the fault holds; second faces of some classes."""

from typing import Any

import pytest

from oddsock.clients.sockshop.books import with_journal_status
from oddsock.drill.checks.catalog import BOOK_CHECKS, CATALOG
from oddsock.drill.checks.check import Rule, judge
from oddsock.drill.ledger import LEDGER_BOOKS, Ledger

AWAY = "the service at http://x does not answer: Connection refused."


def verdicts(account: Any) -> dict[str, str]:
    """The verdict of every check."""
    return {check.id: check.verdict for check in account.checks}


def odd(account: Any) -> list[str]:
    """The checks that found something, each finding once."""
    return [finding.check for check in account.checks if check.verdict == "odd" for finding in check.findings]


@pytest.mark.parametrize("book", LEDGER_BOOKS)
def test_a_book_that_does_not_answer_is_never_ok_and_leaves_no_row_balanced(book: str, clean: Any) -> None:
    clean.source_events()
    clean.missing[book] = AWAY
    account = clean.account()
    needing = {check.id for check in CATALOG if book in check.needs}
    assert needing or book == "carts"
    assert {name: verdicts(account)[name] for name in needing} == dict.fromkeys(needing, "unknown")
    assert all(AWAY in check.reason for check in account.checks if check.id in needing)
    assert account.balanced == 0 and account.odd == 0 and account.indeterminate == account.attempts == 3


@pytest.mark.parametrize("book", ["charges", "shipments", "journal"])
def test_a_book_that_does_not_exist_is_not_applicable_and_printed(book: str, clean: Any) -> None:
    clean.missing[book] = "the shop keeps no such book"
    account = clean.account()
    needing = {check.id: check for check in CATALOG if book in check.needs and book not in check.may_lack}
    assert needing
    for result in account.checks:
        if result.id in needing:
            assert result.verdict == "not-applicable" and book in result.reason
    assert account.balanced == 3


def test_without_a_book_of_notices_a_failure_nobody_saw_is_still_untold(clean: Any) -> None:
    clean.missing["notices"] = "the shop keeps no such book"
    clean.fail("o9", 300, label="Payment failed")
    clean.log_failures()
    assert odd(clean.account()) == ["N1"]


def test_a_check_that_crashes_is_unknown_with_its_reason_and_hides_no_other(incident: Any) -> None:
    def crash(ledger: Ledger) -> list[Any]:
        raise ZeroDivisionError("of all things")

    rule = Rule(id="X1", class_name="x", predicate="x", kind="safety", search=crash)
    judged = [judge(check, incident.ledger()) for check in (rule, *BOOK_CHECKS)]
    assert judged[0].result.verdict == "unknown"
    assert "ZeroDivisionError: of all things" in judged[0].result.reason
    assert [each.result.id for each in judged if each.result.verdict == "odd"] == ["N1", "V1"]


def test_an_unanswered_attempt_that_was_charged_and_left_no_order_is_charged_but_failed(clean: Any) -> None:
    attempt = clean.attempt(300, end="unknown", total_cents=10498, cart_after=[])
    clean.charge("", 10498, 300.5, request_id=attempt.request_id)
    account = clean.account()
    assert odd(account) == ["C3"] and account.odd == 1 and account.attempts == 4


def test_a_parcel_for_an_attempt_without_an_order_is_an_orphan(clean: Any) -> None:
    attempt = clean.attempt(300, end="unknown", cart_after=[])
    clean.ship("", named=False)
    clean.change("shipments", "", request_id=attempt.request_id)
    assert odd(clean.account()) == ["S4"]


def test_an_order_tried_again_after_a_decline_is_a_misread_decline(clean: Any) -> None:
    clean.fail("o9", 300, told="error", label="Cancelled", http_status=406)
    clean.status("o9", "CANCELLED", 301)
    clean.change("orders", "o9", reason="payment_declined")
    clean.log_failures()
    clean.money("decline", "d1", 10498, "o9", 300)
    assert odd(clean.account()) == []
    clean.money("decline", "d2", 10498, "o9", 301)
    assert odd(clean.account()) == ["C9"]


def test_a_declined_order_of_the_legacy_wire_that_was_told_by_406_is_balanced(clean: Any) -> None:
    clean.fail("o9", 300, told="error", label="Payment failed", end="fail", http_status=406)
    clean.log_failures()
    clean.money("decline", "d1", 12213, "o9", 300)
    assert odd(clean.account()) == []


def test_a_mail_about_an_order_that_does_not_exist_is_a_false_notice(clean: Any) -> None:
    clean.notice("nobody", "paid")
    account = clean.account()
    assert odd(account) == ["N3"] and account.odd == 1


def test_a_false_mail_that_is_followed_by_a_correction_is_none(clean: Any) -> None:
    clean.notice("o1", "failed", 500)
    clean.notice("o1", "paid", 600)
    assert odd(clean.account()) == []


def test_a_paid_order_whose_parcel_shipping_does_not_know_is_a_phantom_and_not_unshipped_too(clean: Any) -> None:
    clean.drop("shipments", lambda line: line.order_id == "o1")
    clean.change("shown", "o1", label="Paid")
    assert odd(clean.account()) == ["S2"]


def test_a_recalled_parcel_is_no_shipment(clean: Any) -> None:
    clean.ship("o1", "recalled", shipment_id=clean.order("o1").shipment_id)
    clean.change("shown", "o1", label="Paid")
    assert odd(clean.account()) == ["S1"]


def test_two_charges_that_err_in_opposite_ways_are_two_findings_and_no_difference_in_the_sum(clean: Any) -> None:
    for order_id, cents in (("o1", 10000), ("o2", 4427)):
        clean.drop("charges", lambda line, order_id=order_id: line.order_id == order_id)
        clean.charge(order_id, cents)
    assert odd(clean.account()) == ["C5", "C5"]


def test_a_refund_under_another_orders_charge_is_an_orphan_refund(clean: Any) -> None:
    charge = clean.rows["charges"][0]
    clean.money("refund", charge.charge_id, 100, "o2")
    assert "R1" in odd(clean.account())


def test_a_second_pending_by_a_retry_is_a_legal_step_and_one_out_of_paid_is_not(clean: Any) -> None:
    clean.try_order("o9", 300, {"holy": 1}, end="ok", http_status=201, told="confirmation")
    clean.status("o9", "PENDING", 301)
    clean.status("o9", "PAID", 302)
    clean.charge("o9")
    clean.ship("o9")
    clean.show("o9", "Shipped")
    assert odd(clean.account()) == []
    clean.status("o9", "PENDING", 303)
    assert "B3" in odd(clean.account())


def test_an_order_no_page_was_read_for_is_indeterminate(clean: Any) -> None:
    clean.drop("shown", lambda shown: shown.order_id == "o1")
    clean.are_pages_kept = False
    account = clean.account()
    assert verdicts(account)["V1"] == "unknown"
    assert (account.balanced, account.indeterminate) == (2, 1)


def test_a_constant_label_has_no_age_so_staleness_is_not_applicable(clean: Any) -> None:
    result = next(check for check in clean.account().checks if check.id == "V2")
    assert result.verdict == "not-applicable" and "constant" in result.reason


def test_a_cart_nobody_read_leaves_the_lost_cart_unknown_and_the_row_as_it_is(incident: Any) -> None:
    incident.change_attempt(3, cart_after=None)
    account = incident.account()
    assert verdicts(account)["K1"] == "unknown"
    assert account.odd == 5 and account.indeterminate == 0


def test_socks_put_into_the_cart_again_after_buying_are_no_cart_left_full(clean: Any) -> None:
    clean.cart("Rayaan", "holy")
    assert odd(clean.account()) == []


def test_without_a_log_of_orders_that_the_evidence_agrees_is_not_claimed(clean: Any) -> None:
    clean.log_lines = {}
    assert verdicts(clean.account())["G3"] == "unknown"


def test_a_log_that_does_not_reach_to_a_failure_is_not_blamed_for_its_line(clean: Any) -> None:
    clean.fail("o8", 300, told="error", label="Payment failed")
    clean.fail("o9", 400, told="error", label="Payment failed")
    clean.log_failures()
    clean.log_lines = {"orders-2": clean.log_lines["orders-1"][1:]}
    account = clean.account()
    assert odd(account) == [] and verdicts(account)["G3"] == "unknown" and account.balanced == 5


def test_in_a_shop_nobody_was_seen_buying_in_what_is_shown_stays_unknown(clean: Any) -> None:
    course = type(clean.course())(attempts=[], log_lines={"orders-1": []})
    clean.course = lambda: course
    clean.drop("shown")
    account = clean.account()
    assert verdicts(account)["V1"] == "unknown" and account.balanced == 3


def test_a_new_oddness_after_the_mend_is_found_twice_as_itself_and_as_the_mends(clean: Any) -> None:
    from oddsock.drill.course import Mended

    clean.mended = Mended(order_ids=["o1"])
    clean.before = clean.evidence("after-heal")
    clean.charge("o1")
    assert odd(clean.account("after-mend")) == ["C4", "M2"]


def _saved_last(world: Any, order_id: str) -> None:
    """The order as a shop keeps it that saves it last: no status of its own, one line in the journal."""
    journal = [line for line in world.rows["journal"] if line.order_id == order_id]
    world.drop("journal", lambda line: line.order_id == order_id and line is not journal[-1])
    ids = {"request_id": journal[0].request_id, "traceparent": journal[0].traceparent}
    world.change("journal", order_id, **ids)
    world.change("orders", order_id, status="")
    world.rows["orders"] = with_journal_status(world.rows["orders"], world.rows["journal"])


def test_an_order_that_is_saved_last_is_judged_by_its_journal(clean: Any) -> None:
    _saved_last(clean, "o1")
    account = clean.account()
    assert (account.attempts, account.balanced, odd(account)) == (3, 3, [])
    clean.drop("charges", lambda line: line.order_id == "o1")
    assert odd(clean.account()) == ["C1"]


def test_an_order_with_a_status_of_its_own_may_not_begin_as_paid(clean: Any) -> None:
    _saved_last(clean, "o1")
    clean.change("orders", "o1", status_from="order")
    assert odd(clean.account()) == ["B3"]


def test_an_unanswered_attempt_without_an_order_is_not_placed_though_nobody_was_told(clean: Any) -> None:
    clean.try_order("", 300, {"holy": 1}, end="unknown", http_status=500, told="nothing")
    account = clean.account()
    assert (account.attempts, account.balanced, account.not_placed, odd(account)) == (4, 3, 1, [])


def test_a_charge_of_an_attempt_that_left_no_order_is_odd(clean: Any) -> None:
    attempt = clean.try_order("", 300, {"holy": 1}, end="unknown", http_status=500, told="nothing")
    # The id that the order would have had went along with the charge.
    clean.charge("never-saved", 10498, 300.4, request_id=attempt.request_id)
    account = clean.account()
    assert odd(account) == ["C3"]
    assert (account.odd, account.not_placed) == (1, 0)


def test_a_failure_that_the_page_showed_is_told(clean: Any) -> None:
    clean.fail("o8", 300, label="Payment failed")
    clean.fail("o9", 400, label="Payment failed", told="error", message="Payment processing failed.")
    clean.log_failures()
    account = clean.account()
    assert [f.order_id for check in account.checks if check.id == "N1" for f in check.findings] == ["o8"]


def test_an_order_that_was_taken_with_a_202_and_failed_later_is_untold_until_a_mail_says_so(clean: Any) -> None:
    clean.fail("o9", 300, label="Payment failed", end="ok", http_status=202, told="confirmation", cart_after=None)
    clean.change_attempt(-1, cart_after=clean.attempts[-1].lines)
    clean.log_failures()
    assert odd(clean.account()) == ["N1"]
    clean.notice("o9", "failed")
    assert odd(clean.account()) == []
