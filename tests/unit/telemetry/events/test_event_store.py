"""The event stream on disk: order, ids, paging, and that what was appended is there after a restart."""

from pathlib import Path

import pytest

from oddsock.kit.errors import CannotRun
from oddsock.telemetry.records import Event
from oddsock.telemetry.store.events import EventStore, as_log

AT_MS = 1_761_812_640_000


def _event(title: str, after_ms: int = 0, **more: object) -> Event:
    fields: dict[str, object] = {"at_ms": AT_MS + after_ms, "title": title, **more}
    return Event(**fields)  # type: ignore[arg-type]  # the fields of a test are given by name


def _any(_: Event) -> bool:
    return True


async def test_events_come_newest_first_whatever_the_order_of_their_arrival(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "events.sqlite")
    store.append([_event("second", 5), _event("first"), _event("third", 9)])
    assert [event.title for event in await store.search(_any, AT_MS, AT_MS + 10)] == ["third", "second", "first"]
    oldest_first = await store.search(_any, AT_MS, AT_MS + 10, newest_first=False)
    assert [event.title for event in oldest_first] == ["first", "second", "third"]
    store.close()


async def test_events_of_one_millisecond_have_ids_of_their_own_in_order_of_arrival(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "events.sqlite")
    kept = store.append([_event("a"), _event("b")]) + store.append([_event("c")])
    ids = [event.id for event in kept]
    assert ids == sorted(set(ids))
    assert store.get(ids[1]) == kept[1]
    assert store.get(ids[2] + 1) is None
    assert store.get(1 << 70) is None
    store.close()


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_by_the_last_id_hold_every_event_once(tmp_path: Path, newest_first: bool) -> None:
    store = EventStore.open(tmp_path / "events.sqlite")
    store.append([_event(str(number), number // 3) for number in range(10)])
    whole = await store.search(_any, AT_MS, AT_MS + 100, newest_first=newest_first)
    paged: list[Event] = []
    while page := await store.search(
        _any, AT_MS, AT_MS + 100, 4, newest_first=newest_first, after=paged[-1].id if paged else None
    ):
        paged += page
    assert paged == whole
    assert len(paged) == 10
    store.close()


async def test_the_end_of_a_range_is_outside_of_it(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "events.sqlite")
    store.append([_event("inside"), _event("at the end", 10)])
    assert await store.count(_any, AT_MS, AT_MS + 10) == 1
    assert await store.count(lambda event: event.title == "at the end", AT_MS, AT_MS + 11) == 1
    assert await store.search(_any, 0, 1 << 62) != []
    assert await store.search(_any, AT_MS, AT_MS + 100, limit=0) == []
    store.close()


async def test_events_are_there_after_a_restart_and_a_second_owner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    store = EventStore.open(path)
    kept = store.append([_event("kept", tags=("kube_namespace:sock-shop",), attributes={"x": 1})])
    with pytest.raises(CannotRun, match="in use by another process"):
        EventStore.open(path)
    store.close()
    again = EventStore.open(path)
    assert await again.search(_any, AT_MS, AT_MS + 1) == kept
    again.close()


async def test_what_is_older_than_the_retention_goes(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "events.sqlite")
    store.append([_event("old"), _event("young", 10)])
    assert store.forget_before(AT_MS + 10) == 1
    assert [event.title for event in await store.search(_any, 0, AT_MS + 100)] == ["young"]
    store.close()


def test_an_event_is_searched_as_a_log_of_its_title_and_text() -> None:
    seen = as_log(
        _event(
            "Deployment sock-shop/payment: ScalingReplicaSet",
            text="Scaled down replica set payment-1 to 0 from 1",
            alert_type="warning",
            source="kubernetes",
            aggregation_key="kubernetes_apiserver:1",
            tags=("deployment:payment", "service:payment"),
        )
    )
    assert seen.message.endswith("ScalingReplicaSet\nScaled down replica set payment-1 to 0 from 1")
    assert (seen.status, seen.source, seen.service) == ("warning", "kubernetes", "payment")
    assert {"deployment:payment", "priority:normal", "aggregation_key:kubernetes_apiserver:1"} <= set(seen.tags)
