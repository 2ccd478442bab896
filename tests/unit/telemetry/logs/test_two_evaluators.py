"""The SQL evaluator and the predicate answer alike, on generated logs and queries; any text ends in an answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddsock.kit.clock import ManualClock
from oddsock.telemetry.query.errors import QueryError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import DEPTH_MAX, TESTS_MAX, TEXT_LENGTH_MAX, parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.aggregates import Compute
from oddsock.telemetry.store.logs import LogStore

AT_MS = 1_761_812_686_328
WORDS = (
    "order",
    "Order",
    "PAYMENT_FAILED",
    "payment",
    "straße",
    "STRASSE",
    "K\u0130",
    "\u212a",
    "5",
    "500",
    "x",
    "e\u0301",
    "的",
)
VALUES = (
    "a",
    "A",
    "5",
    "5.0",
    "500",
    "-3",
    "true",
    "payment-7d9f",
    "10.1.2.3",
    "fd00::1",
    "a b",
    'q"q',
    "straße",
    "*",
    "",
)
KEYS = ("k", "env", "http.code", 'odd"key', "list", "a.b")

plain = st.sampled_from(WORDS)
message = st.lists(plain, max_size=6).flatmap(
    lambda words: st.sampled_from((" ", "-", ", ", "/", "_", "\n", "\0")).map(lambda mark: mark.join(words))
)
scalar = st.one_of(
    st.sampled_from(VALUES), st.integers(-5, 600), st.just(2**70), st.floats(allow_nan=True), st.booleans(), st.none()
)
attributes = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(
        scalar, st.lists(scalar, max_size=3), st.dictionaries(st.sampled_from(("code", "b")), scalar, max_size=2)
    ),
    max_size=3,
)
tag = st.builds(lambda key, value: f"{key}:{value}", st.sampled_from(KEYS), st.sampled_from(VALUES))
logs = st.lists(
    st.builds(
        Log,
        at_ms=st.integers(AT_MS, AT_MS + 5) | st.just(AT_MS + 86_400_000),
        message=message,
        status=st.sampled_from(("info", "error", "warn", "warning")),
        service=st.sampled_from(("", "orders", "sock-shop-orders")),
        host=st.sampled_from(("", "worker")),
        source=st.sampled_from(("", "java")),
        trace_id=st.sampled_from(("", "5", "abc")),
        tags=st.lists(tag | st.just("bare"), max_size=3).map(tuple),
        attributes=attributes,
    ),
    max_size=12,
)


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if not c.isalnum() else c for c in text)


wild = st.lists(
    st.sampled_from(("*", "?", "o", "pay", "E", "5", "ss", "的", "-", ".", "a")), min_size=1, max_size=4
).map("".join)
quoted = (message | st.sampled_from(VALUES)).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
bound = st.sampled_from(("*", "-3", "5", "5.5", "500", "a", "payment", '"a b"'))
value = st.one_of(
    quoted,
    wild,
    st.sampled_from([_escaped(text) for text in VALUES if text]),
    st.builds(
        lambda sign, end: f"{sign}{end}", st.sampled_from((">", ">=", "<", "<=")), bound.filter(lambda b: b != "*")
    ),
    st.builds(
        lambda a, low, high, b: f"{a}{low} TO {high}{b}", st.sampled_from("[{"), bound, bound, st.sampled_from("]}")
    ),
)
key = st.sampled_from(
    [
        *("service", "status", "host", "source", "trace_id", "tags", "message", "*", "timestamp"),
        *(_escaped(name) for name in KEYS),
        *(f"@{_escaped(name)}" for name in (*KEYS, "k.code")),
    ]
)
term = st.one_of(
    plain,
    quoted,
    wild,
    st.builds(lambda name, asked: f"{name}:{asked}", key, value),
    st.builds(lambda name: f"{name}:*", key),
    st.builds(lambda how, name: f"{how}:{name}", st.sampled_from(("_exists_", "_missing_")), key),
    st.sampled_from((f"timestamp:>{AT_MS + 2}", f"timestamp:[{AT_MS} TO {AT_MS + 1}}}", f"timestamp:{AT_MS}")),
    st.just("CIDR(@k, 10.0.0.0/8, fd00::/8)"),
)
query = st.recursive(
    term,
    lambda inner: st.one_of(
        st.builds(lambda a, mark, b: f"{a}{mark}{b}", inner, st.sampled_from((" ", " AND ", " OR ", " || ")), inner),
        st.builds(lambda mark, a: f"{mark}({a})", st.sampled_from(("", "NOT ", "-", "!")), inner),
    ),
    max_leaves=6,
)


async def _answers(folder: Path, stored: list[Log], asked: list[str]) -> list[tuple[str, list[int], list[int], Any]]:
    store = LogStore.open(folder, ManualClock())
    try:
        await store.append(stored)
        everything = await store.search(parse_search(""), 0, AT_MS * 2, 100, newest_first=False)
        answers = []
        for text in asked:
            try:
                search = parse_search(text)
            except QueryError:
                continue
            accepts = predicate(search)
            expected = [log.id for log in everything if accepts(log)]
            found = [log.id for log in await store.search(search, 0, AT_MS * 2, 100, newest_first=False)]
            counted = await store.aggregate(search, 0, AT_MS * 2, [Compute()], [])
            answers.append((text, expected, found, counted[0].computes[0]))
        return answers
    finally:
        store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(stored=logs, asked=st.lists(query, min_size=20, max_size=60))
def test_sql_and_predicate_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, stored: list[Log], asked: list[str]
) -> None:
    for text, expected, found, counted in asyncio.run(_answers(tmp_path_factory.mktemp("logs"), stored, asked)):
        assert found == expected, text
        assert counted == len(expected), text


@settings(max_examples=400, deadline=None, derandomize=True)
@given(text=st.text(max_size=60) | st.text(alphabet='ab:*?"()[]{}<>=-!&|\\@#, ANDORNTC5.', max_size=60) | query)
def test_any_text_ends_in_a_tree_or_in_an_error_with_a_column(text: str) -> None:
    try:
        accepts = predicate(parse_search(text))
    except QueryError as refusal:
        assert 1 <= refusal.column <= len(text) + 1
    else:
        accepts(Log(at_ms=AT_MS, message="an order", tags=("k:a",), attributes={"k": [1, "a"]}))


@pytest.mark.parametrize(
    "text",
    [
        "(" * (DEPTH_MAX + 1) + "a" + ")" * (DEPTH_MAX + 1),
        "a " * (TESTS_MAX + 1),
        "x" * (TEXT_LENGTH_MAX + 1),
        "k:" + "(" * 4000,
    ],
)
def test_what_is_too_deep_too_many_or_too_long_is_refused_with_a_column(text: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse_search(text)
    assert 1 <= refusal.value.column <= len(text) + 1


async def test_the_largest_query_that_is_allowed_is_answered(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path, ManualClock())
    await store.append([Log(at_ms=AT_MS, message="a" * 5000, attributes={"k": "a" * 5000})])
    nested = "(" * DEPTH_MAX + "a OR @k:b" + ")" * DEPTH_MAX
    many = " OR ".join(f"@k:*{n}*a?" for n in range(TESTS_MAX - 10))
    hungry = "-" * 2000 + "@k:" + "*a" * 1500 + "*b OR " + "*a" * 600 + "*b"
    for text in (nested, many, hungry):
        assert await store.search(parse_search(text), 0, AT_MS * 2, 10) == [], text[:80]
    store.close()
