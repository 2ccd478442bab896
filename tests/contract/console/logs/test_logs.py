"""Logs and events of the console over HTTP, with what the telemetry behind it has."""

import asyncio
import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

from tests.contract.console.logs.conftest import ANSWER_S_MAX, Person
from tests.contract.datadog.conftest import Server

from oddsock.kit import ids
from oddsock.kit.clock import SystemClock, iso

EVIL = "<script>alert('socks')</script><img src=x onerror=alert(1)>"
ORDER = "690320cee2c84800016ceb4a"


def _send(server: Server, mark: str, *lines: dict[str, Any]) -> None:
    """Have *lines* stored, each with the tag mark:*mark*."""
    bodies = [{"service": "orders", "ddtags": f"mark:{mark},pod_name:orders-1", **line} for line in lines]
    server.ask("POST", "/api/v2/logs", json.dumps(bodies).encode())


async def test_the_page_and_its_twin_show_what_a_search_finds(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, {"message": f"Order {ORDER} status updated to PAYMENT_FAILED", "status": "error"})
    _send(telemetry, mark, {"message": "calm", "status": "info"})

    twin = await person.ask("/logs.json", query=f"mark:{mark}")
    status, shown = await person.get("/logs", query=f"mark:{mark}")

    assert [line["message"] for line in twin["lines"]] == ["calm", f"Order {ORDER} status updated to PAYMENT_FAILED"]
    assert twin["lines"][1]["order"] == ORDER
    assert twin["histogram"]["total"] == 2
    assert [one["name"] for one in twin["histogram"]["statuses"]] == ["error", "info"]
    assert {"mark", "pod_name"} <= set(twin["facets"])
    assert status == 200
    assert "status updated to PAYMENT_FAILED" in shown
    assert f"query=%22{ORDER}%22" in shown
    assert "<rect" in shown


async def test_a_line_with_a_script_in_it_stays_text(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, {"message": EVIL, "evil": EVIL, "service": EVIL})

    status, shown = await person.get("/logs", query=f"mark:{mark}")
    twin = await person.ask("/logs.json", query=f"mark:{mark}")

    assert status == 200
    assert "<script>alert" not in shown
    assert "<img" not in shown.replace('<img src="/static/odd.svg"', "")
    assert "&lt;script&gt;alert" in shown
    assert twin["lines"][0]["message"] == EVIL
    assert twin["lines"][0]["attributes"]["evil"] == EVIL


async def test_a_query_with_a_script_in_it_stays_text_where_it_is_shown_again(person: Person) -> None:
    status, shown = await person.get("/logs", query=f'"{EVIL}" (')

    assert status == 400
    assert "<script>alert" not in shown


async def test_a_refused_query_is_told_with_its_column(person: Person) -> None:
    query = "service:orders AND ("

    for path in ("/logs.json", "/logs/lines.json", "/logs/histogram.json", "/events.json"):
        error = (await person.ask(path, 400, query=query))["error"]
        assert error["column"] == len(query) + 1, path
        assert "missing" in error["sentence"], path
    for path in ("/logs", "/events"):
        status, shown = await person.get(path, query=query)
        assert status == 400
        assert f'<pre class="caret">{query}\n{" " * len(query)}^</pre>' in shown
        assert f'value="{query}"' in shown, "it can be put right where it is"


async def test_a_span_that_is_none_is_told_without_a_column_of_the_query(person: Person) -> None:
    error = (await person.ask("/logs/lines.json", 400, query="a", span={"from": "yesterday"}))["error"]

    assert error["column"] is None
    assert error["sentence"].startswith("from: ")


async def test_the_form_of_a_reports_link_finds_the_lines_of_its_window(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, {"message": "inside"})
    now = SystemClock().now().timestamp()
    around = {"from": _instant(now - 60), "to": _instant(now + 60)}
    earlier = {"from": _instant(now - 99), "to": _instant(now - 60)}

    found = await person.ask("/logs.json", query=f"mark:{mark}", span=around)
    before = await person.ask("/logs.json", query=f"mark:{mark}", span=earlier)

    assert [line["message"] for line in found["lines"]] == ["inside"]
    assert (found["from_at"], found["to_at"]) == (around["from"], around["to"])
    assert before["lines"] == []


async def test_older_lines_follow_by_the_cursor_without_one_twice(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, *({"message": f"line {number}"} for number in range(25)))

    found, cursor = [], ""
    while True:
        page = await person.ask("/logs/lines.json", query=f"mark:{mark}", limit="10", cursor=cursor)
        found += [line["message"] for line in page["lines"]]
        cursor = page["cursor"]
        if not cursor:
            break

    assert found == [f"line {number}" for number in reversed(range(25))]


async def test_a_facet_tells_its_values_and_the_query_that_a_click_makes(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    lines = [{"message": "a", "image": "shop/pay:1.0"}, {"message": "b"}, {"message": "b", "service": "front end"}]
    _send(telemetry, mark, *lines)

    services = await person.ask("/logs/facets.json", facet="service", query=f"mark:{mark}")
    images = await person.ask("/logs/facets.json", facet="@image", query=f"mark:{mark}")

    assert [(one["value"], one["count"]) for one in services["values"]] == [("orders", 2), ("front end", 1)]
    for facet, left in ((services["values"][1], 1), (images["values"][0], 1)):
        narrowed = await person.ask("/logs/lines.json", query=facet["toggled"])
        others = await person.ask("/logs/lines.json", query=facet["left_out"])
        assert len(narrowed["lines"]) == left
        assert len(others["lines"]) == 3 - left
    told = await person.ask("/logs/facets.json", facet="service", query=services["values"][0]["toggled"])
    assert (told["values"][0]["state"], told["values"][0]["toggled"]) == ("in", f"mark:{mark}")


async def test_a_value_is_completed_from_its_beginning(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, {"message": "a", "service": f"s{mark}-one"}, {"message": "b", "service": f"s{mark} two"})

    found = await person.ask("/logs/values.json", facet="service", prefix=f"s{mark}")

    assert {one["term"] for one in found["values"]} == {f"service:s{mark}-one", f'service:"s{mark} two"'}


async def test_the_live_tail_tells_lines_as_they_come_in(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    async with person.session.get(f"{person.base}/logs/tail", params={"query": f"mark:{mark}"}) as stream:
        assert stream.content_type == "text/event-stream"
        # What is sent before the tail is open is not followed, so it is sent until something came.
        async with asyncio.timeout(ANSWER_S_MAX):
            sending = asyncio.create_task(_send_on(telemetry, mark))
            told = await _read_event(stream.content, "lines")
            sending.cancel()
    assert told["lines"][0]["message"] == EVIL
    assert told["missed"] == 0


async def _send_on(telemetry: Server, mark: str) -> None:
    while True:
        await asyncio.to_thread(_send, telemetry, mark, {"message": EVIL})
        await SystemClock().sleep(0.2)


async def _read_event(content: Any, name: str) -> Any:
    async for line in content:
        if line.strip() == f"event: {name}".encode():
            return json.loads((await content.readline()).removeprefix(b"data: "))
    raise AssertionError("the stream ended")


async def test_a_tail_of_a_wrong_query_is_refused_with_its_column(person: Person) -> None:
    async with person.session.get(f"{person.base}/logs/tail", params={"query": "a ("}) as stream:
        told = await _read_event(stream.content, "refused")

    assert told["column"] == 4


async def test_lines_are_taken_away_masked_and_harmless_for_a_spreadsheet(person: Person, telemetry: Server) -> None:
    mark = ids.object_id()
    _send(telemetry, mark, {"message": "=1+1"}, {"message": "longNum=5953580604169678, ccv=678"})

    _, table = await person.get("/logs/download", query=f"mark:{mark}", format="csv")
    document = await person.ask("/logs/download", query=f"mark:{mark}", format="json")

    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["message"] for row in rows] == ["longNum=************9678, ccv=***", "'=1+1"]
    assert {row["pod"] for row in rows} == {"orders-1"}
    assert [log["message"] for log in document["logs"]] == ["longNum=************9678, ccv=***", "=1+1"]
    assert document["is_whole"]


async def test_a_term_and_an_instant_lead_on_to_the_page(person: Person) -> None:
    async with person.session.get(
        f"{person.base}/logs/around", params={"at": "2025-10-30T08:24:00Z", "query": '"x"'}, allow_redirects=False
    ) as moved:
        assert moved.status == 303
        address = moved.headers["Location"]
    assert "from=2025-10-30T07%3A24%3A00.000Z&to=2025-10-30T09%3A24%3A00.000Z" in address
    status, shown = await person.get("/logs/term", key="service", value="a b", query="x", out="1")
    assert (status, shown) == (303, "")
    assert (await person.ask("/logs/around", 400, at="when"))["error"]["sentence"] == "at is no instant."


async def test_events_are_searched_newest_first_and_lead_to_the_logs_around_them(
    person: Person, telemetry: Server
) -> None:
    mark = ids.object_id()
    for title in ("first", EVIL):
        event = {"title": title, "text": EVIL, "tags": [f"mark:{mark}", "pod_name:orders-1"], "alert_type": "error"}
        telemetry.ask("POST", "/api/v1/events", json.dumps(event).encode())

    twin = await person.ask("/events.json", query=f"mark:{mark}", to="now+1m")
    status, shown = await person.get("/events", query=f"mark:{mark}", to="now+1m")

    assert [event["title"] for event in twin["events"]] == [EVIL, "first"]
    assert twin["events"][0]["logs"] == "pod_name:orders-1"
    assert status == 200
    assert "<script>alert" not in shown
    assert re.search(r'href="/logs/around\?at=[^"]+&amp;within_s=300&amp;query=pod_name%3Aorders-1"', shown)


async def test_who_has_no_session_sees_no_line(person: Person) -> None:
    person.session.cookie_jar.clear()

    for path in ("/logs", "/logs/lines.json", "/logs/tail", "/logs/download", "/events.json"):
        status, shown = await person.get(path)
        assert status == 401, path
        assert "oddsock console" in shown


def _instant(at_s: float) -> str:
    return iso(datetime.fromtimestamp(at_s, UTC))
