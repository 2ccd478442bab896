"""Loops of the agent: findings kept while the store is away, documents made once, logs without a folder."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Unreachable, UsageError
from oddsock.telemetry.agent import installs
from oddsock.telemetry.agent.agent import open_store
from oddsock.telemetry.agent.api_server import ApiServer, end
from oddsock.telemetry.agent.log_shipping import Tagger
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pod_logs import PodLogs
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.reporting import ROWS_MAX, Outbox, repeat
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.settings import AgentSettings


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """An agent's memory."""
    made = Memory.open(tmp_path)
    yield made
    made.close()


class Store:
    """Takes rows, after as many failures as were planned."""

    def __init__(self, failures: int = 0) -> None:
        self.rows: list[Any] = []
        self.failures = failures

    async def send(self, rows: Sequence[Any]) -> None:
        """Take *rows*."""
        if self.failures:
            self.failures -= 1
            raise Unreachable("Telemetry", "http://127.0.0.1:1", "no answer")
        self.rows += rows


def _found(metric: str, number: int = 1) -> Findings:
    found = Findings(1)
    for value in range(number):
        found.gauge(metric, value, ["a:b"])
    return found


async def test_findings_wait_for_the_store_and_arrive_in_their_order() -> None:
    store = Store(failures=3)
    outbox = Outbox(store.send, store.send, ManualClock())
    found = _found("m", 3)
    found.check("payment.can_connect", 2, ["a:b"], "host", "refused")
    outbox.put(found)
    await outbox.flush()
    assert [row["points"][0]["value"] for row in store.rows[:3]] == [0, 1, 2]
    assert store.rows[3] == {
        "check": "payment.can_connect",
        "status": 2,
        "timestamp": 1,
        "host_name": "host",
        "tags": ["a:b"],
        "message": "refused",
    }


async def test_only_so_much_waits_and_the_oldest_is_left_out() -> None:
    store = Store()
    outbox = Outbox(store.send, store.send, ManualClock())
    outbox.put(_found("old", 5))
    outbox.put(_found("new", ROWS_MAX))
    await outbox.flush()
    assert {row["metric"] for row in store.rows} == {"new"}
    assert len(store.rows) == ROWS_MAX


async def test_a_collector_that_fails_is_run_again_and_what_it_found_before_counts() -> None:
    class Failing:
        name = "failing"
        runs = 0
        is_run_thrice = asyncio.Event()

        async def collect(self, found: Findings) -> None:
            """Find one thing, then fail."""
            self.runs += 1
            if self.runs == 3:
                self.is_run_thrice.set()
            found.gauge("m", self.runs, [])
            raise CannotRun("no")

    store, clock, collector = Store(), ManualClock(), Failing()
    outbox = Outbox(store.send, store.send, clock)
    task = asyncio.create_task(repeat(collector, outbox, 15.0, clock))
    await collector.is_run_thrice.wait()
    await end(task)
    await outbox.flush()
    assert [row["points"][0]["value"] for row in store.rows][:2] == [1, 2]
    assert clock.monotonic() >= 30


async def test_a_shipped_document_is_made_once_and_not_again_when_somebody_deleted_it(memory: Memory) -> None:
    class Documents:
        made: list[str] = []  # noqa: RUF012 - one test has one

        async def create_pipeline(self, document: dict[str, Any]) -> None:
            """Note its name."""
            self.made.append(document["name"])

        create_dashboard = create_monitor = create_pipeline

    store = Documents()
    await installs.install(("pipelines",), store, memory, ManualClock())
    assert len(store.made) == len(installs.shipped("pipelines")) > 0
    await installs.install(("pipelines",), store, memory, ManualClock())
    assert len(store.made) == len(installs.shipped("pipelines"))


async def test_without_a_folder_logs_come_from_the_api_once_and_without_a_stream(memory: Memory) -> None:
    told = [
        "2025-10-30T08:24:46.328000001Z 2025-10-30 08:24:46.328 ERROR [orders,,,] 7 --- [main] w.w.s : failed",
        "2025-10-30T08:24:46.328000002Z \tat somewhere",
        "2025-10-30T08:24:46.500000000Z bare",
    ]
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params.get("sinceTime", ""))
        return httpx2.Response(200, text="\n".join(told) + "\n")

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://127.0.0.1:1")
    pods, store, clock = Pods(), Store(), ManualClock()
    meta = {"name": "orders-7d9c8b6f5d-x2v4k", "namespace": "sock-shop", "uid": "a"}
    pods.replace([{"metadata": meta, "spec": {"containers": [{"name": "orders", "image": "x/sock-shop-orders:1"}]}}])
    logs = PodLogs(ApiServer(client, "here"), Tagger(pods, "sockshop-kind"), store.send, memory, clock, 1.0)
    await logs.drain()
    told.append("2025-10-30T08:24:47.000000000Z more")
    await logs.drain()
    assert [row["message"].split(" : ")[-1] for row in store.rows] == ["failed\n\tat somewhere", "bare", "more"]
    assert all("status" not in row and row["service"] == "sock-shop-orders" for row in store.rows)
    assert asked == ["", "2025-10-30T08:24:46.500000000Z"]


def test_an_agent_that_has_nowhere_to_ship_to_is_refused() -> None:
    with pytest.raises(UsageError, match="no address"):
        AgentSettings(root="r", kubeconfig="k").check()


async def test_the_real_datadog_is_shipped_to_only_where_site_and_key_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AgentSettings(root="r", kubeconfig="k", to_datadog=True)
    settings.check()
    for name in ("DD_SITE", "DD_API_KEY", "DD_APP_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="DD_SITE, DD_API_KEY"):
        open_store(settings, ManualClock())
    monkeypatch.setenv("DD_SITE", "us5.datadoghq.com")
    monkeypatch.setenv("DD_API_KEY", "k")
    store = open_store(settings, ManualClock())
    assert (store.address, store.is_local) == ("https://api.us5.datadoghq.com", False)
    await store.close()


@pytest.mark.parametrize(("speed", "wall_s"), [(1, 15.0), (10, 1.5), (1000, 0.5)])
def test_intervals_are_divided_by_the_speed_and_have_a_least(speed: float, wall_s: float) -> None:
    assert AgentSettings(root="r", kubeconfig="k", speed=speed).wall_s(15.0) == wall_s
