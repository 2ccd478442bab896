"""The house's Datadog client over a real socket: pages, tries, sizes, read-only, and errors that say what to do."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from oddsock.clients.datadog.datadog import Datadog
from oddsock.clients.datadog.errors import NotThere, QueryRefused
from oddsock.kit import http
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Forbidden, Unreachable, UsageError


class Stub:
    """Answers what it was told, in order, and remembers what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[tuple[int, Any]] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.seen.append((request.method, request.path_qs, dict(request.headers), body))
        status, document = self.answers.pop(0) if self.answers else (200, {})
        return web.Response(status=status, body=msgspec.json.encode(document), content_type="application/json")


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """A server that is no Datadog but answers like one."""
    made = Stub()
    app = web.Application(client_max_size=20_000_000)
    app.router.add_route("*", "/{any:.*}", made.answer)
    runner = await http.serve(app, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def datadog(stub: Stub) -> AsyncIterator[Datadog]:
    """The client at the stub; its pauses cost no time."""
    made = Datadog(stub.url, "api", "app", clock=ManualClock())
    yield made
    await made.close()


def _page(ids: range, after: str | None = None) -> tuple[int, Any]:
    rows = [
        {"id": str(n), "type": "log", "attributes": {"timestamp": "2025-10-30T08:24:46.328Z", "message": f"line {n}"}}
        for n in ids
    ]
    return 200, {"data": rows, "meta": {"page": {"after": after} if after else {}, "warnings": ["OR binds last"]}}


async def test_logs_are_read_page_by_page_until_no_cursor_is_left(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [_page(range(3), "there"), _page(range(3, 5))]
    found = await datadog.search_logs('"Connection refused"', "now-3h", "now")
    assert [log.message for log in found.rows] == [f"line {n}" for n in range(5)]
    assert found.is_whole
    assert found.warnings == ("OR binds last",)
    second = msgspec.json.decode(stub.seen[1][3])
    assert second["page"]["cursor"] == "there"
    assert stub.seen[0][2]["DD-APPLICATION-KEY"] == "app"


async def test_a_limit_cuts_the_answer_and_says_so(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [_page(range(3), "there")]
    found = await datadog.search_logs("x", "now-3h", "now", 2)
    assert (len(found.rows), found.is_whole) == (2, False)


async def test_a_wrong_query_is_refused_with_its_column_and_never_tried_again(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [(400, {"errors": ["An opening parenthesis has no end at column 7."]})]
    with pytest.raises(QueryRefused, match="no end") as refused:
        await datadog.search_logs("hello (", "now-3h", "now")
    assert refused.value.column == 7
    assert len(stub.seen) == 1


async def test_a_server_in_trouble_is_asked_again_a_few_times(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [(503, {}), (429, {"errors": ["slow down"]}), (200, {"metrics": ["b", "a"]})]
    assert await datadog.metric_names(0) == ["a", "b"]
    stub.answers = [(500, {"errors": ["broken"]})] * 9
    with pytest.raises(Unreachable, match="broken"):
        await datadog.metric_names(0)
    assert len(stub.answers) == 5


async def test_a_monitor_is_not_made_twice_because_of_an_answer_that_was_lost(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [(500, {"errors": ["broken"]}), (200, {"id": 1})]
    with pytest.raises(Unreachable):
        await datadog.create_monitor({"name": "m"})
    assert len(stub.seen) == 1


async def test_logs_are_sent_in_bodies_of_a_thousand_at_most_and_packed(stub: Stub, datadog: Datadog) -> None:
    await datadog.send_logs([{"message": f"line {n}"} for n in range(2500)], tags=("env:drill",))
    bodies = [msgspec.json.decode(body) for _, _, _, body in stub.seen]
    assert [len(body) for body in bodies] == [1000, 1000, 500]
    assert stub.seen[0][1] == "/api/v2/logs?ddtags=env:drill"
    assert stub.seen[0][2]["Content-Encoding"] == "gzip"


async def test_what_is_shipped_by_somebody_who_only_reads_stays_here(stub: Stub) -> None:
    reader = Datadog(stub.url, read_only=True)
    for sending in (
        reader.send_logs([{}]),
        reader.send_event({}),
        reader.create_dashboard({}),
        reader.send_checks([{}]),
    ):
        with pytest.raises(Forbidden, match="only reads"):
            await sending
    await reader.close()
    assert stub.seen == []


async def test_wrong_keys_unknown_ids_and_other_servers_each_have_their_error(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [(403, {"errors": ["Forbidden"]}), (404, {"errors": ["Dashboard not found"]}), (200, ["no", "page"])]
    with pytest.raises(Forbidden, match="DD_API_KEY"):
        await datadog.monitors()
    with pytest.raises(NotThere):
        await datadog.dashboard("abc")
    with pytest.raises(CannotRun, match="something else"):
        await datadog.search_logs("x", "now-1h", "now")


async def test_events_of_both_versions_are_read_alike(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [
        (200, {"events": [{"id": 7, "title": "t", "text": "x", "date_happened": 1761812640, "tags": ["a:b"]}]}),
        (
            200,
            {
                "data": [
                    {
                        "id": "e",
                        "type": "event",
                        "attributes": {
                            "timestamp": "2025-10-30T08:24:00.000Z",
                            "message": "x",
                            "tags": ["a:b"],
                            "attributes": {"title": "t"},
                        },
                    }
                ]
            },
        ),
    ]
    (listed,) = await datadog.list_events(0, 2_000_000_000, sources="kubernetes", tags=("deployment:payment",))
    (found,) = await datadog.search_events("sources:kubernetes", "now-3h", "now")
    assert (listed.at, listed.title, listed.text, listed.tags) == (found.at, found.title, found.text, found.tags)
    assert "tags=deployment:payment" in stub.seen[0][1].replace("%3A", ":")


async def test_a_metric_query_keeps_its_gaps(stub: Stub, datadog: Datadog) -> None:
    stub.answers = [
        (
            200,
            {"status": "ok", "series": [{"metric": "m", "pointlist": [[1000.0, 1.0], [2000.0, None]], "interval": 20}]},
        ),
        (200, {"status": "error", "error": "unknown aggregator at column 1"}),
    ]
    (series,) = (await datadog.query_metric("avg:m{*}", 0, 2)).rows
    assert series.points == ((1000.0, 1.0), (2000.0, None))
    with pytest.raises(QueryRefused, match="aggregator"):
        await datadog.query_metric("oops:m{*}", 0, 2)


async def test_nobody_at_the_address_is_told_with_what_to_do() -> None:
    nobody = Datadog("http://127.0.0.1:9", clock=ManualClock())
    with pytest.raises(Unreachable, match="Connection refused"):
        await nobody.hosts()
    await nobody.close()


def test_without_an_address_there_is_no_connection() -> None:
    with pytest.raises(UsageError, match="nothing is sent anywhere by default"):
        Datadog("")
    with pytest.raises(UsageError, match="no address"):
        Datadog("us5.datadoghq.com")


def test_the_real_datadog_is_made_of_the_environment_and_only_read() -> None:
    with pytest.raises(UsageError, match="DD_API_KEY, DD_APP_KEY"):
        Datadog.from_environment({"DD_SITE": "us5.datadoghq.com"})
    with pytest.raises(UsageError, match="no Datadog site"):
        Datadog.from_environment({"DD_SITE": "http://127.0.0.1:1", "DD_API_KEY": "k", "DD_APP_KEY": "k"})
    real = Datadog.from_environment({"DD_SITE": "us5.datadoghq.com", "DD_API_KEY": "secret", "DD_APP_KEY": "secret"})
    assert real.address == "https://api.us5.datadoghq.com"
    assert real.connection.address.intake == "https://http-intake.logs.us5.datadoghq.com"
    assert real.connection.read_only
    assert not real.is_local
    assert "secret" not in repr(real.connection.address)
