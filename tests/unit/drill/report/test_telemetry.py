"""What telemetry answered stands in the report beside what was expected, computed from the case alone."""

from typing import Any

import msgspec
import pytest

from oddsock.drill.case import Case
from oddsock.drill.report import verify_report, write_report
from oddsock.drill.report.document import Report
from oddsock.drill.telemetry_figures import STEPS
from oddsock.drill.telemetry_files import HEARTBEAT, MONITORS, ORDERS_LINES, Answer, write_answer
from oddsock.kit.clock import instant

ORDERS = "kube_namespace:sock-shop service:sock-shop-orders"
ASKS = f"""
evidence:
  telemetry:
    queries:
      - {{id: Q1, name: Failures, query: '{ORDERS} "PAYMENT_FAILED"', expect: [lines.window == 5, lines.past == 6]}}
      - {{id: Q2, query: 'service:orders', expect: [lines.window == 5], lesson: Look at the facets first.}}
      - {{id: Q3, query: 'kube_namespace:sock-shop "{{order 1}}"', expect: [steps.window == 5]}}
      - {{id: Q4, query: '{ORDERS} "ERROR"', expect: [lines.window == 5]}}
    metrics:
      - id: M1
        name: Pods of payment
        query: 'avg:kubernetes.pods.running{{deployment:payment}}'
        confirmed_by: 'avg:kubernetes_state.deployment.replicas_available{{deployment:payment}}'
        before: [max == 1]
        during: [max == 0]
        after: [last == 1]
    views:
      - id: V2
        kind: containers
        filter: kube_namespace:sock-shop
        expect: [running.payment == 0, running.orders == 1]
    events:
      - {{id: E1, query: 'sources:kubernetes', expect: [scaled_down.window == 1, scaled_up.window == 1]}}
    dashboards:
      - {{id: D1, title: Incident overview, expect: [widgets == 2, answered == 2]}}
"""
FAILED = ("690320cee2c84800016ceb4a", "690320eae2c84800016ceb4b", "69032142e2c84800016ceb4c",
          "690321a3e2c84800016ceb4d", "690321b0e2c84800016ceb4e")  # fmt: skip
FROM_AT, TO_AT = "2026-11-24T10:00:02.000Z", "2026-11-24T10:00:12.000Z"


def read(case: Case) -> Report:
    """What report.json of *case* says."""
    return msgspec.json.decode((case.path / "report.json").read_bytes(), type=Report)


def at(wall_s: float) -> str:
    """The instant *wall_s* seconds after the fault."""
    return f"2026-11-24T10:00:{2 + wall_s:06.3f}Z"


def line(order: str, step: str, wall_s: float, service: str = "sock-shop-orders") -> dict[str, Any]:
    """A line of telemetry."""
    return {"id": f"{order}{wall_s}", "at": at(wall_s), "service": service, "message": step.format(id=order)}


def points(values: list[float | None]) -> list[list[float | None]]:
    """A point a second from 2 s before the fault on."""
    begin = instant(FROM_AT).timestamp() * 1000
    return [[begin + (n - 2) * 1000, value] for n, value in enumerate(values)]


@pytest.fixture
def asked_case(whole_case: Case) -> Case:
    """The incident whose plan asked telemetry, and what it answered."""
    plan = whole_case.path / "plan.yaml"
    plan.write_text(plan.read_text() + ASKS)
    told = [line(order, STEPS[-1], 1.0 + n) for n, order in enumerate(FAILED)]
    old = line("69031f20e2c84800016ceb49", STEPS[-1], -1.1)
    keep(whole_case, "Q1", "log", "window", told, asked=f'{ORDERS} "PAYMENT_FAILED"')
    keep(whole_case, "Q1", "log", "past", [old, *told])
    keep(whole_case, "Q2", "log", "window", [], asked="service:orders")
    keep(whole_case, "Q2", "log", "past", [])
    keep(whole_case, "Q3", "log", "window", [line(FAILED[0], step, 1 + n / 10) for n, step in enumerate(STEPS)])
    write_answer(whole_case, Answer(id="Q4", kind="log", part="window", missing="Connection refused"))
    gap: list[float | None] = [1, 1, None, None, None, None, None, None, None, None, None, None, 1, 1]
    keep(whole_case, "M1", "metric", "run", [{"interval_s": 1, "points": points(gap), "unit": "pod"}], asked="avg:m{*}")
    zeros: list[float | None] = [1, 1, *[0] * 10, 1, 1]
    keep(whole_case, "M1", "metric", "confirmed", [{"interval_s": 1, "points": points(zeros)}])
    keep(whole_case, "V2", "view", "", [{"name": "orders", "deployment": "orders", "state": "running"}])
    title = "Deployment sock-shop/payment: ScalingReplicaSet"
    scalings = [
        {"at": at(0), "title": title, "text": "Scaled down"},
        {"at": at(9), "title": title, "text": "Scaled up"},
    ]
    keep(whole_case, "E1", "event", "", scalings)
    widgets = [
        {"title": "Pods", "answered": True, "values": 9},
        {"title": "Errors", "answered": False, "why": "no query"},
    ]
    keep(whole_case, "D1", "dashboard", "", widgets)
    beats = [{"row": "beat", "caught_up": True}, {"row": "lines", "service": "sock-shop-orders", "lines": 9}]
    keep(whole_case, HEARTBEAT, "heartbeat", "", beats)
    return whole_case


def keep(case: Case, question: str, kind: str, part: str, rows: list[dict[str, Any]], asked: str = "asked") -> None:
    """Keep one answer in *case*."""
    write_answer(
        case,
        Answer(id=question, kind=kind, part=part, written=asked, asked=asked, from_at=FROM_AT, to_at=TO_AT, rows=rows),
    )


@pytest.fixture
def report(asked_case: Case) -> Report:
    """Its report."""
    write_report(asked_case)
    return read(asked_case)


def row(report: Report, question: str) -> Any:
    """The row of one question."""
    return next(one for one in report.evidence if one.id == question)


def test_a_query_has_its_text_its_numbers_and_where_to_look_it_up(report: Report) -> None:
    found = row(report, "Q1")
    assert (found.verdict, found.expected) == ("seen", "lines.window == 5; lines.past == 6")
    assert found.actual.startswith("5 lines.window")
    assert (found.group, found.name) == ("Telemetry: logs", "Failures")
    assert found.datadog_url.startswith("https://app.datadoghq.com/logs?query=kube_namespace%3Asock-shop")
    assert found.console_url.startswith("/logs?query=")
    assert found.command == f"oddsock logs '{ORDERS} \"PAYMENT_FAILED\"'"


def test_what_the_literal_range_finds_beside_the_window_is_explained_line_by_line(report: Report) -> None:
    (beyond,) = row(report, "Q1").beyond
    assert beyond.startswith(at(-1.1)[:18]) and "in the lead's own fault earlier-outage: Order 69031f20" in beyond
    assert "beside the window's also 1 before it" in row(report, "Q1").learnt


def test_a_tag_that_no_line_has_is_learnt_with_those_that_lines_have(report: Report) -> None:
    found = row(report, "Q2")
    assert found.verdict == "not seen"
    assert "No line has the tag service:orders; services that wrote meanwhile: sock-shop-orders." in found.learnt
    assert found.learnt.endswith("Look at the facets first.")


def test_the_five_steps_of_an_order_count_in_their_order(report: Report) -> None:
    assert (row(report, "Q3").verdict, row(report, "Q3").actual) == ("seen", "5 lines.window; steps.window 5")


def test_what_was_not_answered_is_no_evidence(report: Report) -> None:
    assert (row(report, "Q4").verdict, row(report, "Q4").learnt) == ("no evidence", "No evidence: Connection refused.")


def test_a_series_that_stops_is_zero_only_because_another_metric_says_so(report: Report, asked_case: Case) -> None:
    found = row(report, "M1")
    assert found.verdict == "seen", found
    assert "The series stops instead of falling to 0" in found.learnt
    (asked_case.path / "evidence/telemetry/M1-confirmed.json").unlink()
    write_report(asked_case)
    alone = row(read(asked_case), "M1")
    assert alone.verdict == "no evidence"
    assert "a gap alone proves nothing" in alone.learnt


def test_views_events_and_dashboards_are_counted(report: Report) -> None:
    assert (row(report, "V2").verdict, row(report, "E1").verdict) == ("seen", "seen")
    assert row(report, "V2").actual == "1 containers; running.payment 0; running.orders 1"
    assert row(report, "D1").verdict == "not seen"
    assert "Errors was not answered: no query." in row(report, "D1").learnt


def test_the_report_with_telemetry_recomputes_from_its_evidence(report: Report, asked_case: Case) -> None:
    assert verify_report(asked_case) == []
    path = asked_case.path / "evidence/telemetry/Q1-window.json"
    path.write_text(path.read_text().replace(at(1.0), at(30.0), 1).replace("PAYMENT_FAILED", "PAID"))
    assert any("Q1-window.json" in difference for difference in verify_report(asked_case))


def test_a_metric_is_drawn_with_its_gap_and_the_window(report: Report, asked_case: Case) -> None:
    (plot,) = report.plots
    assert (plot.name, plot.unit, plot.points[2][1]) == ("Pods of payment", "pod", None)
    html = (asked_case.path / "report.html").read_text()
    assert html.count('class="series"') == 2, "a gap in the series is a gap in the line"


def fire(case: Case, *changes: tuple[str, str, float]) -> Report:
    """The report of *case* in which monitors a and b exist and did *changes*."""
    rows: list[dict[str, Any]] = [{"row": "monitor", "name": name, "query": "q", "state": "OK"} for name in "ab"]
    rows += [{"row": "change", "title": f"[{change}] {name}", "at": at(wall_s)} for change, name, wall_s in changes]
    keep(case, MONITORS, "monitor", "", rows)
    write_report(case)
    return read(case)


def test_the_first_monitor_that_fired_detected_the_incident(asked_case: Case) -> None:
    report = fire(asked_case, ("Triggered on {x:y}", "b", 3.0), ("Triggered", "a", 1.5), ("Recovered", "a", 9.0))
    found = report.detection
    assert (found.monitors, found.monitor, found.detected_at, found.seconds) == (2, "a", at(1.5), 1.5)
    assert [(one.name, one.recovered_at) for one in found.fired] == [("a", at(9.0)), ("b", "")]
    assert found.sentence.startswith("2 of 2 monitors fired, the first “a” after 45.0 s of plan time (1.5 s wall)")
    assert report.summary[-1].endswith("; “a” fired first, 45.0 s of plan time (1.5 s wall) after the fault.")
    detect = next(one for one in report.impact.times if one.name == "time to detect")
    assert detect.duration and detect.duration.wall_s == 1.5
    assert verify_report(asked_case) == []


def test_a_monitor_that_fired_already_before_the_fault_detected_nothing(asked_case: Case) -> None:
    found = fire(asked_case, ("Triggered", "a", -1.0)).detection
    assert (found.monitor, found.detected_at, found.seconds) == ("", "", None)
    assert found.sentence == "0 of 2 monitors fired. Still firing since before the fault: “a”. Silent: “b”."


def test_monitors_that_could_not_be_asked_are_not_said_to_be_silent(asked_case: Case) -> None:
    write_answer(asked_case, Answer(id=MONITORS, kind="monitor", missing="Connection refused"))
    write_report(asked_case)
    assert read(asked_case).detection.sentence == "Whether a monitor fired is not known: Connection refused."


def test_a_case_whose_telemetry_lost_a_line_is_odd_by_it(asked_case: Case) -> None:
    lines = [line(order, step, 1 + n) for n, order in enumerate(FAILED) for step in STEPS]
    keep(asked_case, ORDERS_LINES, "log", "", lines[:-1])
    write_report(asked_case)
    verdicts = {one.id: one.before for one in read(asked_case).invariants}
    assert (verdicts["E1"], verdicts["G3"]) == ("odd", "odd")
