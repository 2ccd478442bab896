"""Collector: what orders counts on its /metrics: shop.orders.created, .paid, .failed, .by_status as counts, and the
mean shop.order.duration in seconds.

Counters of a Prometheus text grow until their process ends; what is sent is their growth. What was read is remembered,
so that a restart of the agent neither loses orders nor counts them twice. Asked through the Service, as the
connectivity is: with one replica, which the books of orders allow, that is the pod.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oddsock.kit.clock import instant
from oddsock.kit.errors import CannotRun
from oddsock.telemetry.agent.api_server import ApiServer
from oddsock.telemetry.agent.connectivity import refusal_of
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.tags import owner_tags, pod_tags, value_of

COUNTS = {
    "shop_orders_created_total": "shop.orders.created",
    "shop_orders_paid_total": "shop.orders.paid",
    "shop_orders_failed_total": "shop.orders.failed",
    "shop_orders_by_status_total": "shop.orders.by_status",
}
DURATION = "shop_order_duration_seconds"
FIRST_S_MAX = 300.0
"""Seconds that a pod may have run when an agent without memory meets it and still counts all that it counted."""

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a Prometheus text."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """Every sample of *text* (exposition format 0.0.4); a line that is none is left out."""
    for line in text.splitlines():
        if found := _SAMPLE.fullmatch(line.strip()):
            try:
                yield Sample(found[1], tuple(_LABEL.findall(found[2] or "")), float(found[3]))
            except ValueError:
                continue


class Shop:
    """Reads the metrics of one Service of the shop; *service* is namespace/name:port."""

    name = "shop"

    def __init__(self, server: ApiServer, pods: Pods, memory: Memory, service: str, tags: Iterable[str]) -> None:
        self._server = server
        self._pods = pods
        self._memory = memory
        namespace, _, self._service = service.partition("/")
        self._namespace = namespace
        self._deployment = self._service.partition(":")[0]
        self._tags = tuple(tags)
        self._read_s: int | None = None
        self._last = memory.counters()

    async def collect(self, found: Findings) -> None:
        """The growth of each counter since it was read last; CannotRun when nobody answers."""
        path = f"/api/v1/namespaces/{self._namespace}/services/{self._service}/proxy/metrics"
        status, text = await self._server.text(path)
        if status != 200:
            raise CannotRun(f"{path} was answered {status}: {refusal_of(text) or text[:200]}")
        life, tags, host, age_s = self._source(found.at_s)
        told = (one for one in samples(text) if one.name in COUNTS or one.name.startswith(DURATION))
        now = {f"{one.name}{dict(one.labels)}": one for one in told}
        if not self._last and age_s > FIRST_S_MAX:
            # The orders of a pod that was long there are no news of this minute.
            self._last = {f"{life} {key}": one.value for key, one in now.items()}
        grown = {key: one.value - self._before(life, key) for key, one in now.items()}
        interval_s = found.at_s - self._read_s if self._read_s is not None else 1
        for key, one in now.items():
            if metric := COUNTS.get(one.name):
                found.count(metric, grown[key], [*_labelled(one), *tags], interval_s, host)
        self._durations(now, grown, found, [*tags], host)
        self._read_s = found.at_s
        self._last = {f"{life} {key}": one.value for key, one in now.items()}
        self._memory.keep_counters(self._last)

    def _durations(
        self, now: dict[str, Sample], grown: dict[str, float], found: Findings, tags: list[str], host: str
    ) -> None:
        for key, one in now.items():
            if one.name == f"{DURATION}_sum":
                times = grown.get(key.replace("_sum", "_count", 1), 0.0)
                if times > 0:
                    found.gauge("shop.order.duration", grown[key] / times, [*_labelled(one), *tags], host)

    def _before(self, life: str, key: str) -> float:
        # Another process counts from 0 again.
        return self._last.get(f"{life} {key}", 0.0)

    def _source(self, at_s: int) -> tuple[str, list[str], str, float]:
        """(which run of which container, tags, host, seconds since its start) of the pod behind the Service."""
        for pod in self._pods.here():
            tags = owner_tags(pod)
            is_ready = any(
                row.get("type") == "Ready" and row.get("status") == "True"
                for row in (pod.get("status") or {}).get("conditions") or ()
            )
            if is_ready and value_of(tags, "kube_deployment") == self._deployment:
                rows = (pod.get("status") or {}).get("containerStatuses") or [{}]
                life = f"{pod['metadata']['uid']}/{rows[0].get('containerID', '')}"
                began = (pod.get("status") or {}).get("startTime")
                age_s = at_s - instant(str(began)).timestamp() if began else 0.0
                return life, [*pod_tags(pod), *self._tags], str(pod["spec"].get("nodeName", "")), age_s
        raise CannotRun(f"No pod of deployment {self._deployment} is ready.")


def _labelled(one: Sample) -> list[str]:
    # Datadog keeps the tags of metrics in small letters.
    return [f"{name}:{value.lower()}" for name, value in one.labels if name != "le"]
