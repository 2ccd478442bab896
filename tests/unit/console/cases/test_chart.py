"""A timeline as bands and marks."""

from typing import Any

import pytest

from oddsock.console.cases import chart
from oddsock.console.cases.chart import Chart, HistoryChart, Mark, _cut
from oddsock.drill.history import Entry, Kind


def entry(n: int, kind: Kind, verb: str, actor: str = "runner", operation: str = "", **value: Any) -> Entry:
    at = f"2026-01-31T08:30:{n:02d}.000Z"
    return Entry(
        n=n, at=at, plan_s=n, phase="main", kind=kind, actor=actor, operation=operation, verb=verb, value=value
    )


def checkout(n: int, kind: Kind, operation: str, **value: Any) -> Entry:
    begins = {"lines": [], "total_cents": 100} if kind == "invoke" else {}
    return entry(n, kind, "checkout", "customer:ann", operation, **begins, **value)


def test_an_order_waits_until_its_customer_is_answered() -> None:
    drawn = HistoryChart()

    (waiting,), _ = drawn.take([checkout(1, "invoke", "a1")])
    (answered,), _ = drawn.take([checkout(2, "unknown", "a1", http_status=500)])

    assert (waiting.outcome, answered.outcome) == ("waiting", "unknown")
    assert (answered.id, answered.at) == (waiting.id, waiting.at)
    assert drawn.counts == {"attempts": 1, "waiting": 0, "placed": 0, "not-placed": 0, "unknown": 1}


def test_a_fault_is_a_band_from_its_inject_to_its_heal() -> None:
    drawn = HistoryChart()
    fault = {"fault": "scale-to-zero", "target": "payment"}
    drawn.take([entry(1, "invoke", "inject", "fault:away", **fault)])
    drawn.take([entry(2, "ok", "inject", "fault:away", window_from_at="2026-01-31T08:30:01.500Z", **fault)])
    (stands,) = drawn.chart().bands
    assert (stands.from_at, stands.to_at) == ("2026-01-31T08:30:01.500Z", "")

    drawn.take([entry(9, "ok", "heal", "fault:away", **fault)])

    assert drawn.chart().bands[0].to_at == "2026-01-31T08:30:09.000Z"


def test_a_fault_that_was_refused_is_no_band() -> None:
    drawn = HistoryChart()
    drawn.take([entry(1, "invoke", "inject", "fault:away"), entry(2, "fail", "inject", "fault:away")])

    assert drawn.chart().bands == []


def test_every_odd_mark_stays_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "MARKS_MAX", 100)
    marks = [
        Mark(id=str(n), at="2026-01-31T08:30:00.000Z", kind="order", outcome="odd" if n % 50 == 0 else "balanced")
        for n in range(1000)
    ]

    cut = _cut(Chart(from_at="", to_at="", origin_at="", speed=1, bands=[], marks=marks))

    assert sum(mark.outcome == "odd" for mark in cut.marks) == 20
    assert len(cut.marks) <= 100
    assert cut.total == 1000
    assert cut.is_thinned
