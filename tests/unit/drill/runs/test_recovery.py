"""After the heal: restored, healthy, selling, mended, looked at again; a shop that is not well is not mended."""

import asyncio
from typing import Any

import pytest

from oddsock.clients.mail import NoticeMail
from oddsock.clients.sockshop.books import Notice
from oddsock.drill import recovery as recovery_module
from oddsock.drill.account import account
from oddsock.drill.evidence_files import load
from oddsock.drill.plan import Plan, load_plan, parse_plan
from oddsock.drill.recovery import RecoveryResult, run_recovery
from oddsock.drill.runner import run_drill
from oddsock.kit.clock import iso
from oddsock.kit.errors import Interrupted

SMALL = """\
name: toy
title: A toy
seed: 5
customers:
  - {username: Rayaan}
operations:
  - {at: 1, customer: Rayaan, do: register}
  - {at: 10, customer: Rayaan, do: add, socks: {Crossed Socks: 1}}
  - {at: 20, customer: Rayaan, do: checkout}
  - {at: 30, customer: Rayaan, do: checkout}
faults:
  - {fault: scale-to-zero, target: payment, from: 5, until: 60}
recovery:
  health: [payment, orders]
  test_order: {socks: {Colourful Socks: 1}}
  mend: {apply: true, replay: all}
"""


@pytest.fixture
def plan() -> Plan:
    return parse_plan(SMALL)


@pytest.fixture
def mailed(world: Any, monkeypatch: pytest.MonkeyPatch) -> list[NoticeMail]:
    """What was mailed; it arrives in the toy shop's mailbox at once."""
    sent: list[NoticeMail] = []

    async def send(server: object, notice: NoticeMail, clock: Any) -> str:
        sent.append(notice)
        fields = {"to": notice.to, "subject": notice.subject, "event": notice.event, "order_id": notice.order_id}
        seq = len(world.toy.notices) + 1
        arrived = Notice(seq=seq, message_id=notice.message_id, at=iso(clock.now()), body=notice.body, **fields)
        world.toy.notices.append(arrived)
        return notice.message_id

    world.cluster.urls["mailbox", "smtp"] = "smtp://toy"
    monkeypatch.setattr(recovery_module, "send_notice", send)
    return sent


async def recover(world: Any, plan: Plan, **more: Any) -> RecoveryResult:
    """Drill and recover."""
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))
    return await again(world, plan, **more)


async def again(world: Any, plan: Plan, **more: Any) -> RecoveryResult:
    """Recover."""
    access = world.access(plan)
    return await run_recovery(plan, world.cluster, world.case, world.clock, world.watcher, access, **more)


async def test_a_failed_order_is_paid_shipped_and_told(world: Any, plan: Plan, mailed: list[NoticeMail]) -> None:
    result = await recover(world, plan)
    assert (result.restored, result.healthy) == (True, True)
    assert result.mend is not None
    assert result.mend.is_whole
    rows = load(world.case, "after-mend").orders.rows
    assert [order.status for order in rows] == ["PAID", "PAID", "CANCELLED"]
    assert {notice.event for notice in mailed} == {"paid"}
    assert world.case.meta.state == "completed"


async def test_the_test_order_is_paid_then_cancelled_and_refunded(
    world: Any, plan: Plan, mailed: list[NoticeMail]
) -> None:
    result = await recover(world, plan)
    assert result.trial is not None
    assert (result.trial.sells, result.trial.undone) == (True, True)
    (step,) = world.lines("test_order", "ok")
    assert "is PAID, with a shipment; then cancelled, refunded and recalled" in step.value["sentence"]
    trial = [one for one in world.lines("checkout", "invoke") if one.value["synthetic"]]
    assert len(trial) == 1
    assert trial[0].phase == "recovery"


async def test_recovering_again_pays_nobody_twice(world: Any, plan: Plan, mailed: list[NoticeMail]) -> None:
    await recover(world, plan)
    captures = [line for line in world.toy.charges if line.kind == "capture"]
    result = await again(world, plan)
    assert [line for line in world.toy.charges if line.kind == "capture"][: len(captures)] == captures
    paid = [line.order_id for line in world.toy.charges if line.kind == "capture"]
    assert len(paid) == len(set(paid)) == len(captures) + 1, "only the second test order is new"
    assert result.mend is not None
    operations = [entry.operation for entry in world.case.history if entry.kind == "invoke"]
    customers = [name for name in operations if name.startswith("a")]
    assert len(customers) == len(set(customers))


async def test_without_apply_nothing_is_charged_and_the_plan_of_the_mend_is_kept(world: Any) -> None:
    plan = parse_plan(SMALL.replace("apply: true", "apply: false"))
    result = await recover(world, plan)
    assert result.mend is None
    assert result.plan is not None
    assert len([one for one in result.plan.actions if one.kind == "retry_order"]) == 2
    assert [order.status for order in load(world.case, "after-heal").orders.rows] == ["PAYMENT_FAILED"] * 2
    assert load(world.case, "after-mend").orders.missing
    (note,) = world.lines("mend_plan")
    assert len(note.value["actions"]) == len(result.plan.actions)


async def test_ask_without_anybody_to_ask_charges_no_suspected_re_attempt(world: Any, mailed: list[NoticeMail]) -> None:
    plan = parse_plan(SMALL.replace("replay: all", "replay: ask"))
    await recover(world, plan)
    assert [order.status for order in load(world.case, "after-mend").orders.rows][:2] == ["PAYMENT_FAILED"] * 2


async def test_a_person_who_is_asked_decides(world: Any, mailed: list[NoticeMail]) -> None:
    plan = parse_plan(SMALL.replace("replay: all", "replay: ask"))

    async def ask(questions: Any) -> dict[str, bool]:
        (question,) = questions
        return dict(zip(question.order_ids, (False, True), strict=True))

    await recover(world, plan, ask=ask)
    statuses = [order.status for order in load(world.case, "after-mend").orders.rows]
    assert statuses[:2] == ["PAYMENT_FAILED", "PAID"]


async def test_a_shop_that_does_not_sell_is_not_mended(world: Any, plan: Plan) -> None:
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))
    world.toy.away.add("payment")
    world.shop.health = world.shop.catalogue  # it says that it is well
    result = await again(world, parse_plan(SMALL.replace("  health: [payment, orders]\n", "")))
    assert result.trial is not None
    assert not result.trial.sells
    assert result.mend is None
    assert "does not sell" in result.sentence


async def test_a_deployment_that_is_not_as_it_was_stops_the_mend(world: Any, plan: Plan) -> None:
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))
    world.cluster.counts["shipping"] = 3
    result = await again(world, plan)
    assert not result.restored
    assert (result.trial, result.mend) == (None, None)
    (step,) = world.lines("restore", "fail")
    assert step.value["sentence"] == "shipping has 3 of 1 ready"


async def test_a_service_that_is_ill_stops_the_mend(world: Any, plan: Plan) -> None:
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))
    world.toy.away.add("orders")
    result = await again(world, plan)
    assert (result.healthy, result.trial, result.mend) == (False, None, None)
    (step,) = world.lines("health", "fail")
    assert step.value["sentence"] == "orders at http://orders does not answer: Connection refused"


async def test_a_shop_that_cannot_cancel_keeps_the_test_order_and_says_so(
    world: Any, plan: Plan, mailed: list[NoticeMail]
) -> None:
    world.shop.cancellable = False
    result = await recover(world, plan)
    assert result.trial is not None
    assert (result.trial.sells, result.trial.undone) == (True, False)
    (step,) = world.lines("test_order", "unknown")
    assert "this shop cannot cancel orders" in step.value["sentence"]


async def test_an_interrupted_recovery_says_so_and_can_go_on(world: Any, plan: Plan, mailed: list[NoticeMail]) -> None:
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))
    running = asyncio.ensure_future(again(world, plan))
    known = len(world.watcher.entries)
    world.watcher.on_line = lambda count: running.cancel() if count == known + 4 else None
    with pytest.raises(Interrupted):
        await running
    assert world.case.meta.state == "interrupted"
    world.watcher.on_line = lambda count: None
    result = await again(world, plan)
    assert result.mend is not None
    assert result.mend.is_whole


async def test_incident_3_ends_with_four_paid_in_a_shop_with_no_decline_limit_five(
    world: Any, mailed: list[NoticeMail]
) -> None:
    result = await recover(world, load_plan("incident-3"))
    assert result.odd_after is not None
    assert result.mend is not None
    assert len([one for one in result.mend.results if one.kind == "retry_order"]) == 5


async def test_only_the_checks_that_the_plan_asks_for_find_something_and_the_others_say_why(world: Any) -> None:
    plan = parse_plan(SMALL.replace("apply: true", "apply: false") + "checks: [N1]\n")
    await recover(world, plan)
    reckoned = account(world.case, "after-heal")
    assert reckoned.odd_by_class == {"untold failure": 2}
    reasons = {result.id: result.reason for result in reckoned.checks if result.verdict == "not-applicable"}
    assert reasons["V1"] == "the plan does not ask for it"
    assert "N1" not in reasons
