"""The watch over small fake stores and a clock that stands still: questions, transitions, events, messages."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import OddsockError, UsageError
from oddsock.telemetry.monitors.delivery import Channels, Deliveries
from oddsock.telemetry.monitors.evaluation import Evaluator, Sources
from oddsock.telemetry.monitors.record import Record
from oddsock.telemetry.monitors.roster import Roster
from oddsock.telemetry.monitors.watch import Watch
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.query.metric_buckets import Grid
from oddsock.telemetry.query.metric_eval import Line
from oddsock.telemetry.query.metric_tree import Expression
from oddsock.telemetry.records import Event, ServiceCheck
from oddsock.telemetry.store.aggregates import Bucket, Compute, Group
from oddsock.telemetry.store.checks import CheckStore
from oddsock.telemetry.store.documents import Documents
from oddsock.telemetry.store.events import EventStore


class FakeStores:
    """What the questions are asked of: the answers of logs and metrics are set by the test."""

    def __init__(self) -> None:
        self.buckets: list[Bucket] = [Bucket({}, (0,))]
        self.lines: list[Line] = []
        self.asked: list[tuple[int, int]] = []
        self.grids: list[Grid] = []
        self.failure: Exception | None = None

    async def aggregate(
        self, search: Search, from_ms: int, to_ms: int, computes: Sequence[Compute], groups: Sequence[Group]
    ) -> list[Bucket]:
        """The buckets that were set."""
        self.asked.append((from_ms, to_ms))
        if self.failure:
            raise self.failure
        return self.buckets

    def metric_lines(self, expression: Expression, grid: Grid) -> list[Line]:
        """The lines that were set."""
        self.grids.append(grid)
        return self.lines


class Room:
    """A watch and everything around it, in one folder."""

    def __init__(self, folder: Path, clock: ManualClock, stores: FakeStores, channels: Channels) -> None:
        self.documents = Documents.open(folder / "meta.sqlite")
        self.record = Record.open(folder / "monitors.sqlite")
        self.events = EventStore.open(folder / "events.sqlite")
        self.checks = CheckStore.open(folder / "checks.sqlite")
        self.clock = clock
        self.stores = stores
        self.deliveries = Deliveries(self.record, channels, clock)
        sources = Sources(stores, self.events, self.checks, stores.metric_lines)
        self.watch = Watch(
            Roster(self.documents, clock), self.record, Evaluator(sources, clock), self.events, self.deliveries, clock
        )

    def make(self, kind: str, query: str, **more: Any) -> int:
        """A monitor's id."""
        document = {"type": kind, "query": query, "name": "a monitor", **more}
        return int(self.watch.roster.create(document)["id"])

    async def look(self, wall_s: float = 5.0) -> None:
        """One round, and time goes on."""
        await self.watch.look()
        self.clock.advance(wall_s)

    async def alerts(self) -> list[Event]:
        """The events of transitions, oldest first."""
        return await self.events.search(lambda event: event.source == "alert", 0, 1 << 42, newest_first=False)

    def close(self) -> None:
        """Let every file go."""
        for store in (self.documents, self.record, self.events, self.checks):
            store.close()


@pytest.fixture
def open_room(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    """Opens the room of the test's folder; again after `close`."""
    rooms: list[Room] = []
    clock, stores = ManualClock(speed=10.0), FakeStores()

    def begin(**channels: Any) -> Room:
        if rooms:
            rooms.pop().close()
        rooms.append(Room(tmp_path, clock, stores, Channels(**channels)))
        return rooms[-1]

    yield begin
    for room in rooms:
        room.close()


LOGS = 'logs("a").rollup("count").last("5m") > 0'


async def test_a_window_is_divided_by_the_speed_and_ends_now(open_room: Callable[..., Room]) -> None:
    room = open_room()
    room.make("log alert", LOGS)
    now_ms = round(room.clock.now().timestamp() * 1000)
    await room.look()
    assert room.stores.asked == [(now_ms - 30_000, now_ms + 1)]


async def test_a_transition_becomes_an_event_and_a_row_of_history(open_room: Callable[..., Room]) -> None:
    room = open_room()
    monitor_id = room.make("log alert", LOGS, message="{{value}} failed @nobody", tags=["team:shop"])
    await room.look()
    room.stores.buckets = [Bucket({}, (3,))]
    await room.look()
    room.stores.buckets = [Bucket({}, (0,))]
    await room.look()
    (fired, recovered) = await room.alerts()
    assert (fired.title, fired.text, fired.alert_type) == ("[Triggered] a monitor", "3 failed @nobody", "error")
    assert {"team:shop", f"monitor_id:{monitor_id}"} <= set(fired.tags)
    assert recovered.title == "[Recovered] a monitor"
    rows = room.record.history(monitor_id, 10)
    assert [row["event_id"] for row in rows] == [recovered.id, fired.id, 0]


async def test_each_group_goes_its_own_way_and_one_that_vanishes_counts_nothing(open_room: Callable[..., Room]) -> None:
    room = open_room()
    monitor_id = room.make("log alert", 'logs("a").rollup("count").by("host").last("5m") > 0')
    room.stores.buckets = [Bucket({"host": "a"}, (1,)), Bucket({"host": "b"}, (0,))]
    await room.look()
    assert {name: state.status.value for name, state in room.watch.groups(monitor_id).items()} == {
        "host:a": "Alert",
        "host:b": "OK",
    }
    assert room.watch.overall(monitor_id) == "Alert"
    room.stores.buckets = []
    await room.look()
    assert room.watch.overall(monitor_id) == "OK"
    assert [event.title for event in await room.alerts()] == [
        "[Triggered on {host:a}] a monitor",
        "[Recovered on {host:a}] a monitor",
    ]


@pytest.mark.parametrize("failure", [OddsockError("the disk is full"), ValueError("nobody thought of this")])
async def test_a_monitor_that_cannot_be_asked_is_unknown_and_the_others_go_on(
    open_room: Callable[..., Room], failure: Exception
) -> None:
    room = open_room()
    broken, other = room.make("log alert", LOGS), room.make("query alert", "avg(last_5m):avg:a{*} > 1")
    room.stores.failure = failure
    room.stores.lines = [Line("a", "", "*", (), [2.0])]
    await room.look()
    assert room.watch.overall(broken) == "Unknown"
    assert str(failure) in room.watch.groups(broken)["*"].reason
    assert room.watch.overall(other) == "Alert"
    room.stores.failure = None
    await room.look()
    assert room.watch.overall(broken) == "OK"


async def test_a_ratio_of_counts_is_taken_of_the_whole_window(open_room: Callable[..., Room]) -> None:
    room = open_room()
    room.make("query alert", "sum(last_5m):sum:paid{*}.as_count() / sum:all{*}.as_count() < 0.9")
    room.make("query alert", "avg(last_5m):avg:load{*} > 1")
    await room.look()
    assert [(grid.step_s, grid.count) for grid in room.stores.grids] == [(30, 1), (1, 30)]
    now_s = int(room.clock.now().timestamp() - 5)
    assert {grid.end_s for grid in room.stores.grids} == {now_s}


async def test_metric_values_are_aggregated_over_time_as_the_query_says(open_room: Callable[..., Room]) -> None:
    room = open_room()
    room.stores.lines = [Line("a", "", "*", ("host:x",), [None, 1.0, 5.0])]
    ids = [room.make("query alert", f"{how}(last_5m):avg:a{{*}} by {{host}} > 100") for how in ("avg", "max", "sum")]
    await room.look()
    assert [room.watch.groups(one)["host:x"].value for one in ids] == [3.0, 5.0, 6.0]


def _check(room: Room, status: int, host: str = "h", tag: str = "service:payment") -> None:
    at_ms = round(room.clock.now().timestamp() * 1000)
    room.checks.append([ServiceCheck(check="c", at_ms=at_ms, status=status, host=host, tags=(tag,), message="told")])


async def test_a_service_check_needs_as_many_reports_in_a_row_as_its_threshold(open_room: Callable[..., Room]) -> None:
    room = open_room()
    query = '"c".over("service:payment").by("service").last(3).count_by_status()'
    monitor_id = room.make("service check", query, options={"thresholds": {"critical": 2, "ok": 1}})
    statuses = []
    for status in (0, 2, 2, 0):
        _check(room, status)
        _check(room, 2, tag="service:other")
        await room.look(1.0)
        statuses.append(room.watch.groups(monitor_id)["service:payment"].status.value)
    assert statuses == ["OK", "OK", "Alert", "OK"]
    assert set(room.watch.groups(monitor_id)) == {"service:payment"}


async def test_a_check_that_falls_silent_has_no_data(open_room: Callable[..., Room]) -> None:
    room = open_room()
    query = '"c".over("*").by("*").last(1).count_by_status()'
    monitor_id = room.make("service check", query, options={"notify_no_data": True, "no_data_timeframe": 2})
    _check(room, 0)
    await room.look(1.0)
    await room.look(30.0)
    await room.look()
    assert {state.status.value for state in room.watch.groups(monitor_id).values()} == {"No Data"}


async def test_event_alerts_count_events_by_their_facets(open_room: Callable[..., Room]) -> None:
    room = open_room()
    query = 'events("source:kubernetes").rollup("count").by("kube_deployment").last("5m") > 1'
    monitor_id = room.make("event-v2 alert", query)
    at_ms = round(room.clock.now().timestamp() * 1000)
    for deployment in ("payment", "payment", "orders"):
        tags = (f"kube_deployment:{deployment}",)
        room.events.append([Event(at_ms=at_ms, title="Scaled", source="kubernetes", tags=tags)])
    await room.look()
    found = {name: (state.status.value, state.value) for name, state in room.watch.groups(monitor_id).items()}
    assert found == {"kube_deployment:payment": ("Alert", 2.0), "kube_deployment:orders": ("OK", 1.0)}


async def test_a_composite_follows_its_parts_in_the_same_round(open_room: Callable[..., Room]) -> None:
    room = open_room()
    one, two = room.make("log alert", LOGS), room.make("query alert", "avg(last_5m):avg:a{*} > 1")
    both, one_only = room.make("composite", f"{one} && {two}"), room.make("composite", f"{one} && !{two}")
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look()
    assert [room.watch.overall(each).value for each in (both, one_only)] == ["OK", "Alert"]
    room.stores.lines = [Line("a", "", "*", (), [2.0])]
    await room.look()
    assert [room.watch.overall(each).value for each in (both, one_only)] == ["Alert", "OK"]
    room.watch.roster.delete(two)
    room.watch.forget(two)
    await room.look()
    assert room.watch.overall(both) == "Unknown"
    assert f"Monitor {two}" in room.watch.groups(both)["*"].reason


async def test_states_history_and_ids_are_there_after_a_restart(open_room: Callable[..., Room]) -> None:
    room = open_room()
    first = room.make("log alert", LOGS)
    gone = room.make("log alert", LOGS)
    room.watch.roster.delete(gone)
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look()
    again = open_room()
    assert again.watch.overall(first) == "Alert"
    await again.look()
    assert len(await again.alerts()) == 1
    assert again.make("log alert", LOGS) == gone + 1


async def test_a_muted_monitor_has_events_but_tells_nobody(open_room: Callable[..., Room]) -> None:
    room = open_room(webhooks={"pager": "http://127.0.0.1:9/"})
    monitor_id = room.make("log alert", LOGS, message="@webhook-pager", options={"silenced": {"*": None}})
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look()
    assert len(await room.alerts()) == 1
    assert room.record.history(monitor_id, 1)[0]["messages"] == []
    assert room.record.owed() == 0


async def test_a_message_nobody_takes_is_tried_a_few_times_and_given_up(open_room: Callable[..., Room]) -> None:
    room = open_room(webhooks={"pager": "http://127.0.0.1:9/"})
    monitor_id = room.make("log alert", LOGS, message="@webhook-pager @webhook-other @mail")
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look(0.0)
    tries = 0
    while room.record.owed():
        tries += await room.deliveries.deliver_due()
        room.clock.advance(1.0)
    (pager, other, mail) = room.record.history(monitor_id, 1)[0]["messages"]
    assert (tries, pager.tries) == (4, 4)
    assert pager.outcome.startswith("given up after 4 tries: ")
    assert other.outcome == "no webhook is named other"
    assert mail.outcome == "the settings name no mail server or nobody to write to"


async def test_a_message_that_is_old_after_a_restart_is_given_up(open_room: Callable[..., Room]) -> None:
    room = open_room(webhooks={"pager": "http://127.0.0.1:9/"})
    monitor_id = room.make("log alert", LOGS, message="@webhook-pager")
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look()
    room.clock.advance(600)
    again = open_room(webhooks={"pager": "http://127.0.0.1:9/"})
    await again.deliveries.deliver_due()
    (message,) = again.record.history(monitor_id, 1)[0]["messages"]
    assert (message.tries, message.outcome) == (0, "given up 60 s after it was due")


async def test_old_history_is_forgotten_and_the_states_stay(open_room: Callable[..., Room]) -> None:
    room = open_room()
    monitor_id = room.make("log alert", LOGS, message="@webhook-other")
    room.stores.buckets = [Bucket({}, (1,))]
    await room.look(60.0)
    room.stores.buckets = [Bucket({}, (0,))]
    await room.look()
    assert room.record.forget_before(round(room.clock.now().timestamp() * 1000) - 10_000) == 1
    (row,) = room.record.history(monitor_id, 10)
    assert row["transition"].after == "OK"
    assert len(row["messages"]) == 1
    assert open_room().watch.overall(monitor_id) == "OK"


def test_a_composite_names_monitors_that_there_are_and_that_are_none_themselves(
    open_room: Callable[..., Room],
) -> None:
    room = open_room()
    part = room.make("log alert", LOGS)
    both = room.make("composite", f"{part} || {part}")
    with pytest.raises(UsageError, match="composite itself"):
        room.make("composite", f"{both} && {part}")
    with pytest.raises(UsageError, match="does not exist"):
        room.make("composite", "1 && 2")
    with pytest.raises(UsageError, match="does not change"):
        room.watch.roster.update(part, {"type": "query alert"})
