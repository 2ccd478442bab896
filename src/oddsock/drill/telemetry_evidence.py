"""Asks telemetry what a plan wants to know, through the client only, and keeps every answer in the case.

Views are taken while the fault holds. All else is asked after the heal, once telemetry has caught up: each query over
the fault's window and over its own range. What cannot be asked is kept as missing with the reason, never as nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.records import FoundSeries, Log
from oddsock.drill.case import Case
from oddsock.drill.plan_telemetry import (
    DashboardQuestion,
    EventQuestion,
    LogQuestion,
    MetricQuestion,
    TelemetryPlan,
    ViewQuestion,
)
from oddsock.drill.telemetry_beat import Beat, await_beat, whole_s
from oddsock.drill.telemetry_dashboards import answer_widgets
from oddsock.drill.telemetry_files import (
    CLUSTER_EVENTS,
    HEARTBEAT,
    MONITORS,
    NO_TELEMETRY,
    ORDERS_LINES,
    TARGET_LINES,
    Answer,
    write_answer,
)
from oddsock.drill.telemetry_filling import CannotFill, Facts, fill
from oddsock.drill.telemetry_span import Span
from oddsock.drill.telemetry_views import read_view
from oddsock.kit.clock import Clock, instant, iso
from oddsock.kit.errors import OddsockError

ASK_S_MAX = 20.0
"""Wall seconds after which a question that is still open is missing."""

ASKED_AT_ONCE = 4

ROWS_MAX = 5000
"""Rows of one answer that are kept; an answer with more says that it is not whole."""

BASELINE_WALL_S = 2.0
"""Wall seconds for which a steady shop is measured before anything is broken, so that there is a before."""

AFTER_WALL_S = 1.5
"""Wall seconds after the heal of which telemetry must have a point, so that there is an after."""

Rows = list[dict[str, Any]]


class TelemetryTaker:
    """Takes *plan*'s answers of *door* (None: there is no telemetry) into *case*."""

    def __init__(
        self, case: Case, door: TelemetryDoor | None, plan: TelemetryPlan, namespace: str, clock: Clock
    ) -> None:
        self._case = case
        self._door = door
        self._plan = plan
        self._namespace = namespace
        self._clock = clock
        self._gate = asyncio.Semaphore(ASKED_AT_ONCE)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked at all."""
        return self._plan.is_empty

    async def await_baseline(self) -> str:
        """Return when telemetry has points of a steady shop, so that there is a before; says what it saw."""
        beat = await self._await_beat(self._clock.now() + timedelta(seconds=BASELINE_WALL_S), None, ())
        return "telemetry is up to date" if beat and beat.caught_up else "telemetry lags behind"

    async def take_views(self) -> dict[str, str]:
        """Keep every view as it stands now; answers what is missing with its reason."""
        return await self._take([self._view(view) for view in self._plan.views])

    async def take_answers(self, span: Span, facts: Facts) -> dict[str, str]:
        """Keep every other answer about *span*, once telemetry has caught up; answers what is missing."""
        point_at = self._clock.now()
        if self._plan.has_after:
            point_at = max(point_at, instant(span.to_at) + timedelta(seconds=AFTER_WALL_S))
        beat = await self._await_beat(point_at, instant(span.to_at), facts.order_ids[-1:])
        works = [self._heartbeat(beat, span), self._monitors(), *self._own(span, facts)]
        for query in self._plan.queries:
            works.append(self._logs(query, facts, "window", span.from_at, span.to_at))
            past = iso(self._clock.now() - timedelta(seconds=query.past))
            works.append(self._logs(query, facts, "past", past, iso(self._clock.now())))
        for metric in self._plan.metrics:
            works += self._metrics(metric, facts)
        works += [self._events(event, facts, span) for event in self._plan.events]
        works += [self._dashboard(dashboard) for dashboard in self._plan.dashboards]
        return await self._take(works)

    def _own(self, span: Span, facts: Facts) -> list[Coroutine[Any, Any, Answer]]:
        """What the checks read, whatever the plan asks: orders' lines, the target's, the cluster's events."""
        scope = f"kube_namespace:{self._namespace}"
        lines = LogQuestion(id=ORDERS_LINES, query=f"{scope} kube_deployment:orders")
        works = [self._logs(lines, facts, "", span.from_at, span.to_at)]
        if span.target:
            silence = LogQuestion(id=TARGET_LINES, query=f"{scope} kube_deployment:{span.target}")
            works.append(self._logs(silence, facts, "", span.held_at, span.healing_at))
        events = EventQuestion(id=CLUSTER_EVENTS, query=f"source:kubernetes {scope}")
        return [*works, self._events(events, facts, span)]

    async def take_monitors(self) -> dict[str, str]:
        """Keep the monitors and their changes of state again, now that more may have happened."""
        return await self._take([self._monitors()])

    async def _await_beat(self, point_at: datetime, line_at: datetime | None, orders: Sequence[str]) -> Beat | None:
        if self._door is None or self.is_idle:
            return None
        wanted = Beat(until=iso(point_at), line_until=iso(line_at) if line_at else "", orders=tuple(orders))
        return await await_beat(self._door, self._namespace, wanted, self._plan.within, self._clock)

    async def _take(self, works: Sequence[Coroutine[Any, Any, Answer]]) -> dict[str, str]:
        async def gated(work: Coroutine[Any, Any, Answer]) -> Answer:
            async with self._gate:
                return await work

        answers = await asyncio.gather(*(gated(work) for work in works))
        for answer in answers:
            write_answer(self._case, answer)
        return {answer.name: answer.missing for answer in answers if answer.missing is not None}

    async def _keep(self, answer: Answer, ask: Callable[[TelemetryDoor], Awaitable[Answer]]) -> Answer:
        """What *ask* makes of *answer*, or *answer* with the reason why it is missing."""
        stamp = iso(self._clock.now())
        if self._door is None:
            return msgspec.structs.replace(answer, asked_at=stamp, missing=NO_TELEMETRY)
        told = {"asked_at": stamp, "source": self._door.address, "is_local": self._door.is_local}
        try:
            async with asyncio.timeout(ASK_S_MAX):
                answered = await ask(self._door)
        except TimeoutError:
            return msgspec.structs.replace(answer, missing=f"no answer within {ASK_S_MAX:g} s", **told)
        except OddsockError as error:
            return msgspec.structs.replace(answer, missing=error.sentence, **told)
        return msgspec.structs.replace(answered, **told)

    def _fill(self, answer: Answer, facts: Facts) -> Answer:
        """*answer* with its query filled in, or missing when the run has nothing to fill it with."""
        has_alias = self._door is None or self._door.is_local
        try:
            return msgspec.structs.replace(answer, asked=fill(answer.written, facts, has_alias=has_alias))
        except CannotFill as error:
            return msgspec.structs.replace(answer, missing=error.sentence)

    async def _logs(self, query: LogQuestion, facts: Facts, part: str, from_at: str, to_at: str) -> Answer:
        blank = Answer(id=query.id, kind="log", part=part, written=query.query, from_at=from_at, to_at=to_at)
        blank = self._fill(blank, facts)
        if blank.missing is not None:
            return blank

        async def ask(door: TelemetryDoor) -> Answer:
            found = await door.search_logs(blank.asked, from_at, to_at, ROWS_MAX)
            rows = [_log_row(log) for log in found.rows]
            return msgspec.structs.replace(blank, rows=rows, is_whole=found.is_whole, warnings=found.warnings)

        return await self._keep(blank, ask)

    def _metrics(self, metric: MetricQuestion, facts: Facts) -> list[Coroutine[Any, Any, Answer]]:
        """Over the run, where points are close; over the literal range; and the query that confirms a gap."""
        began = next(iter(self._case.history)).at
        past = iso(self._clock.now() - timedelta(seconds=metric.past))
        spans = [("run", metric.query, began), ("past", metric.query, past)]
        spans += [("confirmed", metric.confirmed_by, began)] if metric.confirmed_by else []
        return [self._metric(metric.id, facts, *span) for span in spans]

    async def _metric(self, question: str, facts: Facts, part: str, query: str, from_at: str) -> Answer:
        now = iso(self._clock.now())
        blank = self._fill(
            Answer(id=question, kind="metric", part=part, written=query, from_at=from_at, to_at=now), facts
        )
        if blank.missing is not None:
            return blank

        async def ask(door: TelemetryDoor) -> Answer:
            found = await door.query_metric(blank.asked, whole_s(instant(from_at)), whole_s(instant(now)) + 1)
            return msgspec.structs.replace(blank, rows=_series_rows(found), message=found.message)

        return await self._keep(blank, ask)

    async def _events(self, event: EventQuestion, facts: Facts, span: Span) -> Answer:
        # The stamp of an event may be cut to the whole second.
        from_at = iso(instant(span.from_at).replace(microsecond=0))
        now = iso(self._clock.now())
        blank = self._fill(Answer(id=event.id, kind="event", written=event.query, from_at=from_at, to_at=now), facts)
        if blank.missing is not None:
            return blank

        async def ask(door: TelemetryDoor) -> Answer:
            found = await door.search_events(blank.asked, from_at, now, ROWS_MAX)
            rows = [msgspec.to_builtins(one) for one in found]
            return msgspec.structs.replace(blank, rows=rows, is_whole=len(rows) < ROWS_MAX)

        return await self._keep(blank, ask)

    async def _view(self, view: ViewQuestion) -> Answer:
        now = self._clock.now()
        blank = Answer(id=view.id, kind="view", written=view.filter, asked=view.filter, to_at=iso(now))

        async def ask(door: TelemetryDoor) -> Answer:
            rows = await read_view(door, view.kind, view.filter, int(now.timestamp()))
            return msgspec.structs.replace(blank, rows=rows)

        return await self._keep(blank, ask)

    async def _dashboard(self, question: DashboardQuestion) -> Answer:
        began, now = next(iter(self._case.history)).at, iso(self._clock.now())
        blank = Answer(
            id=question.id, kind="dashboard", written=question.title, asked=question.title, from_at=began, to_at=now
        )

        async def ask(door: TelemetryDoor) -> Answer:
            rows = await answer_widgets(door, question.title, instant(began), instant(now))
            return msgspec.structs.replace(blank, rows=rows)

        return await self._keep(blank, ask)

    async def _monitors(self) -> Answer:
        """Every monitor, and the events of their changes of state since the drill began."""
        from_at, now = next(iter(self._case.history)).at, iso(self._clock.now())
        blank = Answer(id=MONITORS, kind="monitor", asked="source:alert", from_at=from_at, to_at=now)

        async def ask(door: TelemetryDoor) -> Answer:
            rows: Rows = [{"row": "monitor", **msgspec.to_builtins(one)} for one in await door.monitors()]
            changes = await door.search_events(blank.asked, from_at, now, ROWS_MAX)
            rows += [{"row": "change", **msgspec.to_builtins(one)} for one in changes]
            return msgspec.structs.replace(blank, rows=rows)

        return await self._keep(blank, ask)

    async def _heartbeat(self, beat: Beat | None, span: Span) -> Answer:
        """What telemetry held when it was asked, and who wrote while the fault held: silence of one beside speech."""
        query = f"kube_namespace:{self._namespace}"
        blank = Answer(id=HEARTBEAT, kind="heartbeat", asked=query, from_at=span.held_at, to_at=span.healing_at)

        async def ask(door: TelemetryDoor) -> Answer:
            group = {"facet": "service", "limit": 100}
            count = {"aggregation": "count", "type": "total"}
            buckets = await door.aggregate_logs(query, span.held_at, span.healing_at, [count], [group])
            rows: Rows = [{"row": "beat", **msgspec.to_builtins(beat)}] if beat else []
            rows += [
                {"row": "lines", "service": str(one.by.get("service", "")), "lines": int(one.computes.get("c0") or 0)}
                for one in buckets
            ]
            return msgspec.structs.replace(blank, rows=rows)

        return await self._keep(blank, ask)


def _log_row(log: Log) -> dict[str, Any]:
    return {
        "id": log.id,
        "at": log.at,
        "service": log.service,
        "status": log.status,
        "pod": log.tag("pod_name"),
        "host": log.host,
        "message": log.message,
    }


def _series_rows(found: FoundSeries) -> Rows:
    return [
        {
            "metric": one.metric,
            "scope": one.scope,
            "tags": list(one.tags),
            "interval_s": one.interval_s,
            "unit": one.unit,
            "points": [[int(at), value] for at, value in one.points],
        }
        for one in found.rows
    ]
