"""The SQL evaluator and the predicate answer alike, on generated logs and queries; any text ends in an answer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import QueryError
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

NUMBERS = (5, 5.0, 5.5, -3, 500, 2**70, 0.1 + 0.2, 1e21, float("nan"))
MARKS = (" ", " ", "-", ", ", "/", "_", "\n", "\0")

plain = st.sampled_from(WORDS)
message = st.builds(lambda words, mark: mark.join(words), st.lists(plain, max_size=4), st.sampled_from(MARKS))


def _logs(seed: int, count: int) -> list[Log]:
    """Logs over a small stock of words, keys and values, so that most queries match some and few match all."""
    chance = Random(seed)

    def scalar() -> Any:
        return chance.choice((*VALUES, *VALUES, *NUMBERS, True, False, None))

    def value() -> Any:
        shape = chance.randrange(5)
        if shape == 0:
            return [scalar() for _ in range(chance.randrange(4))]
        return {name: scalar() for name in chance.sample(("code", "b"), 1)} if shape == 1 else scalar()

    return [
        Log(
            at_ms=AT_MS + chance.randrange(6) + chance.choice((0, 0, 86_400_000)),
            message=chance.choice(MARKS).join(chance.choices(WORDS, k=chance.randrange(7))),
            status=chance.choice(("info", "error", "warn", "warning")),
            service=chance.choice(("", "orders", "sock-shop-orders")),
            host=chance.choice(("", "worker")),
            source=chance.choice(("", "java")),
            trace_id=chance.choice(("", "5", "abc")),
            tags=tuple(f"{key}:{chance.choice(VALUES)}" for key in chance.choices(KEYS, k=chance.randrange(4))),
            attributes={key: value() for key in chance.sample(KEYS, chance.randrange(4))},
        )
        for _ in range(count)
    ]


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


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, LogStore, list[Log]]]:
    """A store with two days of logs, its loop, and the logs as it gives them back."""
    with asyncio.Runner() as runner:
        store = LogStore.open(tmp_path_factory.mktemp("logs"), ManualClock())
        runner.run(store.append(_logs(seed=3, count=160)))
        yield runner, store, runner.run(store.search(parse_search(""), 0, AT_MS * 2, 1000, newest_first=False))
        store.close()


@settings(max_examples=700, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(text=query)
@example(text='*:"a a"')
@example(text="pay*")
@example(text="*:pay* -@k:* OR ord*")
def test_sql_and_predicate_answer_alike(stored: tuple[asyncio.Runner, LogStore, list[Log]], text: str) -> None:
    runner, store, everything = stored
    try:
        search = parse_search(text)
    except QueryError:
        return
    accepts = predicate(search)
    expected = [log.id for log in everything if accepts(log)]

    async def asked() -> tuple[list[int], list[int], Any]:
        found = await store.search(search, 0, AT_MS * 2, 1000, newest_first=False)
        newest = await store.search(search, 0, AT_MS * 2, 7)
        counted = await store.aggregate(search, 0, AT_MS * 2, [Compute()], [])
        return [log.id for log in found], [log.id for log in newest], counted[0].computes[0]

    assert runner.run(asked()) == (expected, expected[::-1][:7], len(expected))


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
