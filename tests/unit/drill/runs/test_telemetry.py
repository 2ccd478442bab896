"""Telemetry is asked through its door only: each query over the window and its own range, views during the fault."""

from collections.abc import Sequence
from typing import Any

import pytest

from oddsock.clients.datadog.memory import MemoryTelemetry
from oddsock.clients.datadog.records import Container, FoundLogs, Host, Log, Monitor, Series
from oddsock.drill.access import Access
from oddsock.drill.plan import Plan, load_plan, parse_plan
from oddsock.drill.runner import run_drill
from oddsock.drill.telemetry_files import Answer, load_answers
from oddsock.drill.telemetry_filling import Facts, fill
from oddsock.kit.clock import iso
from oddsock.kit.errors import Unreachable

NS = "kube_namespace:sock-shop"
DESIRED = f"max:kubernetes_state.deployment.replicas_desired{{{NS}}}"


class ToyTelemetry(MemoryTelemetry):
    """What an agent would have shipped of the toy shop: a line for each status, from the journal as it stands."""

    def __init__(self, world: Any, *, is_local: bool = True) -> None:
        super().__init__(is_local=is_local)
        self.world = world
        self.card = "5953580604169678"

    async def search_logs(self, query: str, from_: str, to: str, limit: int = 1000, **how: bool) -> FoundLogs:
        """The lines so far, then as in memory."""
        self.logs = [
            Log(
                id=f"{17e17 + change.seq:.0f}",
                at=change.at,
                message=f"Order {change.order_id} status updated to {change.status} card {self.card}",
                service="sock-shop-orders",
                status="info",
                tags=(NS, "pod_name:orders-1"),
            )
            for change in self.world.toy.journal
        ]
        now = iso(self.world.clock.now())
        self.logs.append(Log(id="beat", at=now, message="health", service="sock-shop-user", tags=(NS,)))
        to = max(to, now)
        return await super().search_logs(query, from_, to, limit, **how)

    async def query_metric(self, query: str, from_s: int, to_s: int) -> Any:
        """A point of this very moment for the heartbeat."""
        now_ms = self.world.clock.now().timestamp() * 1000
        self.series.setdefault(DESIRED, [])[:] = [Series(metric="desired", points=((now_ms, 1.0),))]
        return await super().query_metric(query, from_s, to_s)


async def run(world: Any, plan: Plan, door: MemoryTelemetry | None) -> dict[str, Answer]:
    """Run *plan* with *door* and answer what was kept."""
    access = world.access(plan)
    access = Access(access.shop, access.sessions, door)
    await run_drill(plan, world.cluster, world.case, world.clock, world.watcher, access)
    return load_answers(world.case)


async def test_each_query_of_the_report_is_asked_over_the_window_and_over_its_own_range(world: Any) -> None:
    answers = await run(world, load_plan("incident-3"), ToyTelemetry(world))
    assert {f"Q{n}-{part}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9) for part in ("window", "past")} <= set(answers)
    window, past = answers["Q1-window"], answers["Q1-past"]
    assert (len(window.rows), len(past.rows)) == (5, 6)
    assert window.from_at > past.from_at
    failed = [one for one in world.toy.orders.values() if one.status == "PAYMENT_FAILED"]
    assert answers["Q3-window"].asked == f'{NS} "{failed[1].id}"'
    assert [row["pod"] for row in answers["Q3-window"].rows] == ["orders-1"] * 3
    assert answers["heartbeat"].rows[0]["caught_up"]
    assert not answers["D1"].present and "no dashboard" in str(answers["D1"].missing)


async def test_cards_are_masked_in_what_is_kept_and_ids_are_not(world: Any) -> None:
    answers = await run(world, load_plan("incident-3"), ToyTelemetry(world))
    row = answers["Q1-window"].rows[0]
    assert row["message"].endswith("card ************9678")
    assert row["id"].startswith("17000000000000000")


async def test_views_are_taken_while_the_fault_holds(world: Any) -> None:
    door = ToyTelemetry(world)
    door.host_rows = [Host(name="sockshop-worker", is_up=True, tags=("kube_cluster_name:sockshop-kind",))]
    door.container_rows = [Container(id="c1", name="orders", state="running", tags=(NS, "kube_deployment:orders"))]
    answers = await run(world, load_plan("incident-3"), door)
    assert [row["name"] for row in answers["V3"].rows] == ["sockshop-worker"]
    assert [row["deployment"] for row in answers["V2"].rows] == ["orders"]
    (healing,) = [one for one in world.lines("heal", "invoke") if one.phase == "main"]
    assert answers["V1"].asked_at < healing.at


async def test_what_fires_is_kept_with_the_monitors(world: Any) -> None:
    door = ToyTelemetry(world)
    door.monitor_rows = [Monitor(id=1, name="payment away", state="Alert", groups={"*": {"status": "Alert"}})]
    answers = await run(world, load_plan("incident-3"), door)
    assert [(row["row"], row["name"]) for row in answers["monitors"].rows] == [("monitor", "payment away")]


async def test_without_telemetry_every_answer_is_missing_and_says_why(world: Any) -> None:
    answers = await run(world, load_plan("incident-3"), None)
    without_trace = "This run has no trace 4 among the orders of its window."
    assert {answer.missing for answer in answers.values()} == {"this run had no telemetry to ask", without_trace}


async def test_telemetry_that_does_not_answer_is_no_evidence_and_stops_nothing(world: Any) -> None:
    door = MemoryTelemetry()
    door.failing = Unreachable("Telemetry", door.address, "Connection refused")
    answers = await run(world, load_plan("incident-3"), door)
    missing = {answer.missing for name, answer in answers.items() if not name.startswith("Q7b")}
    assert missing == {"Telemetry at http://memory does not answer: Connection refused."}


async def test_a_plan_that_asks_nothing_asks_nobody(world: Any) -> None:
    door = MemoryTelemetry()
    plan = parse_plan("name: quiet\ntitle: Quiet\ncustomers: [{username: Rayaan}]\n")
    assert await run(world, plan, door) == {}
    assert door.asked == []


@pytest.mark.parametrize(
    ("query", "has_alias", "asked"),
    [
        ("{order 2}", True, "o2"),
        ("m{pod_name:{pod orders},deployment:payment}", True, "m{pod_name:orders-1,deployment:payment}"),
        ("m{pod_name:{pod orders},deployment:payment}", False, "m{pod_name:orders-1,kube_deployment:payment}"),
        ("tags:deployment:payment kube_deployment:x", False, "tags:kube_deployment:payment kube_deployment:x"),
    ],
)
def test_the_run_fills_in_what_only_it_knows(query: str, has_alias: bool, asked: str) -> None:
    ids: Sequence[str] = ("o1", "o2")
    assert fill(query, Facts(order_ids=ids, pods={"orders": "orders-1"}), has_alias=has_alias) == asked
