"""Whatever is sent is answered: never a 500, never a hang, and a wrong query by the column where it is wrong."""

import json
import re
import zlib
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server

ANSWER_S_MAX = 60
"""Wall seconds after which an answer counts as a hang, on a machine that is busy."""

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "now", "2025-10-30T08:24:46Z", "9999-12-31T23:59:59Z", "0001-01-01", "\0", "{}", '{"a":{"b":[1]}}']
    ),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda deeper: st.one_of(st.lists(deeper, max_size=4), st.dictionaries(st.text(max_size=8), deeper, max_size=4)),
)
RESERVED = [
    "message",
    "status",
    "service",
    "hostname",
    "host",
    "ddsource",
    "ddtags",
    "timestamp",
    "date",
    "dd",
    "trace_id",
]
RESERVED += ["traceparent", "_oddsock.source_offset", "_oddsock", "level"]
entries = st.dictionaries(st.one_of(st.sampled_from(RESERVED), st.text(max_size=8)), values, max_size=8)
SIGNS = [*'()-!*?":@[{<~\\', "OR", "AND", "NOT", "TO", "CIDR(", "\0"]
TERMS = [
    "service:a",
    "@a:>5",
    '"a b"',
    "a*b*c*d*e*",
    "tags:x",
    "_exists_:a",
    "*:x",
    "@a.b:[1 TO 2]",
    "key:(a OR b)",
    "#x",
]
words = st.sampled_from([*SIGNS, *TERMS])
queries = st.one_of(
    st.lists(words, max_size=12).map(" ".join), st.lists(words, max_size=12).map("".join), st.text(max_size=60)
)
instants = st.one_of(st.sampled_from(["now", "now-1h", "now/d", "now-", "0", ""]), st.text(max_size=12), st.integers())
facets = st.one_of(st.sampled_from(["service", "status", "@a", "@a.b", "tag", "", "@", "*"]), st.text(max_size=8))


def _ask(server: "Server", method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    sent = {"DD-API-KEY": server.api_key, "DD-APPLICATION-KEY": server.app_key, "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(server.url + path, data=body, method=method, headers=sent)
    try:
        with urlopen(request, timeout=ANSWER_S_MAX) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as refused:
        return refused.code, json.loads(refused.read())


def _expect(told: tuple[int, Any], *statuses: int) -> Any:
    status, answer = told
    assert status in statuses, told
    if status >= 400:
        assert answer["errors"]
        assert all(isinstance(sentence, str) and sentence for sentence in answer["errors"])
    return answer


@few
@given(
    body=st.one_of(st.binary(max_size=200), entries.map(lambda entry: json.dumps([entry]).encode())),
    encoding=st.sampled_from(["identity", "gzip", "deflate", "zstd", "br", "gzip, deflate", ""]),
    packing=st.sampled_from(["none", "zlib", "zstd", "torn"]),
    media=st.sampled_from(
        ["application/json", "text/plain", "application/x-protobuf", "x", "text/plain; charset=utf-16"]
    ),
)
def test_any_body_in_any_encoding_is_taken_or_refused(
    server: "Server", body: bytes, encoding: str, packing: str, media: str
) -> None:
    packed = {
        "none": body,
        "zlib": zlib.compress(body),
        "zstd": zstandard.compress(body),
        "torn": zlib.compress(body)[:-3],
    }
    told = _ask(server, "POST", "/api/v2/logs", packed[packing], Content_Encoding=encoding, Content_Type=media)
    _expect(told, 202, 400, 413, 415)


@few
@given(batch=st.one_of(st.lists(entries, max_size=4), entries, values))
def test_any_json_is_taken_or_refused_and_what_was_taken_can_be_read(server: "Server", batch: Any) -> None:
    _expect(_ask(server, "POST", "/api/v2/logs?ddtags=run:fuzz", json.dumps(batch).encode()), 202, 400)
    answer = _expect(_ask(server, "POST", "/api/v2/logs/events/search", b'{"filter":{"query":"run:fuzz"}}'), 200)
    assert isinstance(answer["data"], list)


@few
@given(query=queries)
def test_any_query_is_answered_or_refused_by_its_column(server: "Server", query: str) -> None:
    body = json.dumps({"filter": {"query": query, "from": "now-1h"}}).encode()
    status, answer = _ask(server, "POST", "/api/v2/logs/events/search", body)
    _expect((status, answer), 200, 400)
    if status == 400:
        column = re.match(r"Column (\d+): ", answer["errors"][0])
        assert column, answer
        assert 1 <= int(column.group(1)) <= len(query) + 1


@few
@given(
    query=queries, start=instants, to=instants, cursor=st.text(max_size=30), limit=st.text(max_size=5), sort=st.text()
)
def test_any_address_of_a_search_is_answered_or_refused(
    server: "Server", query: str, start: Any, to: Any, cursor: str, limit: str, sort: str
) -> None:
    asked = {"filter[query]": query, "filter[from]": start, "filter[to]": to, "page[cursor]": cursor}
    address = urlencode({**asked, "page[limit]": limit, "sort": sort}, errors="surrogatepass")
    _expect(_ask(server, "GET", f"/api/v2/logs/events?{address}"), 200, 400)


@few
@given(
    query=queries,
    facet=facets,
    metric=facets,
    aggregation=st.sampled_from(["count", "cardinality", "sum", "median", "pc99", "p99"]),
    interval=st.one_of(st.sampled_from(["5m", "1s", "0s", "1w", "999999999w"]), values),
    more=st.dictionaries(st.sampled_from(["limit", "missing", "total", "sort", "histogram"]), values, max_size=2),
)
def test_any_aggregation_is_answered_or_refused(
    server: "Server", query: str, facet: str, metric: str, aggregation: str, interval: Any, more: dict[str, Any]
) -> None:
    compute = {"aggregation": aggregation, "metric": metric, "type": "timeseries", "interval": interval}
    asked = {"filter": {"query": query}, "compute": [compute], "group_by": [{"facet": facet, **more}]}
    _expect(_ask(server, "POST", "/api/v2/logs/analytics/aggregate", json.dumps(asked).encode()), 200, 400)


@few
@given(
    body=values,
    path=st.sampled_from(
        ["/api/v2/logs/events/search", "/api/v2/logs/analytics/aggregate", "/api/v1/logs-queries/list"]
    ),
)
def test_any_json_to_a_reading_call_is_answered_or_refused(server: "Server", body: Any, path: str) -> None:
    _expect(_ask(server, "POST", path, json.dumps(body).encode()), 200, 400)


@few
@given(facet=facets, prefix=st.text(max_size=5), query=queries)
def test_any_completion_is_answered_or_refused(server: "Server", facet: str, prefix: str, query: str) -> None:
    address = urlencode({"facet": facet, "prefix": prefix, "query": query})
    _expect(_ask(server, "GET", f"/_oddsock/facets?{address}"), 200, 400)


@pytest.mark.parametrize("key", ["", "é", "\x00a", "a" * 5000, "an-api-key-of-the-tes"])
def test_any_key_is_refused(server: "Server", key: str) -> None:
    _expect(_ask(server, "GET", f"/api/v1/validate?{urlencode({'api_key': key})}", DD_API_KEY=""), 401, 403)
