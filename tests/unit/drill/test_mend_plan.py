"""What a mend would do: for the incident, for each way to treat re-attempts, and for every odd class."""

from typing import Any

import pytest

from oddsock.drill.mend_action import MendOptions, MendPlan
from oddsock.drill.mend_plan import plan_mend
from oddsock.drill.reattempts import chains, find_reattempts

FIVE = ["eb4a", "eb4b", "eb4c", "eb4d", "eb4e"]


def plan(world: Any, **options: Any) -> MendPlan:
    """The plan for a world as it is after the heal."""
    return plan_mend(world.account(), world.ledger(), MendOptions(**options))


def steps(plan: MendPlan) -> list[tuple[str, str]]:
    """Kind and subject of every action."""
    return [(action.kind, action.order_id or action.charge_id or action.shipment_id) for action in plan.actions]


def retried(plan: MendPlan) -> list[str]:
    """The orders that would be tried again."""
    return [action.order_id for action in plan.actions if action.kind == "retry_order"]


def test_the_incident_is_mended_by_retrying_five_telling_five_and_showing_what_is_so(incident: Any) -> None:
    mend = plan(incident, replay="all")
    assert retried(mend) == FIVE and mend.charged_cents == 37422
    assert [key for kind, key in steps(mend) if kind == "notice"] == FIVE
    assert [kind for kind, _ in steps(mend)].count("set_shown") == 1
    carts = {a.order_id: [line.item_id for line in a.lines] for a in mend.actions if a.kind == "empty_cart_lines"}
    assert carts == {"eb4b": ["colourful"], "eb4e": ["crossed"]}
    assert mend.left == [] and mend.questions == []


def test_a_retry_goes_under_a_key_made_from_its_order(incident: Any) -> None:
    keys = {action.key for action in plan(incident, replay="all").actions if action.kind == "retry_order"}
    assert keys == {f"mend-{order_id}" for order_id in FIVE}


def test_latest_charges_only_the_last_of_a_chain_and_tells_the_others_that_they_failed(incident: Any) -> None:
    mend = plan(incident, replay="latest")
    assert retried(mend) == ["eb4a", "eb4b", "eb4e"] and mend.charged_cents == 14711
    told = {a.order_id: a.event for a in mend.actions if a.kind == "notice"}
    assert told == {"eb4a": "", "eb4b": "", "eb4c": "failed", "eb4d": "failed", "eb4e": ""}


def test_ask_charges_nothing_of_a_chain_and_leaves_it_open(incident: Any) -> None:
    mend = plan(incident)
    assert retried(mend) == ["eb4a", "eb4b"]
    assert [question.order_ids for question in mend.questions] == [["eb4c", "eb4d", "eb4e"]]
    assert {each.order_id for each in mend.left} == {"eb4c", "eb4d", "eb4e"}
    assert "$104.98" in mend.questions[0].text


def test_an_answer_charges_what_was_said_yes_to_and_tells_the_rest(incident: Any) -> None:
    mend = plan(incident, answers={"eb4c": False, "eb4d": True, "eb4e": False})
    assert retried(mend) == ["eb4a", "eb4b", "eb4d"] and mend.questions == [] and mend.left == []
    assert {a.order_id for a in mend.actions if a.event == "failed"} == {"eb4c", "eb4e"}


def test_suspected_reattempts_are_the_same_customer_and_a_shared_sock_tried_later(incident: Any) -> None:
    found = find_reattempts(incident.ledger(), FIVE)
    assert [(r.order_id, r.again_in, r.shared) for r in found] == [
        ("eb4c", "eb4d", ["holy"]),
        ("eb4d", "eb4e", ["crossed"]),
    ]
    assert chains(found) == [["eb4c", "eb4d", "eb4e"]]


def test_a_failed_order_whose_socks_were_bought_later_is_a_suspected_reattempt_too(world: Any) -> None:
    world.fail("o1", 200)
    world.buy("o2", 300)
    assert retried(plan(world)) == [] and plan(world).questions[0].order_ids == ["o1"]
    assert retried(plan(world, replay="latest")) == []


def test_what_was_odd_before_the_fault_is_left_alone_unless_asked(incident: Any) -> None:
    assert "old" not in {action.order_id for action in plan(incident, replay="all").actions}
    assert "old" in retried(plan(incident, replay="all", carried_over=True))


def test_a_shop_that_cannot_retry_gets_a_plan_that_says_so_and_never_a_charge(incident: Any) -> None:
    mend = plan(incident, replay="all", supports_retry=False)
    assert retried(mend) == [] and mend.charged_cents == 0
    assert {each.order_id for each in mend.left} == set(FIVE)
    assert all("not possible here" in each.why for each in mend.left)


def test_a_clean_shop_has_nothing_to_mend(clean: Any) -> None:
    mend = plan(clean)
    assert mend.is_empty and mend.text == []


def test_an_orphan_charge_and_an_orphan_parcel_go_back(clean: Any) -> None:
    charge = clean.charge("ghost", 1500)
    parcel = clean.ship("ghost", named=False)
    mend = plan(clean)
    assert [(a.kind, a.cents, a.charge_id or a.shipment_id) for a in mend.actions] == [
        ("refund", 1500, charge),
        ("recall", 0, parcel),
    ]
    assert mend.left == []


def test_a_failed_order_that_was_charged_is_refunded_and_told_and_not_tried_again(clean: Any) -> None:
    clean.fail("o9", 300, label="Payment failed")
    clean.log_failures()
    clean.charge("o9")
    assert [(a.kind, a.cents, a.event) for a in plan(clean, replay="all").actions] == [
        ("refund", 10498, ""),
        ("notice", 0, "refunded"),
    ]


def test_a_double_charge_is_refunded_down_to_one(clean: Any) -> None:
    second = clean.charge("o1")
    assert [(a.kind, a.charge_id, a.cents) for a in plan(clean).actions if a.kind == "refund"] == [
        ("refund", second, 10498)
    ]


def test_an_overcharge_is_refunded_by_the_difference_and_an_undercharge_is_left_to_a_person(clean: Any) -> None:
    clean.change("charges", "o1", amount_cents=10600)
    clean.change("charges", "o2", amount_cents=100)
    mend = plan(clean)
    assert [(a.order_id, a.cents) for a in mend.actions if a.kind == "refund"] == [("o1", 102)]
    assert [each.order_id for each in mend.left] == ["o2"]


def test_a_stuck_order_is_tried_again_under_its_key(clean: Any) -> None:
    clean.try_order("o9", 300, {"holy": 1}, end="unknown", http_status=None)
    clean.show("o9", "Pending")
    assert [a.key for a in plan(clean).actions] == ["mend-o9", "mend-notice-o9-outcome"]


def test_a_stuck_order_that_is_charged_already_is_tried_again_without_being_asked_about(clean: Any) -> None:
    clean.try_order("o9", 300, {"holy": 1}, end="unknown", http_status=None)
    clean.show("o9", "Pending")
    clean.charge("o9")
    clean.buy("o10", 400, socks={"holy": 1})
    assert retried(plan(clean)) == ["o9"]


def test_an_unshipped_order_is_tried_again_for_no_money(clean: Any) -> None:
    clean.drop("shipments", lambda parcel: parcel.order_id == "o1")
    clean.change("orders", "o1", shipment_id=None)
    clean.change("shown", "o1", label="Paid")
    mend = plan(clean)
    assert retried(mend) == ["o1"] and mend.charged_cents == 0


def test_an_unshipped_order_whose_customer_saw_it_fail_is_told_too(clean: Any) -> None:
    clean.drop("shipments", lambda parcel: parcel.order_id == "o1")
    clean.change("orders", "o1", shipment_id=None)
    clean.change("shown", "o1", label="Paid")
    clean.change_attempt(0, end="unknown", http_status=500, told="nothing")
    mend = plan(clean)
    assert retried(mend) == ["o1"] and mend.left == []
    assert [(a.order_id, a.event) for a in mend.actions if a.kind == "notice"] == [("o1", "")]


def test_the_second_order_of_a_double_click_is_cancelled_and_told(clean: Any) -> None:
    clean.buy("o8", 300, form="f1")
    clean.buy("o9", 300.2, form="f1")
    mend = plan(clean)
    assert [(a.kind, a.order_id, a.reason or a.event) for a in mend.actions] == [
        ("set_shown", "", ""),  # the page would go on calling it Shipped
        ("cancel", "o9", "duplicate"),
        ("notice", "o9", "cancelled"),
    ]
    assert mend.left == []


def test_of_the_presses_of_one_form_one_is_tried_again_and_none_where_one_was_bought(clean: Any) -> None:
    for order_id, at_s, form in (("o8", 300, "f1"), ("o9", 300.2, "f1"), ("p8", 400, "f2")):
        clean.fail(order_id, at_s, form=form, label="Payment failed")
    clean.log_failures()
    clean.buy("p9", 400.2, form="f2")
    mend = plan(clean, replay="all")
    assert retried(mend) == ["o8"]
    assert {a.order_id: a.event for a in mend.actions if a.kind == "notice"} == {
        "o8": "",
        "o9": "failed",
        "p8": "failed",
    }


def test_a_declined_order_is_never_tried_again(clean: Any) -> None:
    clean.fail("o9", 300, label="Payment failed")
    clean.log_failures()
    clean.money("decline", "d1", 10498, "o9")
    mend = plan(clean, replay="all")
    assert [(a.kind, a.reason or a.event) for a in mend.actions] == [
        ("cancel", "payment_declined"),
        ("notice", "declined"),
    ]


def test_a_cancelled_order_that_nobody_was_told_of_is_told_and_not_tried_again(clean: Any) -> None:
    clean.fail("o9", 300, label="Cancelled")
    clean.log_failures()
    clean.status("o9", "CANCELLED", 400)
    assert [(a.kind, a.event) for a in plan(clean, replay="all").actions] == [("notice", "")]


@pytest.mark.parametrize(
    ("plant", "kind"), [("free", "recall"), ("twice", "recall"), ("surplus", "cancel"), ("half", "refund")]
)
def test_what_should_not_have_been_is_undone(plant: str, kind: str, clean: Any) -> None:
    if plant == "free":
        clean.fail("o9", 300, told="error", label="Payment failed")
        clean.ship("o9", named=False)
    elif plant == "twice":
        clean.ship("o1", named=False)
    elif plant == "surplus":
        clean.buy("o9", 300, request_id=clean.attempts[0].request_id, traceparent=clean.attempts[0].traceparent)
        clean.attempts.pop()
    else:
        clean.fail("o9", 300, told="error", label="Payment failed")
        charge = clean.charge("o9")
        clean.money("refund", charge, 100, "o9")
    clean.log_failures()
    mend = plan(clean)
    assert kind in [action.kind for action in mend.actions] and retried(mend) == [] and mend.left == []


def test_what_only_a_person_can_decide_is_left_with_a_reason(clean: Any) -> None:
    clean.drop("charges", lambda line: line.order_id == "o1")
    mend = plan(clean, replay="all")
    assert mend.is_empty
    assert [(each.order_id, each.class_name) for each in mend.left] == [("o1", "phantom payment")]
    assert "a person" in mend.text[0]


def _unwatched(incident: Any) -> Any:
    """The incident without anybody who recorded what customers tried: a fault that was made by hand."""
    incident.attempts.clear()
    return incident


def test_orders_of_customers_whom_nobody_watched_are_not_unexpected(incident: Any) -> None:
    found = _unwatched(incident).account()
    assert not {"A2", "N1"} & {finding.check for outcome in found.outcomes for finding in outcome.findings}


def test_a_failure_that_nobody_watched_is_charged_only_when_a_person_says_so(incident: Any) -> None:
    mend = plan(_unwatched(incident))
    assert retried(mend) == []
    assert sorted(order_id for question in mend.questions for order_id in question.order_ids) == FIVE
    assert "nobody recorded" in next(one.text for one in mend.questions if one.is_unrecorded)

    answered = plan(incident, answers={"eb4a": True, "eb4b": False, "eb4c": False, "eb4d": False, "eb4e": True})
    assert (retried(answered), answered.questions) == (["eb4a", "eb4e"], [])
    assert retried(plan(incident, replay="all")) == FIVE


def test_what_failed_before_the_fault_is_not_asked_about(incident: Any) -> None:
    _unwatched(incident).window_from_s = 90_000.0
    assert plan(incident).questions == []


def test_a_failure_whose_money_may_be_held_is_not_charged(incident: Any) -> None:
    _unwatched(incident).missing["charges"] = "charges of payment at http://p does not answer: Connection refused."
    assert retried(plan(incident, replay="all")) == []
