"""The loop that asks every monitor again and again, and what it does with the answers.

The pause between two rounds is *interval_s* plan seconds, divided by the speed, never below half a wall second; the
windows of the queries are divided by the speed too (`states.wall_ms`). One round looks at the monitors one by one.
"""

import logging
from typing import NoReturn

from msgspec.structs import replace

from oddsock.kit.clock import Clock
from oddsock.telemetry.monitors.definition import Definition
from oddsock.telemetry.monitors.delivery import Channels, Deliveries
from oddsock.telemetry.monitors.evaluation import ALL, Evaluator, Sources
from oddsock.telemetry.monitors.notice import compose_event
from oddsock.telemetry.monitors.record import Record
from oddsock.telemetry.monitors.roster import Roster
from oddsock.telemetry.monitors.states import GroupState, Reading, Status, Transition, is_forgettable, judge, worst
from oddsock.telemetry.store.documents import Documents
from oddsock.telemetry.store.events import EventStore

_log = logging.getLogger(__name__)

PAUSE_S_MIN = 0.5
"""Wall seconds between two rounds at the least, and between two looks for messages that are owed."""


class Watch:
    """The states of all monitors, kept up to date."""

    def __init__(
        self,
        roster: Roster,
        record: Record,
        evaluator: Evaluator,
        events: EventStore,
        deliveries: Deliveries,
        clock: Clock,
    ) -> None:
        self.roster = roster
        self.record = record
        self.clock = clock
        self._evaluator = evaluator
        self._events = events
        self._deliveries = deliveries
        self._states = record.states()
        # While the server was away nothing could arrive: silence counts from now on.
        for groups in self._states.values():
            for name, state in groups.items():
                groups[name] = _seen_now(state, self._now_ms())

    def groups(self, monitor_id: int) -> dict[str, GroupState]:
        """The state of every group of a monitor; none before its first evaluation."""
        return self._states.get(monitor_id, {})

    def overall(self, monitor_id: int) -> Status:
        """The state of a monitor: the worst of its groups'."""
        return worst([state.status for state in self.groups(monitor_id).values()])

    def forget(self, monitor_id: int) -> None:
        """Begin anew with a monitor that was changed or taken away."""
        self._states.pop(monitor_id, None)
        self.record.forget(monitor_id)

    async def keep_looking(self, interval_s: float) -> NoReturn:
        """Look again and again, *interval_s* plan seconds apart."""
        pause_s = max(PAUSE_S_MIN, interval_s / self.clock.speed)
        while True:
            await self.look()
            await self.clock.sleep(pause_s * self.clock.speed)

    async def keep_delivering(self) -> NoReturn:
        """Send what is owed, again and again."""
        while True:
            try:
                await self._deliveries.deliver_due()
            except Exception:  # noqa: BLE001  # one message that cannot be sent must not silence all later ones
                _log.exception("messages of monitors could not be delivered")
            await self.clock.sleep(PAUSE_S_MIN * self.clock.speed)

    async def look(self) -> None:
        """Ask every monitor once; composites after the others, so that they see this round's states."""
        for monitor in sorted(self.roster.definitions(), key=lambda one: bool(one.parts)):
            others = {one.id: self.overall(one.id) for one in self.roster.definitions()} if monitor.parts else {}
            readings = await self._evaluator.read(monitor, self.groups(monitor.id), others)
            # It may have been changed or deleted while its question was asked.
            if self.roster.definition(monitor.id) is monitor:
                try:
                    self._apply(monitor, readings)
                except Exception:  # noqa: BLE001  # a full disk under one monitor must not end the watch of all
                    _log.exception("the state of a monitor could not be kept", extra={"fields": {"id": monitor.id}})

    def _apply(self, monitor: Definition, readings: dict[str, Reading]) -> None:
        now_ms, speed = self._now_ms(), self.clock.speed
        groups = self._states.setdefault(monitor.id, {})
        if monitor.is_grouped and ALL in groups and ALL not in readings:
            self._drop(monitor, ALL)
        for name, reading in readings.items():
            state, transition = judge(monitor, groups.get(name), reading, name, now_ms, speed)
            if transition is not None:
                self._tell(monitor, state, transition)
            groups[name] = state
            if is_forgettable(monitor, state, now_ms, speed):
                self._drop(monitor, name)

    def _drop(self, monitor: Definition, group: str) -> None:
        self._states[monitor.id].pop(group, None)
        self.record.forget(monitor.id, group)

    def _tell(self, monitor: Definition, state: GroupState, transition: Transition) -> None:
        if not transition.has_event:
            self.record.note(state, transition)
            return
        # The event first: should the process end in between, the transition happens, and is told, once more.
        (event,) = self._events.append([compose_event(monitor, transition)])
        is_heard = transition.is_told and not is_muted(monitor, transition.group, transition.at_ms)
        messages = self._deliveries.messages(monitor, transition, event) if is_heard else []
        self.record.note(state, transition, event.id, messages)
        fields = {"id": monitor.id, "group": transition.group, "before": transition.before, "after": transition.after}
        _log.info("monitor %s", monitor.body.name, extra={"fields": fields})

    def _now_ms(self) -> int:
        return round(self.clock.now().timestamp() * 1000)


def make_watch(
    record: Record, documents: Documents, sources: Sources, events: EventStore, channels: Channels, clock: Clock
) -> Watch:
    """A watch over the monitors of *documents* that asks *sources*."""
    deliveries = Deliveries(record, channels, clock)
    return Watch(Roster(documents, clock), record, Evaluator(sources, clock), events, deliveries, clock)


def is_muted(monitor: Definition, group: str, at_ms: int) -> bool:
    """Whether `options.silenced` keeps *group* quiet at *at_ms*; a scope of several tags wants all of them."""
    tags = set(group.split(","))
    for scope, until_s in (monitor.body.options.silenced or {}).items():
        if (scope == ALL or set(scope.split(",")) <= tags) and (until_s is None or at_ms < until_s * 1000):
            return True
    return False


def _seen_now(state: GroupState, now_ms: int) -> GroupState:
    return state if state.status is Status.NO_DATA else replace(state, last_data_ms=now_ms)
