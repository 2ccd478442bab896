"""The telemetry of a stack, asked as its users ask it: by Datadog's own client, which is told another host only."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.hosts_api import HostsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v2.api.containers_api import ContainersApi
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.logs_aggregate_request import LogsAggregateRequest
from datadog_api_client.v2.model.logs_aggregation_function import LogsAggregationFunction
from datadog_api_client.v2.model.logs_compute import LogsCompute
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter
from datadog_api_client.v2.model.logs_sort import LogsSort

from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.sockshop.browser import Browser
from oddsock.kit.clock import SystemClock, instant, wait_for
from oddsock.kit.ids import object_id

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("telemetry")]

LATE_S_MAX = 8.0
"""What a line may take here, where other tests have the machine as well; the bench holds the second of the promise."""

NODES = ["sockshop-control-plane", "sockshop-worker"]


@dataclass
class Watched:
    """A stack that is up: its state, its shop, and its telemetry through the official client."""

    home: Path
    up: dict[str, Any]
    client: ApiClient
    cluster: Cluster
    restarted: "list[subprocess.Popen[bytes]]"

    @property
    def place(self) -> Path:
        """The folder of the stack."""
        return self.home / "stacks" / "sockshop"

    def logs(self, query: str, limit: int = 1000) -> list[dict[str, Any]]:
        """What a search over the last quarter of an hour finds, as JSON."""
        found = LogsApi(self.client).list_logs_get(
            filter_query=query,
            filter_from=SystemClock().now() - timedelta(minutes=15),
            page_limit=limit,
            sort=LogsSort.TIMESTAMP_ASCENDING,
        )
        return [row["attributes"] for row in found.to_dict()["data"]]

    def count(self, query: str) -> int:
        """How many logs a search finds."""
        asked = LogsAggregateRequest(
            compute=[LogsCompute(aggregation=LogsAggregationFunction.COUNT)],
            filter=LogsQueryFilter(query=query, _from="now-15m", to="now+1h"),
        )
        buckets = LogsApi(self.client).aggregate_logs(asked).to_dict()["data"]["buckets"]
        return int(buckets[0]["computes"]["c0"]) if buckets else 0

    def metric(self, query: str) -> list[float]:
        """Every value that a metric query gives over the last quarter of an hour."""
        now = int(SystemClock().now().timestamp())
        found = MetricsApi(self.client).query_metrics(_from=now - 900, to=now + 1, query=query).to_dict()
        return [point[1] for one in found["series"] for point in one["pointlist"] if point[1] is not None]

    def events(self) -> list[str]:
        """Titles and texts of the Kubernetes events of payment."""
        now = int(SystemClock().now().timestamp())
        found = EventsApi(self.client).list_events(
            now - 900, now + 5, sources="kubernetes", tags="deployment:payment", unaggregated=True
        )
        return [f"{one['title']}: {one['text']}" for one in found.to_dict()["events"]]

    def kill_and_restart(self, name: str) -> None:
        """Kill one of the two processes, and start it again as it was."""
        children = {one["name"]: one["pid"] for one in json.loads((self.place / "stack.json").read_text())["children"]}
        os.kill(children[name], signal.SIGKILL)
        path = self.place / f"{name}.json"
        settings = json.loads(path.read_text())
        settings.pop("listener_fd", None)
        path.write_text(json.dumps(settings))
        module = {"telemetry": "oddsock.telemetry.server", "agent": "oddsock.telemetry.agent"}[name]
        clock = SystemClock()
        end = clock.monotonic() + 20
        while psutil.pid_exists(children[name]) and psutil.Process(children[name]).status() != psutil.STATUS_ZOMBIE:
            assert clock.monotonic() < end
        with (self.place / f"{name}.again.log").open("ab") as out:
            command = [sys.executable, "-m", module, str(path)]
            self.restarted.append(subprocess.Popen(command, stdout=out, stderr=out))

    def written(self, service: str, until_ms: int) -> Counter[str]:
        """What the containers of *service* wrote before an instant, by the files they wrote it into."""
        said: Counter[str] = Counter()
        for path in self.place.glob(f"logs/sock-shop_{service}-*/*/*.log"):
            for line in path.read_text().splitlines():
                at, _, _, text = line.split(" ", 3)
                if instant(at[:26] + "Z").timestamp() * 1000 < until_ms and text.strip():
                    said[text.rstrip()] += 1
        return said

    def told(self, service: str, until_ms: int) -> Counter[str]:
        """What the store has of *service* before an instant."""
        said: Counter[str] = Counter()
        rows = LogsApi(self.client).list_logs_with_pagination(
            body=_search(f"kube_namespace:sock-shop kube_deployment:{service}", until_ms)
        )
        for row in rows:
            said[row.to_dict()["attributes"]["message"]] += 1
        return said


def _search(query: str, until_ms: int) -> LogsListRequest:
    asked = LogsQueryFilter(query=query, _from="now-1h", to=str(until_ms))
    return LogsListRequest(filter=asked, page=LogsListRequestPage(limit=1000))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Oddsock"]:
    """A stack at speed 10, so that its agent reads metrics every 1.5 seconds; one for the tests that do not end it."""
    from tests.conftest import Oddsock

    command = Oddsock(tmp_path_factory.mktemp("telemetry"))
    try:
        command.succeed("up", "--detach", "--speed", "10")
        yield command
    finally:
        command.end()


@pytest.fixture(scope="module")
def restarted() -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Processes that tests have started again in the place of killed ones."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for process in found:
        process.kill()
        process.wait(timeout=10)


@pytest.fixture
async def watched(stack: "Oddsock", restarted: "list[subprocess.Popen[bytes]]") -> AsyncIterator[Watched]:
    """That stack through official clients."""
    status = stack.succeed("status", "--json").json
    variables = stack.succeed("env", "--json").json
    assert status["telemetry"] == variables["DD_URL"]
    configuration = Configuration(
        host=status["telemetry"],
        api_key={"apiKeyAuth": variables["DD_API_KEY"], "appKeyAuth": variables["DD_APP_KEY"]},
    )
    cluster = await Cluster.connect(Path(status["kubeconfig"]), None, "sock-shop")
    with ApiClient(configuration) as client:
        yield Watched(stack.home, status, client, cluster, restarted)
    await cluster.close()


@pytest.fixture
async def customer(watched: Watched) -> AsyncIterator[Browser]:
    """A customer who can buy."""
    browser = Browser(ServiceDoor(watched.up["storefront"]), f"customer-{object_id()}")
    await browser.register("secret-1", "Ray", "Aan", "rayaan@example.org")
    await browser.add_address("1", "Road", "Town", "P1", "UK")
    await browser.add_card("5953580604169678", "08/30", "678")
    yield browser
    await browser.close()


async def _wait(condition: Callable[[], object], what: str) -> None:
    async def holds() -> bool:
        return bool(condition())

    assert await wait_for(holds, SystemClock(), 45.0, 0.2), what


async def _buy(customer: Browser) -> int | None:
    sock = next(sock for sock in await customer.socks() if sock.name == "Colourful Socks")
    await customer.add_to_cart(sock.id)
    return (await customer.checkout()).http_status


async def _scale_payment(watched: Watched, replicas: int) -> None:
    await watched.cluster.scale("payment", replicas)

    async def is_so() -> bool:
        deployment = await watched.cluster.deployment("payment")
        return deployment is not None and (deployment.available, deployment.replicas) == (replicas, replicas)

    assert await wait_for(is_so, SystemClock(), 45.0, 0.1)


async def test_an_outage_is_seen_in_logs_metrics_events_containers_and_hosts(
    watched: Watched, customer: Browser
) -> None:
    assert await _buy(customer) == 201
    await _wait(lambda: 1 in watched.metric("avg:kubernetes.pods.running{deployment:payment}"), "payment ran")
    await _scale_payment(watched, 0)
    assert await _buy(customer) == 500
    failed = 'kube_namespace:sock-shop service:sock-shop-orders "status updated to PAYMENT_FAILED"'
    await _wait(lambda: watched.count(failed) == 1, "the failure is found")
    refused = watched.logs('service:sock-shop-orders "java.net.PlainSocketImpl.socketConnect"')
    assert [row["message"].count("\n\tat ") > 5 for row in refused] == [True]
    assert refused[0]["status"] == "info"

    scope = "{kube_namespace:sock-shop,deployment:payment}"
    await _wait(lambda: 0 in watched.metric(f"avg:kubernetes.pods.running{scope}"), "no payment runs")
    await _wait(
        lambda: 0 in watched.metric(f"avg:kubernetes_state.deployment.replicas_available{scope}"), "none is there"
    )
    await _wait(lambda: 0 in watched.metric(f"avg:network.tcp.can_connect{scope}"), "it cannot be connected to")
    running = ContainersApi(watched.client).list_containers(filter_tags="kube_namespace:sock-shop").to_dict()["data"]
    assert "orders" in {one["attributes"]["name"] for one in running}

    await _scale_payment(watched, 1)
    assert await _buy(customer) == 201
    events = [event for event in watched.events() if "ScalingReplicaSet" in event]
    assert sum("from 1 to 0" in event for event in events) == 1
    await _wait(lambda: sum("from 0 to 1" in event for event in watched.events()) == 2, "boot and recovery")
    await _wait(lambda: sum(watched.metric("sum:shop.orders.created{*}.as_count()")) == 3, "three orders")
    await _wait(lambda: sum(watched.metric("sum:shop.orders.failed{*}.as_count()")) == 1, "one failed")
    await _wait(lambda: sum(watched.metric("sum:shop.orders.paid{*}.as_count()")) == 2, "two paid")
    for query in (
        "avg:kubernetes.cpu.usage.total{deployment:orders} by {pod_name}",
        "avg:kubernetes.memory.usage{deployment:orders} by {pod_name}",
        "avg:kubernetes.network.rx_bytes{deployment:orders,source:service-proxy}",
        "avg:kubernetes.containers.restarts{deployment:payment}",
        "avg:shop.order.duration{*}",
        "avg:datadog.agent.running{host:sockshop-worker}",
        "avg:system.load.1{host:sockshop-control-plane}",
    ):
        assert watched.metric(query), query
    hosts = HostsApi(watched.client).list_hosts(filter="kube_cluster_name:sockshop-kind").to_dict()["host_list"]
    assert sorted((one["name"], one["up"]) for one in hosts) == [(name, True) for name in NODES]


async def test_a_kill_of_agent_and_store_in_the_middle_loses_and_doubles_nothing(
    watched: Watched, customer: Browser
) -> None:
    before = Counter(watched.events())
    for name in ("agent", "telemetry"):
        for _ in range(5):
            await customer.socks()
        watched.kill_and_restart(name)
        await customer.socks()
    await _scale_payment(watched, 0)
    await _buy(customer)
    await _wait(lambda: _answers(watched, 'service:sock-shop-orders "PAYMENT_FAILED"'), "the lines after both")
    until_ms = int(SystemClock().now().timestamp() * 1000) - 500
    for service in ("front-end", "payment", "user", "catalogue"):
        written = watched.written(service, until_ms)
        await _wait(lambda s=service, w=written: watched.told(s, until_ms) == w, f"{service} is told whole")  # type: ignore[misc]  # mypy knows no types of defaults here
    await _wait(lambda: any("from 1 to 0" in event for event in Counter(watched.events()) - before), "the scaling")
    fresh = Counter(watched.events()) - before
    assert set(fresh.values()) == {1}, fresh
    assert sum("ScalingReplicaSet" in event for event in fresh) == 1


def _answers(watched: Watched, query: str) -> bool:
    try:
        return watched.count(query) > 0
    except Exception:  # noqa: BLE001 - the store is just starting again
        return False


async def test_a_line_is_findable_soon_after_it_was_written(watched: Watched, customer: Browser) -> None:
    wanted = [f"probe{number:02d}x" for number in range(50)]
    seen: dict[str, float] = {}

    def look() -> bool:
        rows = watched.logs("service:sock-shop-front-end catalogue", 1000)
        now = SystemClock().now().timestamp()
        for row in rows:
            for word in wanted:
                if word in row["message"] and word not in seen:
                    seen[word] = now - instant(row["timestamp"]).timestamp()
        return len(seen) == len(wanted)

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            for word in wanted:
                async with session.get(f"{watched.up['storefront']}/catalogue?tags={word}") as answer:
                    await answer.read()
                look()

    await _wait(lambda: watched.count("service:sock-shop-front-end") > 0, "the first lines")
    await ask()
    await _wait(look, "all are found")
    late = sorted(seen.values())
    assert late[-1] <= LATE_S_MAX, late


async def test_what_was_not_wanted_is_not_there(oddsock: "Oddsock") -> None:
    up = oddsock.succeed("up", "--detach", "--no-telemetry", "--no-console", "--json").json
    assert (up["telemetry"], up["console"], up["children"]) == ("", "", [])
    assert "DD_URL" not in oddsock.succeed("env", "--json").json
    assert not [line for line in oddsock.processes() if "oddsock.telemetry" in line]
    oddsock.succeed("down")
    refused = oddsock.run("up", "--detach", "--ship-to-datadog", env={"DD_SITE": "", "DD_API_KEY": ""})
    assert refused.code == 2
    assert "needs DD_SITE and DD_API_KEY" in refused.err
    oddsock.wait_until_none_is_left()


@pytest.fixture
def killed(oddsock: "Oddsock") -> Iterator[dict[str, Any]]:
    """A stack whose control plane is killed after the test has looked at it."""
    yield oddsock.succeed("up", "--detach", "--json").json
    oddsock.wait_until_none_is_left()


def test_store_and_agent_die_with_the_control_plane_and_leave_their_keys_private(
    oddsock: "Oddsock", killed: dict[str, Any]
) -> None:
    place = oddsock.home / "stacks" / "sockshop"
    for name in ("telemetry-keys.json", "telemetry.json", "agent.json"):
        assert (place / name).stat().st_mode & 0o077 == 0
    assert len([line for line in oddsock.processes() if "oddsock.telemetry" in line]) == 2
    os.kill(killed["pid"], signal.SIGKILL)
