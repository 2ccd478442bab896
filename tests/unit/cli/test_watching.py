"""Who watches a drill, and what they put on the screen."""

import io

import pytest

from oddsock.cli import watching
from oddsock.drill.history import Entry, Kind


def entry(kind: Kind, verb: str, actor: str) -> Entry:
    """One line of a history."""
    return Entry(
        n=1,
        at="2025-10-30T08:24:46.328Z",
        plan_s=46.3,
        phase="main",
        kind=kind,
        actor=actor,
        operation="a0001",
        verb=verb,
        value={"username": "Rayaan", "lines": [], "total_cents": 499, "effect": "payment is at 0/0"},
    )


def test_json_shows_nothing_before_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with watching.choose_watcher(json=True, terminal=False) as watcher, watcher.paused():
        watcher.event(entry("ok", "inject", "fault:away"))
        watcher.progress(1, 2)
    assert capsys.readouterr().out == ""


def test_a_pipe_gets_plain_lines_with_wall_and_plan_time(capsys: pytest.CaptureFixture[str]) -> None:
    with watching.choose_watcher(json=False, terminal=False) as watcher:
        watcher.event(entry("ok", "inject", "fault:away"))
        watcher.event(entry("invoke", "add", "customer:Rayaan"))
    assert capsys.readouterr().out == "08:24:46.328  main     +00:46.3  ✓ inject away: payment is at 0/0\n"


def test_a_terminal_shows_the_window_of_a_fault_as_a_band() -> None:
    screen = io.StringIO()
    with watching.LiveTimeline(screen) as watcher:
        watcher.event(entry("invoke", "checkout", "customer:Rayaan"))
        watcher.event(entry("ok", "inject", "fault:away"))
        watcher.event(entry("unknown", "checkout", "customer:Rayaan"))
        watcher.event(entry("ok", "heal", "fault:away"))
        watcher.progress(3, 10)
        with watcher.paused():
            pass
    rows = [row for row in screen.getvalue().splitlines() if "08:24:46" in row]
    assert [watching.BAND in row for row in rows] == [False, True, True, False]
