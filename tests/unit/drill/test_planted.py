"""One odd sock of every class, planted among clean orders, each found under its right name and with no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill.account import PRECEDENCE
from oddsock.drill.checks.catalog import CATALOG
from oddsock.drill.course import Mended

Plant = Callable[[Any], str]
PLANTS: dict[str, Plant] = {}


def plants(check: str) -> Callable[[Plant], Plant]:
    """Mark a function that plants exactly one odd row of *check* and says which order (or attempt) it is about."""

    def keep(plant: Plant) -> Plant:
        PLANTS[check] = plant
        return plant

    return keep


@plants("A1")
def lose_an_order_the_customer_was_promised(world: Any) -> str:
    world.attempt(300, end="ok", http_status=201, told="confirmation", order_id="lost")
    return "lost"


@plants("A2")
def let_an_order_appear_that_nobody_placed(world: Any) -> str:
    world.buy("o9", 300)
    world.attempts.pop()
    return "o9"


@plants("A3")
def place_one_attempt_twice(world: Any) -> str:
    world.buy("o9", 300)
    surplus, original = world.attempts.pop(), world.attempts[0]
    for row in world.rows["journal"]:
        if row.order_id == "o9" and row.request_id == surplus.request_id:
            world.rows["journal"][world.rows["journal"].index(row)] = msgspec.structs.replace(
                row, request_id=original.request_id, traceparent=original.traceparent
            )
    return "o9"


@plants("A4")
def sell_to_somebody_who_saw_it_fail(world: Any) -> str:
    world.buy("o9", 300)
    world.change_attempt(-1, end="unknown", http_status=500, told="nothing", order_id="")
    return "o9"


@plants("A5")
def let_an_order_be_in_the_journal_only(world: Any) -> str:
    world.try_order("o9", 300, {"holy": 1}, end="unknown", http_status=None)
    world.drop("orders", lambda order: order.id == "o9")
    return "o9"


@plants("A6")
def say_yes_to_an_order_that_failed(world: Any) -> str:
    world.fail("o9", 300, label="Payment failed", end="ok", http_status=201, told="confirmation", cart_after=None)
    world.change_attempt(-1, cart_after=world.attempts[-1].lines)
    world.log_failures()
    return "o9"


@plants("A7")
def hand_an_order_to_another_customer(world: Any) -> str:
    world.buy("o9", 300)
    world.change("orders", "o9", customer_id="c-somebody")
    return "o9"


@plants("B1")
def add_an_order_up_wrongly(world: Any) -> str:
    world.change("orders", "o1", total_cents=10499)
    world.change("charges", "o1", amount_cents=10499)
    return "o1"


@plants("B2")
def order_other_socks_than_lay_in_the_cart(world: Any) -> str:
    seen = world.attempts[0].lines
    world.change_attempt(0, lines=[msgspec.structs.replace(line, quantity=2) for line in seen])
    return "o1"


@plants("B3")
def ship_before_paying(world: Any) -> str:
    world.status("o1", "SHIPPED", 300)
    world.status("o1", "PAID", 301)
    return "o1"


@plants("B4")
def forget_the_last_status(world: Any) -> str:
    world.drop("journal", lambda change: change.order_id == "o1" and change.status == "PAID")
    return "o1"


@plants("B5")
def leave_an_order_pending(world: Any) -> str:
    world.try_order("o9", 300, {"holy": 1}, end="unknown", http_status=None)
    world.show("o9", "Pending")
    return "o9"


@plants("B6")
def lose_an_event(world: Any) -> str:
    world.source_events()
    world.drop("order_events", lambda event: event.order_id == "o1" and event.data.get("status") == "PAID")
    return "o1"


@plants("B7")
def announce_a_charge_after_it_was_made(world: Any) -> str:
    world.source_events()
    world.rows["order_events"] = [
        msgspec.structs.replace(event, at=world.at(300))
        if event.order_id == "o1" and event.data.get("status") == "PENDING"
        else event
        for event in world.rows["order_events"]
    ]
    return "o1"


@plants("C1")
def call_an_order_paid_that_is_not(world: Any) -> str:
    world.drop("charges", lambda line: line.order_id == "o1")
    return "o1"


@plants("C2")
def charge_for_no_order(world: Any) -> str:
    world.charge("ghost", 1500)
    return "ghost"


@plants("C3")
def charge_for_a_failed_order(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Payment failed")
    world.log_failures()
    world.charge("o9")
    return "o9"


@plants("C4")
def charge_an_order_twice(world: Any) -> str:
    world.charge("o1")
    return "o1"


@plants("C5")
def charge_a_cent_too_little(world: Any) -> str:
    world.change("charges", "o1", amount_cents=10497)
    return "o1"


@plants("C6")
def use_one_key_for_two_orders(world: Any) -> str:
    for order_id in ("o1", "o2"):
        world.change("charges", order_id, idempotency_key="k1")
    return "o2"


@plants("C7")
def set_money_aside_and_forget_it(world: Any) -> str:
    world.money("authorisation", "ch9", 10498, "o1", 300)
    return "o1"


@plants("C8")
def capture_after_the_order_was_cancelled(world: Any) -> str:
    undo(world, "o1")
    world.charge("o1", at_s=500)
    return "o1"


@plants("C9")
def read_a_decline_as_an_outage(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Payment failed")
    world.log_failures()
    world.money("decline", "ch9", 10498, "o9")
    return "o9"


@plants("R1")
def refund_what_was_never_captured(world: Any) -> str:
    world.money("refund", "nothing", 500, "o1")
    return "o1"


@plants("R2")
def give_back_more_than_was_taken(world: Any) -> str:
    undo(world, "o1")
    world.money("refund", world.rows["charges"][0].charge_id, 100, "o1")
    return "o1"


@plants("R3")
def undo_a_parcel_twice(world: Any) -> str:
    undo(world, "o1")
    world.ship("o1", "recalled", shipment_id=world.order("o1").shipment_id)
    return "o1"


@plants("R4")
def give_only_half_back(world: Any) -> str:
    undo(world, "o1", cents=5000)
    return "o1"


@plants("R5")
def give_all_back_and_send_the_socks_all_the_same(world: Any) -> str:
    undo(world, "o1")
    world.drop("shipments", lambda line: line.event == "recalled")
    return "o1"


@plants("S1")
def forget_to_ship(world: Any) -> str:
    world.drop("shipments", lambda parcel: parcel.order_id == "o1")
    world.change("orders", "o1", shipment_id=None)
    world.change("shown", "o1", label="Paid")
    return "o1"


@plants("S2")
def accept_a_parcel_and_never_queue_it(world: Any) -> str:
    world.drop("shipments", lambda parcel: parcel.order_id == "o1" and parcel.event != "accepted")
    return "o1"


@plants("S3")
def ship_an_order_that_failed(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Payment failed")
    world.log_failures()
    world.ship("o9", named=False)
    return "o9"


@plants("S4")
def ship_for_no_order(world: Any) -> str:
    world.ship("ghost", named=False)
    return "ghost"


@plants("S5")
def ship_twice(world: Any) -> str:
    world.ship("o1", named=False)
    return "o1"


@plants("S6")
def pack_other_socks(world: Any) -> str:
    world.change("shipments", "o1", lines=[world.line("holy", 2)])
    world.change("shipments", "o2", lines=[world.line("crossed", 1), world.line("crossed", 1)])
    return "o1"


@plants("S7")
def leave_a_parcel_in_the_queue(world: Any) -> str:
    world.drop("shipments", lambda parcel: parcel.order_id == "o1" and parcel.event == "dispatched")
    return "o1"


@plants("N1")
def fail_and_say_nothing(world: Any) -> str:
    world.fail("o9", 300, label="Payment failed")
    world.log_failures()
    return "o9"


@plants("N2")
def sell_without_a_confirmation(world: Any) -> str:
    world.change_attempt(0, told="nothing")
    return "o1"


@plants("N3")
def tell_a_buyer_that_it_failed(world: Any) -> str:
    world.notice("o1", "failed")
    return "o1"


@plants("N4")
def write_the_same_mail_twice(world: Any) -> str:
    world.notice("o1", "paid", 300)
    world.notice("o1", "paid", 301)
    return "o1"


@plants("N5")
def write_to_somebody_else(world: Any) -> str:
    world.notice("o1", "paid", 300)
    world.change("notices", "o1", to="parvaiz@example.test")
    return "o1"


@plants("V1")
def show_shipped_for_an_order_that_failed(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Shipped")
    world.log_failures()
    return "o9"


@plants("V2")
def show_a_status_that_was_left_long_ago(world: Any) -> str:
    world.change("shown", "o1", label="Pending")
    return "o1"


@plants("V3")
def go_back_on_the_page(world: Any) -> str:
    world.shown_before.append(msgspec.structs.replace(world.rows["shown"][0], label="Paid", at=world.at(201)))
    world.change("shown", "o1", label="Pending", at=world.at(202))
    return "o1"


@plants("V4")
def leave_an_order_out_of_the_list(world: Any) -> str:
    world.drop("shown", lambda shown: shown.order_id == "o1")
    return "o1"


@plants("V5")
def show_another_amount(world: Any) -> str:
    world.change("shown", "o1", amount_cents=10497)
    return "o1"


@plants("K1")
def empty_the_cart_of_somebody_who_bought_nothing(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Payment failed", cart_after=[])
    world.log_failures()
    return "o9"


@plants("K2")
def leave_bought_socks_in_the_cart(world: Any) -> str:
    world.change_attempt(0, cart_after=None)
    world.cart("Rayaan", "holy")
    return "o1"


@plants("G1")
def list_one_order_twice(world: Any) -> str:
    world.rows["orders"].append(world.order("o1"))
    return ""


@plants("G2")
def write_one_attempt_twice(world: Any) -> str:
    world.attempts.append(world.attempts[0])
    return "a0001"


@plants("G3")
def lose_a_log_line(world: Any) -> str:
    for order_id, at_s in (("o8", 250), ("o9", 300), ("o10", 350)):
        world.fail(order_id, at_s, told="error", label="Payment failed")
    world.log_failures()
    world.log_lines = {pod: [line for line in lines if "o9" not in line] for pod, lines in world.log_lines.items()}
    return "o9"


@plants("G4")
def print_a_figure_that_does_not_recompute(world: Any) -> str:
    world.report_differences = ["impact.at_risk_cents: the report says 37421, the evidence 37422"]
    return ""


@plants("M1")
def carry_one_action_out_twice(world: Any) -> str:
    world.mended = Mended(order_ids=["o1"], times_done={"mend-o1": 2})
    return ""


@plants("M2")
def change_an_order_that_was_not_to_be_mended(world: Any) -> str:
    world.mended = Mended(order_ids=["o2"])
    world.before = world.evidence("after-heal")
    world.change("orders", "o1", address="elsewhere")
    return "o1"


@plants("E1")
def lose_a_line_on_the_way_to_telemetry(world: Any) -> str:
    world.fail("o9", 300, told="error", label="Payment failed")
    world.log_failures()
    world.ship_telemetry()
    rows = world.answers["orders-lines"].rows
    rows[:] = [row for row in rows if "Sending payment request" not in row["message"]]
    return "o9"


def undo(world: Any, order_id: str, cents: int | None = None) -> None:
    """Cancel an order: refunded, recalled, told and shown as cancelled."""
    order = world.order(order_id)
    charge = next(line for line in world.rows["charges"] if line.order_id == order_id)
    world.status(order_id, "CANCELLED", 400)
    world.money("refund", charge.charge_id, order.total_cents if cents is None else cents, order_id, 400)
    world.ship(order_id, "recalled", shipment_id=order.shipment_id)
    world.notice(order_id, "cancelled")
    world.change("shown", order_id, label="Cancelled")


def subjects(result: Any) -> set[str]:
    """What the findings of one check are about."""
    return {finding.order_id or finding.attempt for finding in result.findings}


@pytest.mark.parametrize("check", [check.id for check in CATALOG if check.kind != "label"])
def test_a_planted_row_is_found_under_its_right_name_and_with_no_other(check: str, clean: Any) -> None:
    clean.window_from_s = 100
    subject = PLANTS[check](clean)
    account = clean.account("after-mend" if check.startswith("M") else "after-heal")
    odd = {result.id: result for result in account.checks if result.verdict == "odd"}
    assert list(odd) == [check], {name: [f.sentence for f in result.findings] for name, result in odd.items()}
    assert subjects(odd[check]) == {subject} and len(odd[check].findings) == 1
    finding = odd[check].findings[0]
    name = next(each.class_name for each in CATALOG if each.id == check)
    assert finding.class_name == name and finding.witnesses and finding.sentence.endswith((".", "37422"))
    assert account.odd_by_class == {name: 1} and account.odd == 1 and account.carried_over == 0
    assert account.attempts == account.balanced + account.odd + account.not_placed + account.indeterminate
    assert account.indeterminate == 0


def test_two_presses_of_one_form_that_bought_an_order_each_are_one_order_too_many(clean: Any) -> None:
    clean.buy("o8", 300, form="f1")
    clean.buy("o9", 300.2, form="f1")
    clean.buy("o10", 400)
    account = clean.account()
    (odd,) = [result for result in account.checks if result.verdict == "odd"]
    assert (odd.id, subjects(odd), len(odd.findings)) == ("A3", {"o9"}, 1)
    assert {witness.ref for witness in odd.findings[0].witnesses if witness.book == "orders"} == {"o8", "o9"}
    assert (account.odd, account.odd_by_class) == (1, {"duplicate order": 1})


def test_a_press_after_an_order_that_failed_is_no_second_order(clean: Any) -> None:
    clean.fail("o8", 300, form="f1", label="Payment failed", told="error")
    clean.log_failures()
    clean.buy("o9", 310, form="f1")
    assert clean.account().odd == 0


def test_the_label_for_what_was_odd_before_the_fault_is_planted_too(clean: Any) -> None:
    clean.fail("o9", 20, label="Payment failed")
    clean.log_failures()
    account = clean.account()
    label = next(result for result in account.checks if result.id == "M3")
    assert label.verdict == "ok" and subjects(label) == {"o9"}
    assert (account.odd, account.odd_by_class, account.carried_over) == (0, {}, 1)
    assert account.carried_over_by_class == {"untold failure": 1}


def test_no_class_of_the_catalogue_is_without_a_planted_row() -> None:
    assert {check.id for check in CATALOG} == PLANTS.keys() | {"M3"}


def test_the_catalogue_has_all_fifty_three_invariants_and_the_one_of_telemetry_and_the_label() -> None:
    how_many = {"A": 7, "B": 7, "C": 9, "R": 5, "S": 7, "N": 5, "V": 5, "K": 2, "G": 4, "E": 1, "M": 3}
    assert [check.id for check in CATALOG] == [f"{book}{n + 1}" for book, many in how_many.items() for n in range(many)]
    assert sum(check.id != "E1" and check.kind != "label" for check in CATALOG) == 53
    assert len({check.class_name for check in CATALOG}) == len(CATALOG)


def test_the_page_of_invariants_ranks_the_classes_as_the_account_does() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/invariants.md").read_text(encoding="utf-8")
    told = [
        ", ".join(group).replace("C5 over", "C5 (too much)").replace("C5 under", "C5 (too little)")
        for group in PRECEDENCE
    ]
    assert [classes for classes in told if f"| {classes} |" not in page] == []
    ranked = {check.removesuffix(" over").removesuffix(" under") for group in PRECEDENCE for check in group}
    assert ranked <= {check.id for check in CATALOG}
