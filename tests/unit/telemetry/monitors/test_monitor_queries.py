"""Monitor queries: what they mean, and the column of what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.kit.errors import QueryError
from oddsock.telemetry.monitors.query import TYPES, parse_monitor_query
from oddsock.telemetry.monitors.query_tree import CheckAlert, Comparison, Composite, CountAlert, MetricAlert, parts

REPLICAS = "avg(last_5m):avg:kubernetes_state.deployment.replicas_available{kube_deployment:payment} < 1"
FAILED = (
    'logs("service:sock-shop-orders \\"status updated to PAYMENT_FAILED\\"").index("*").rollup("count").last("5m") > 0'
)
CONNECT = '"payment.can_connect".over("kube_namespace:sock-shop").by("*").last(3).count_by_status()'


def test_a_metric_alert_has_its_window_its_expression_and_its_threshold() -> None:
    tree = parse_monitor_query("metric alert", REPLICAS)
    assert isinstance(tree, MetricAlert)
    assert (tree.aggregator, tree.window_s, tree.is_grouped) == ("avg", 300.0, False)
    assert tree.comparison == Comparison("<", 1.0)
    grouped = parse_monitor_query("query alert", "max(last_1h):sum:a{*} by {host} / 2 >= -1.5e3")
    assert isinstance(grouped, MetricAlert)
    assert (grouped.is_grouped, grouped.comparison) == (True, Comparison(">=", -1500.0))


def test_the_quotes_inside_a_log_alert_belong_to_its_search() -> None:
    tree = parse_monitor_query("log alert", FAILED)
    assert isinstance(tree, CountAlert)
    assert tree.search.text == 'service:sock-shop-orders "status updated to PAYMENT_FAILED"'
    assert (tree.source, tree.aggregation, tree.by, tree.window_s) == ("logs", "count", (), 300.0)


def test_an_event_alert_may_roll_up_a_measure_by_groups() -> None:
    tree = parse_monitor_query("event-v2 alert", 'events("a").rollup("avg", "@x").by("host,@b").last("1d") <= 2')
    assert isinstance(tree, CountAlert)
    assert (tree.source, tree.aggregation, tree.measure, tree.by) == ("events", "avg", "@x", ("host", "@b"))


def test_a_service_check_names_what_it_looks_over_and_groups_by() -> None:
    tree = parse_monitor_query("service check", CONNECT)
    assert tree == CheckAlert("payment.can_connect", ("kube_namespace:sock-shop",), (), ("*",), 3)
    several = '"c".over("*").exclude("env:test").by("host","service").last("2").count_by_status()'
    assert parse_monitor_query("service check", several) == CheckAlert("c", (), ("env:test",), ("host", "service"), 2)


def test_in_a_composite_and_binds_tighter_than_or() -> None:
    tree = parse_monitor_query("composite", "1 || 2 && !(3 || 4)")
    assert isinstance(tree, Composite)
    assert [part.monitor_id for part in parts(tree.root)] == [1, 2, 3, 4]
    assert tree.root.operator == "||"  # type: ignore[union-attr]  # the root is the joint that the test is about


@pytest.mark.parametrize(
    ("kind", "text", "column"),
    [
        ("query alert", "avg(last_5m)avg:a{*} < 1", 1),
        ("query alert", "avg(5m):avg:a{*} < 1", 5),
        ("query alert", "avg(last_9w):avg:a{*} < 1", 5),
        ("query alert", "avg(last_5m):avg:a{*", 21),
        ("query alert", "avg(last_5m): < 1", 15),
        ("query alert", "avg(last_5m):avg:a{*},avg:b{*} < 1", 14),
        ("query alert", "avg(last_5m):avg:a{* < 1", 21),
        ("query alert", "median(last_5m):avg:a{*} < 1", 1),
        ("query alert", "anomalies(avg:a{*}) > 1", 1),
        ("log alert", 'logs("a', 6),
        ("log alert", 'logs(5).last("5m") > 1', 1),
        ("log alert", 'events("a").last("5m") > 1', 1),
        ("log alert", 'logs("a").last("5m")', 21),
        ("log alert", 'logs("a").last("5m") > x', 24),
        ("log alert", 'logs("a").last("5m") > 1 2', 26),
        ("log alert", 'logs("a") > 1', 11),
        ("log alert", 'logs("a").rollup("mode").last("5m") > 1', 19),
        ("log alert", 'logs("a").rollup("avg").last("5m") > 1', 11),
        ("log alert", 'logs("a").last("5m").last("5m") > 1', 22),
        ("log alert", 'logs("a").first("5m") > 1', 11),
        ("log alert", 'logs("\\"a\\" AND (").last("5m") > 1', 18),
        ("service check", 'a.over("*")', 1),
        ("service check", '"a".last(0).count_by_status()', 5),
        ("service check", '"a".last(1).count_by_status() > 1', 31),
        ("composite", "1 &&", 5),
        ("composite", "(1", 3),
        ("composite", "1 2", 3),
        ("synthetics alert", "x", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_column(kind: str, text: str, column: int) -> None:
    with pytest.raises(QueryError) as error:
        parse_monitor_query(kind, text)
    assert error.value.column == column


@given(st.sampled_from(TYPES), st.text(max_size=60) | st.text(alphabet='alogsevnt("\\).,*12<>=!&|{}: ', max_size=60))
def test_any_text_is_a_query_or_refused_at_a_column_of_its_own(kind: str, text: str) -> None:
    try:
        parse_monitor_query(kind, text)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1
