"""A plan is run in its order, everything is in the history, and every way out heals first."""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import pytest

from oddsock.drill.case import Case
from oddsock.drill.evidence_files import load
from oddsock.drill.heal import journal_of
from oddsock.drill.history import History
from oddsock.drill.lease import LEASE, lease_holder
from oddsock.drill.operation import attempts
from oddsock.drill.plan import Plan, load_plan, parse_plan
from oddsock.drill.runner import DrillResult, run_drill
from oddsock.kit.errors import CannotHeal, CannotRun, Forbidden, Interrupted, PlanError, Unreachable

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
  - {at: 70, customer: Rayaan, do: checkout}
faults:
  - {fault: scale-to-zero, target: payment, from: 5, until: 60}
"""


async def run(world: Any, plan: Plan) -> DrillResult:
    """Run *plan* in *world*."""
    return await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, world.access(plan))


async def turns(count: int = 2000) -> None:
    """Let the others go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_incident_3_comes_out_as_the_report_tells_it(world: Any) -> None:
    result = await run(world, load_plan("incident-3"))
    assert (result.state, result.settled) == ("completed", True)
    tried = attempts(world.case.history)
    main = [attempt for attempt in tried if attempt.phase == "main"]
    assert [(one.username, one.total_cents, one.end) for one in main] == [
        ("Rayaan", 10498, "unknown"),
        ("Rayaan", 1999, "unknown"),
        ("parvaiz", 10498, "unknown"),
        ("parvaiz", 12213, "unknown"),
        ("parvaiz", 2214, "unknown"),
    ]
    assert [round(one.plan_s, 1) for one in main] == pytest.approx([46.3, 74.5, 161.0, 259.9, 272.0], abs=0.2)
    assert [one.end for one in tried if one.phase == "lead"] == ["ok", "ok", "unknown"]
    orders = load(world.case, "after-heal").orders.rows
    assert sorted(order.status for order in orders) == ["PAID"] * 2 + ["PAYMENT_FAILED"] * 6
    assert sum(order.total_cents for order in orders[3:]) == 37422


async def test_no_fault_pays_every_order(world: Any) -> None:
    result = await run(world, load_plan("no-fault"))
    assert result.state == "completed"
    assert {order.status for order in world.toy.orders.values()} == {"PAID"}
    assert not world.lines("inject")
    assert load(world.case, "during").orders.missing


async def test_evidence_during_the_fault_sees_no_pod_no_endpoint_and_no_book_of_payment(world: Any) -> None:
    result = await run(world, parse_plan(SMALL))
    during = load(world.case, "during")
    row = next(one for one in during.deployments.rows if one["name"] == "payment")
    assert (row["replicas"], row["ready"]) == (0, 0)
    assert not [pod for pod in during.pods.rows if pod["deployment"] == "payment"]
    assert next(one for one in during.endpoints.rows if one["name"] == "payment")["addresses"] == []
    assert during.charges.missing == "payment at http://payment does not answer: Connection refused."
    assert during.charges.rows == []
    assert result.missing["during"] == {"charges": during.charges.missing}
    assert [shown.label for shown in during.shown.rows] == ["Shipped", "Shipped"]


async def test_the_undo_is_on_the_disk_before_the_fault_and_closed_after_it(world: Any) -> None:
    scale, seen = world.cluster.scale, []

    async def watched(name: str, replicas: int) -> None:
        seen.append((replicas, len(journal_of(world.case).open_entries())))
        await scale(name, replicas)

    world.cluster.scale = watched
    await run(world, parse_plan(SMALL))
    assert seen == [(0, 1), (1, 1)]
    assert journal_of(world.case).open_entries() == []


async def test_a_fault_and_its_heal_are_in_the_history_with_what_was_and_what_is(world: Any) -> None:
    world.cluster.counts["payment"] = 2
    await run(world, parse_plan(SMALL))
    (injected,), (healed,) = world.lines("inject", "ok"), world.lines("heal", "ok")
    assert (injected.value["was"], injected.value["now"]) == ({"replicas": 2}, {"replicas": 0})
    assert (healed.value["was"], healed.value["now"]) == ({"replicas": 0}, {"replicas": 2})
    assert injected.actor == healed.actor == "fault:payment-scale-to-zero"
    assert injected.value["window_from_at"] <= injected.at <= healed.value["window_to_at"]
    assert world.cluster.counts["payment"] == 2


async def test_what_is_planned_after_the_heal_happens_after_it(world: Any) -> None:
    await run(world, parse_plan(SMALL))
    tried = attempts(world.case.history)
    assert [one.end for one in tried] == ["unknown", "unknown", "ok"]
    (healed,) = world.lines("heal", "ok")
    last = world.lines("checkout", "invoke")[-1]
    assert healed.n < last.n


async def test_a_slow_customer_of_the_window_is_still_served_before_the_heal(world: Any) -> None:
    world.toy.slow_checkout_plan_s = 45.0
    await run(world, parse_plan(SMALL))
    (heal,) = world.lines("heal", "invoke")
    answered = [entry for entry in world.lines("checkout", "unknown") if entry.n < heal.n]
    assert len(answered) == 2
    assert heal.plan_s > 60


async def test_the_history_is_numbered_without_gaps_and_the_observer_saw_every_line(world: Any) -> None:
    await run(world, parse_plan(SMALL))
    lines = list(world.case.history)
    assert [entry.n for entry in lines] == list(range(len(lines)))
    assert world.watcher.entries == lines
    done, total = world.watcher.steps[-1]
    assert done <= total


async def test_the_copy_of_the_plan_is_kept_masked_and_can_still_be_read(world: Any) -> None:
    plan = load_plan("incident-3")
    await run(world, plan)
    kept = (world.case.path / "plan.yaml").read_text()
    assert "4539000000001012" not in kept
    assert [one.username for one in parse_plan(kept).customers] == ["Rayaan", "parvaiz"]


async def test_no_card_number_stands_anywhere_in_the_case(world: Any) -> None:
    await run(world, load_plan("incident-3"))
    files = [path for path in world.case.path.rglob("*") if path.is_file()]
    assert len(files) > 40
    assert not [path for path in files if b"4539000000001012" in path.read_bytes()]
    page = (world.case.path / "evidence/during/pages/Rayaan.html").read_text()
    assert "************1012" in page


@pytest.mark.parametrize("line", range(1, 26))
async def test_a_drill_cancelled_at_any_line_heals_at_once_and_says_that_it_was_interrupted(
    world: Any, line: int
) -> None:
    world.cluster.counts["payment"] = 2
    running = asyncio.ensure_future(run(world, parse_plan(SMALL)))
    world.watcher.on_line = lambda count: running.cancel() if count == line else None
    with pytest.raises(Interrupted):
        await running
    assert world.cluster.counts["payment"] == 2
    assert journal_of(world.case).open_entries() == []
    assert world.case.meta.state == "interrupted"
    assert world.lines("interrupted") or line == len(world.watcher.entries)
    await world.cluster.acquire_lease(LEASE, "another drill", 30)


async def test_a_drill_cancelled_twice_heals_all_the_same(world: Any) -> None:
    running = asyncio.ensure_future(run(world, parse_plan(SMALL)))
    await world.watcher.broken.wait()
    world.cluster.stuck.add("payment")
    running.cancel()
    await turns(20)
    running.cancel()
    await turns(20)
    world.cluster.stuck.clear()
    with pytest.raises(Interrupted):
        await running
    assert world.cluster.counts["payment"] == 1


async def test_an_error_in_the_middle_heals_and_the_case_says_it_failed(world: Any) -> None:
    async def broken() -> Any:
        raise CannotRun("The API server refused.")

    pods = world.cluster.pods

    async def pods_until_broken(selector: str = "") -> Any:
        return await (broken() if world.cluster.counts["payment"] == 0 else pods(selector))

    world.cluster.pods = pods_until_broken
    with pytest.raises(CannotRun, match="The API server refused"):
        await run(world, parse_plan(SMALL))
    assert world.cluster.counts["payment"] == 1
    assert world.case.meta.state == "failed"
    assert "The API server refused." in world.case.meta.ended_how


async def test_what_cannot_be_healed_is_the_error_that_counts(world: Any) -> None:
    running = asyncio.ensure_future(run(world, parse_plan(SMALL)))
    await world.watcher.broken.wait()
    world.cluster.failing = Unreachable("the API server", "http://memory", "Connection refused")
    with pytest.raises(CannotHeal):
        await running
    assert "healing failed" in world.case.meta.ended_how
    assert len(journal_of(world.case).open_entries()) == 1


async def test_a_full_disk_stops_the_drill_but_not_the_healing(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    append = History.append

    def full(self: History, *args: Any, **more: Any) -> Any:
        if world.cluster.counts["payment"] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return append(self, *args, **more)

    monkeypatch.setattr(History, "append", full)
    with pytest.raises(CannotRun, match="No space left on device"):
        await run(world, parse_plan(SMALL))
    assert world.cluster.counts["payment"] == 1


async def test_an_abort_condition_heals_and_ends_the_drill_before_its_time(world: Any) -> None:
    plan = parse_plan(SMALL.replace("name: toy", "name: toy\nabort: [attempts_unknown > 0]"))
    result = await run(world, plan)
    assert result.state == "aborted"
    assert "attempts_unknown > 0 came true: attempts_unknown is 1" in result.sentence
    assert world.cluster.counts["payment"] == 1
    assert len(attempts(world.case.history)) == 1
    assert world.case.meta.state == "aborted"
    assert load(world.case, "after-heal").orders.present


async def test_an_abort_condition_on_time_ends_the_drill_when_it_is_over(world: Any) -> None:
    plan = parse_plan(SMALL.replace("name: toy", "name: toy\nabort: [elapsed_s > 25]"))
    result = await run(world, plan)
    assert result.state == "aborted"
    assert len(attempts(world.case.history)) == 1


async def test_a_lost_lease_stops_and_heals(world: Any) -> None:
    plan = parse_plan(SMALL.replace("until: 60", "until: 60m"))
    running = asyncio.ensure_future(run(world, plan))
    await world.watcher.broken.wait()
    await world.cluster.release_lease(LEASE, lease_holder(world.case.name))
    with pytest.raises(Forbidden, match="was lost"):
        await running
    assert world.cluster.counts["payment"] == 1


async def test_a_namespace_without_the_annotation_is_not_touched(world: Any) -> None:
    world.cluster.annotations.clear()
    with pytest.raises(Forbidden, match="not annotated for drills"):
        await run(world, parse_plan(SMALL))
    assert world.cluster.writes == []
    assert world.toy.customers == {}


async def test_two_drills_of_one_namespace_are_one_too_many(world: Any) -> None:
    await world.cluster.acquire_lease(LEASE, "somebody@elsewhere", 30)
    with pytest.raises(Forbidden, match="somebody@elsewhere"):
        await run(world, parse_plan(SMALL))
    assert world.cluster.writes == []


async def test_the_lease_of_a_drill_that_was_killed_on_this_machine_is_taken_over(world: Any) -> None:
    dead: Case = world.make_case()
    dead.unlock()
    await world.cluster.acquire_lease(LEASE, lease_holder(dead.name), 30)
    assert (await run(world, parse_plan(SMALL))).state == "completed"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "target: payment",
            "target: paymnt",
            13,
            "no deployment paymnt in namespace sock-shop; did you mean `payment`",
        ),
        ("Crossed Socks", "Cross Socks", 8, "The catalogue has no sock 'Cross Socks'; did you mean `Crossed Socks`"),
        ("name: toy", "name: toy\nrecovery: {health: [order]}", 2, "no deployment order in"),
        ("name: toy", "name: toy\nsteady_state: {deployments: {cart: 1}}", 2, "did you mean `carts`"),
    ],
)
async def test_a_name_the_cluster_does_not_have_is_a_mistake_of_the_plan(
    world: Any, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(PlanError, match=words) as caught:
        await run(world, parse_plan(SMALL.replace(old, new)))
    assert caught.value.line == line
    assert world.cluster.writes == []


async def test_without_a_steady_state_nothing_is_broken(world: Any) -> None:
    world.cluster.stuck.add("orders")
    with pytest.raises(CannotRun, match="Steady state was not reached in 45 s: orders has 0 of 1 ready"):
        await run(world, parse_plan(SMALL))
    assert world.cluster.writes == []


async def test_a_fault_that_never_shows_is_written_down_as_unknown(world: Any) -> None:
    endpoints = world.cluster.endpoints

    async def stale() -> Any:
        count, world.cluster.counts["payment"] = world.cluster.counts["payment"], 1
        rows = await endpoints()
        world.cluster.counts["payment"] = count
        return rows

    world.cluster.endpoints = stale
    await run(world, parse_plan(SMALL))
    (injected,) = world.lines("inject", "unknown")
    assert injected.value["took_effect"] is False
    assert "1 endpoints" in injected.value["sentence"]


async def test_the_same_plan_and_seed_give_the_same_history(make_world: Callable[[], Any]) -> None:
    def told(world: Any) -> list[tuple[str, str, str, float]]:
        return [(one.kind, one.verb, one.actor, one.plan_s) for one in world.case.history]

    first, second = make_world(), make_world()
    await run(first, load_plan("incident-3"))
    await run(second, load_plan("incident-3"))
    assert told(first) == told(second)


def with_switches(switches: str) -> Plan:
    """SMALL in a shop that must have *switches*."""
    return parse_plan(SMALL + f"steady_state:\n  switches: {switches}\n")


async def test_a_shop_that_has_the_plans_switches_is_drilled(world: Any) -> None:
    for name in ("orders", "user"):
        world.cluster.variables[name]["DIALECT"] = "weave"
    assert (await run(world, with_switches("{DIALECT: weave}"))).state == "completed"


async def test_a_shop_with_other_switches_is_refused_and_not_changed(world: Any) -> None:
    world.cluster.variables["orders"]["DIALECT"] = "weave"
    world.cluster.variables["user"]["DIALECT"] = "power"
    with pytest.raises(PlanError, match=r"needs a shop with DIALECT=weave, and user has 'power'") as caught:
        await run(world, with_switches("{DIALECT: weave}"))
    assert caught.value.line == 15
    assert world.cluster.variables["user"]["DIALECT"] == "power"
    assert not world.lines("inject")


async def test_a_switch_that_no_deployment_has_is_a_mistake_of_the_plan(world: Any) -> None:
    world.cluster.variables["orders"]["DIALECT"] = "weave"
    with pytest.raises(PlanError, match=r"No deployment of this shop has a switch DIALEKT.*DIALECT"):
        await run(world, with_switches("{DIALEKT: weave}"))
