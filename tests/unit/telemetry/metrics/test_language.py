"""The language of metric queries: what is taken, what it means, where an error is said to be."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

import oddsock
from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.metric_query import parse_formula, parse_query
from oddsock.telemetry.query.metric_tree import Binary, Call, Negation, Number, Query, Reference, holds

DATA = Path(oddsock.__file__).parent / "data"

VALID = [
    "avg:system.load.1{*}",
    "avg:kubernetes_state.deployment.replicas_available{kube_namespace:sock-shop,kube_deployment:payment}",
    "sum:shop.orders.created{*}.as_count()",
    "sum:shop.orders.created{env:prod}.as_rate()",
    "max:kubernetes.memory.usage{pod_name:orders-*} by {pod_name}",
    "avg:kubernetes.cpu.usage.total{!kube_namespace:kube-system} by {kube_namespace, kube_deployment}",
    "avg:system.load.1{host:a OR host:b}",
    "avg:system.load.1{env:prod AND NOT (host:a OR host:b)}",
    "avg:system.load.1{host IN (a, b) AND env NOT IN (test,dev)}",
    "sum:a.b{*}.rollup(max, 60)",
    "sum:a.b{*}.as_count().rollup(sum,60).fill(zero)",
    "avg:a.b{*}.fill(last, 120)",
    "avg:a.b{*}.rollup(300)",
    "100 * sum:a{*}.as_count() / (sum:a{*}.as_count() + sum:b{*}.as_count())",
    "default_zero(avg:a.b{x:y})",
    "top(avg:a.b{*} by {host}, 5, 'mean', 'desc')",
    "moving_rollup(avg:a.b{*}, 300, 'max')",
    "timeshift(avg:a.b{*}, -3600) - hour_before(avg:a.b{*})",
    "abs(diff(sum:a{*})) + per_minute(cumsum(count:b{*})) * -2.5e3",
    "avg:a{*}, avg:b{*}",
]


@pytest.mark.parametrize("query", VALID)
def test_a_valid_query_is_understood(query: str) -> None:
    assert parse_query(query)


def shipped() -> Iterator[str]:
    """Every metric query of the dashboards and plans that come with the product."""
    for path in sorted([*DATA.glob("dashboards/*.json"), *DATA.glob("plans/*.yaml")]):
        for query in re.findall(r"""(?:"query": "|query: '|confirmed_by: ')([^"'\n]*)["']""", path.read_text()):
            if re.match(r"(\w+\()*(avg|sum|min|max|count):", query):
                yield re.sub(r"\{pod \w+\}", "orders-7f74f9b69c-k7vh5", query)


def test_every_query_that_comes_with_the_product_is_understood() -> None:
    queries = set(shipped())
    assert len(queries) >= 12
    for query in queries:
        assert parse_query(query), query


@pytest.mark.parametrize(
    ("query", "column", "sentence"),
    [
        ("", 1, "Expected an aggregator such as avg:"),
        ("system.load.1{*}", 1, "Expected an aggregator such as avg:"),
        ("avg:system.load.1", 18, "Expected '{' before the scope"),
        ("avg:system.load.1{}", 19, "everything is {*}"),
        ("avg:system.load.1{host:a", 25, "Expected '}' after the scope, found the end of the query"),
        ("avg:a{x:y, NOT z:w}", 10, "not both"),
        ("avg:a{!x:y AND z:w}", 7, "not both"),
        ("avg:a{$host}", 7, "template variable"),
        ('avg:a{host:"a"}', 12, "Expected '}'"),
        ("avg:a{*}.rollup(middle)", 9, ".rollup takes one of"),
        ("avg:a{*}.rollup(sum, 0.5)", 9, "whole seconds"),
        ("avg:a{*}.fill(zero, 900)", 9, "600 s at most"),
        ("avg:a{*}.as_counts()", 9, "Expected .as_count()"),
        ("avg:a{*} + ", 12, "Expected an aggregator"),
        ("(avg:a{*}", 10, "Expected ')'"),
        ("avg:a{*} avg:b{*}", 10, "Expected the end of the query"),
        ("p95:a{*}", 1, "distribution"),
        ("median:a{*}", 1, "is no aggregator"),
        ("anomalies(avg:a{*}, 'basic', 2)", 1, "is no function"),
        ("top(avg:a{*}, 5)", 1, "top takes 3 arguments"),
        ("1 + abs(2)", 1, "needs a metric"),
        ("-" * 60 + "avg:a{*}", 51, "nests 50 deep"),
        ("avg:a{*}" + "+1" * 300, 0, "200 operators"),
    ],
)
def test_a_wrong_query_is_refused_where_it_goes_wrong(query: str, column: int, sentence: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse_query(query)
    assert sentence in str(refusal.value)
    assert column in (refusal.value.column, 0)


def test_products_bind_tighter_than_sums_and_both_to_the_left() -> None:
    (found,) = parse_query("1 - 2 - avg:a{*} * 3")
    assert isinstance(found, Binary) and isinstance(found.left, Binary) and isinstance(found.right, Binary)
    assert (found.operator, found.left.operator, found.right.operator) == ("-", "-", "*")
    assert found.left.left == Number(1.0)


def test_every_part_of_a_query_is_in_its_tree() -> None:
    (found,) = parse_query("  sum:a.b{x:y} by {Host,env,host}.as_count().rollup(max, 60).fill(last, 30)")
    assert isinstance(found, Query)
    assert (found.aggregator, found.metric, found.scope_text, found.by) == ("sum", "a.b", "x:y", ("host", "env"))
    assert (found.modifier, found.rollup, found.rollup_s) == ("as_count", "max", 60)
    assert (found.fill, found.fill_s, found.column) == ("last", 30, 3)


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("*", [""], []),
        ("env:prod", ["env:prod x:y"], ["env:production", "x:env:prod"]),
        ("ENV:Prod", ["env:prod"], ["env:test"]),
        ("env:prod,host:a", ["env:prod host:a"], ["env:prod", "host:a"]),
        ("env:prod,!host:a", ["env:prod", "env:prod host:b"], ["env:prod host:a", "host:b"]),
        ("pod:web-*", ["pod:web-1", "pod:web-"], ["pod:web", "pod:a-web-1"]),
        ("pod:*-x", ["pod:a-x"], ["pod:a-xy"]),
        ("pod:*e*", ["pod:web", "pod:e"], ["pod:lab"]),
        ("pod:*", ["pod:a"], ["pods:a", ""]),
        ("pod:a*b*c", ["pod:abc", "pod:a-b-b-c", "pod:aXbYcZc"], ["pod:acb", "pod:ab", "pod:cabc-"]),
        ("*ab*ab", ["ab:abab", "x:abab"], ["x:ab", "x:aba"]),
        ("x:" + "*a" * 60 + "*b", ["x:" + "a" * 60 + "b"], ["x:" + "a" * 190]),
        ("a:1 AND b:2 OR c:3", ["a:1 b:2", "c:3"], ["a:1", "b:2"]),
        ("a:1 AND (b:2 OR c:3)", ["a:1 c:3", "a:1 b:2"], ["c:3", "a:1"]),
        ("NOT a:1", ["", "b:2"], ["a:1"]),
        ("a IN (1, 2)", ["a:1", "a:2"], ["a:3", ""]),
        ("a NOT IN (1,2)", ["a:3", ""], ["a:1", "a:2"]),
        ("a:1 and b not in (2)", ["a:1", "a:1 b:3"], ["a:1 b:2"]),
        ("android:yes", ["android:yes"], ["and:yes"]),
        ("untouched", ["untouched"], ["x:untouched"]),
        ("url:http://payment:80/", ["url:http://payment:80/"], ["url:http"]),
    ],
)
def test_a_scope_holds_the_tags_it_says(scope: str, inside: list[str], outside: list[str]) -> None:
    (found,) = parse_query(f"avg:a{{{scope}}}")
    assert isinstance(found, Query)
    assert [tags for tags in inside if not holds(found.scope, frozenset(tags.split()))] == []
    assert [tags for tags in outside if holds(found.scope, frozenset(tags.split()))] == []


def test_a_formula_speaks_of_queries_by_their_names() -> None:
    found = parse_formula("default_zero(a) / -(a + b1)", frozenset({"a", "b1"}))
    assert isinstance(found, Binary) and isinstance(found.left, Call) and isinstance(found.right, Negation)
    assert found.left.operand == Reference("a", 14)
    with pytest.raises(QueryError, match=r"No query is named 'c'; there are a, b1") as refusal:
        parse_formula("a + c", frozenset({"a", "b1"}))
    assert refusal.value.column == 5


PIECES = some.sampled_from(
    ["avg:", "sum:a.b", "{*}", "{", "}", "(", ")", " by ", ".rollup(", ".fill(zero", "x:y", ",", "!", " AND ", " NOT ",
     "IN (", "top(", "1", "-", "/", "'desc'", "*", " ", ".as_count()", "é", "\x00", "p95:", "e", "$"]
)  # fmt: skip


@given(some.one_of(some.text(max_size=60), some.lists(PIECES, max_size=15).map("".join)))
def test_whatever_is_asked_is_understood_or_refused_with_a_column(query: str) -> None:
    with contextlib.suppress(QueryError):
        parse_query(query)
    try:
        parse_formula(query, frozenset({"a"}))
    except QueryError as refusal:
        assert 1 <= refusal.column <= len(query) + 1


@pytest.mark.parametrize(
    "query", ["(" * 8000, "avg:a{" + "NOT " * 2000, "avg:a{" + "(" * 5000, "abs(" * 2000, "x" * 9000]
)
def test_a_deep_or_long_query_is_refused_not_followed(query: str) -> None:
    with pytest.raises(QueryError):
        parse_query(query)
