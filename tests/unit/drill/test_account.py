"""The account: attempts = balanced + odd + not placed + indeterminate, and the incident of the report."""

from typing import Any


def counts(account: Any) -> tuple[int, int, int, int, int]:
    """Attempts, balanced, odd, not placed, indeterminate."""
    return account.attempts, account.balanced, account.odd, account.not_placed, account.indeterminate


def checks_of(account: Any, order_id: str) -> list[str]:
    """The checks that found something about an order."""
    outcome = next(outcome for outcome in account.outcomes if outcome.order_id == order_id)
    return [finding.check for finding in outcome.findings]


def test_orders_on_which_all_books_agree_are_balanced_and_no_check_is_odd(clean: Any) -> None:
    account = clean.account()
    assert counts(account) == (3, 3, 0, 0, 0)
    assert {c.id: c.verdict for c in account.checks if c.verdict in ("odd", "unknown")} == {}
    assert account.odd_by_class == {} and account.carried_over == 0


def test_the_five_of_the_incident_are_untold_and_falsely_shown_and_nothing_else(incident: Any) -> None:
    account = incident.account()
    for order_id in ("eb4a", "eb4b", "eb4c", "eb4d", "eb4e"):
        assert sorted(checks_of(account, order_id)) == ["N1", "V1"]
    assert account.odd_by_class == {"false status": 5, "untold failure": 5}
    assert counts(account) == (8, 3, 5, 0, 0)


def test_the_order_of_the_earlier_outage_is_carried_over_and_counted_apart(incident: Any) -> None:
    account = incident.account()
    old = next(outcome for outcome in account.outcomes if outcome.order_id == "old")
    assert old.carried_over and sorted(f.check for f in old.findings) == ["N1", "V1"]
    assert account.carried_over == 1
    assert account.carried_over_by_class == {"false status": 1, "untold failure": 1}


def test_the_drills_own_cancelled_and_refunded_test_order_is_balanced(incident: Any) -> None:
    outcome = next(outcome for outcome in incident.account().outcomes if outcome.order_id == "test")
    assert outcome.kind == "balanced" and outcome.synthetic


def test_a_refused_attempt_without_an_order_is_not_placed(clean: Any) -> None:
    clean.attempt(300, end="fail", http_status=406, told="error", cart_after=[])
    assert counts(clean.account()) == (4, 3, 0, 1, 0)


def test_an_unanswered_attempt_is_resolved_by_the_books_as_not_placed(clean: Any) -> None:
    clean.attempt(300, end="unknown", cart_after=[])
    assert counts(clean.account()) == (4, 3, 0, 1, 0)


def test_an_unanswered_attempt_is_indeterminate_while_payments_book_is_away(clean: Any) -> None:
    clean.attempt(300, end="unknown", cart_after=[])
    clean.missing["charges"] = "Connection refused"
    account = clean.account()
    assert counts(account) == (4, 0, 0, 0, 4)
    assert "Connection refused" in account.outcomes[-1].reason


def test_a_book_the_shop_never_kept_is_not_applicable_and_leaves_the_rows_balanced(clean: Any) -> None:
    clean.missing["charges"] = "/charges of payment at http://p does not answer: HTTP 404."
    clean.attempt(300, end="unknown", cart_after=[])
    account = clean.account()
    verdicts = {check.id: check.verdict for check in account.checks}
    assert verdicts["C1"] == verdicts["G1"] == "not-applicable"
    assert counts(account) == (4, 3, 0, 1, 0)


def test_while_the_fault_holds_settle_checks_are_open_and_safety_checks_are_not(incident: Any) -> None:
    account = incident.account("during")
    verdicts = {check.id: (check.verdict, check.reason) for check in account.checks}
    assert verdicts["N1"][0] == "unknown" and verdicts["N1"][1].startswith("open")
    assert verdicts["V1"][0] == "odd"
    assert account.odd_by_class == {"false status": 5}


def test_attempts_after_the_evidence_was_taken_do_not_count(clean: Any) -> None:
    clean.buy("later", 5000)
    clean.drop("orders", lambda order: order.id == "later")
    clean.drop("journal", lambda change: change.order_id == "later")
    clean.drop("charges", lambda charge: charge.order_id == "later")
    clean.drop("shipments", lambda parcel: parcel.order_id == "later")
    assert counts(clean.account()) == (3, 3, 0, 0, 0)


def test_an_order_that_was_there_before_the_drill_counts_only_when_it_is_odd(clean: Any) -> None:
    clean.buy("ancient", -500)
    clean.attempts.pop()
    assert counts(clean.account()) == (3, 3, 0, 0, 0)
    clean.change("shown", "ancient", label="Cancelled")
    account = clean.account()
    assert counts(account) == (3, 3, 0, 0, 0) and account.carried_over == 1


def test_without_any_history_orders_are_reckoned_and_what_needs_attempts_is_not_applicable(clean: Any) -> None:
    clean.attempts.clear()
    course = clean.course()
    clean.course = lambda: type(course)(attempts=[], log_lines={"orders-1": []})
    account = clean.account()
    assert counts(account) == (3, 3, 0, 0, 0)
    assert {c.id for c in account.checks if c.verdict == "not-applicable"} >= {"A1", "A2", "G2"}


def test_in_a_drill_without_customers_of_its_own_no_order_is_unexpected(clean: Any) -> None:
    clean.attempts.clear()
    account = clean.account()
    assert clean.course().started_at
    assert counts(account) == (3, 3, 0, 0, 0)
    assert next(one.verdict for one in account.checks if one.id == "A2") == "not-applicable"


def test_the_class_that_costs_the_customer_money_heads_an_order_with_several(clean: Any) -> None:
    clean.charge("o1")
    clean.change("shown", "o1", label="Cancelled")
    outcome = next(outcome for outcome in clean.account().outcomes if outcome.order_id == "o1")
    assert outcome.headline == "double charge"
    assert [finding.class_name for finding in outcome.findings] == ["double charge", "false status"]


def test_an_overcharge_weighs_more_than_a_false_status_and_an_undercharge_more_than_that_too(clean: Any) -> None:
    for order_id, cents in (("o1", 20000), ("o2", 1)):
        clean.drop("charges", lambda line, order_id=order_id: line.order_id == order_id)
        clean.charge(order_id, cents)
        clean.change("shown", order_id, label="Cancelled")
    heads = {outcome.order_id: outcome.headline for outcome in clean.account().outcomes}
    assert heads["o1"] == heads["o2"] == "over / under charge"
