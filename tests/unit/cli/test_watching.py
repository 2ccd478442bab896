"""A drill that is watched on a terminal: lines above one bar, from before the length is known until the end."""

import io

from oddsock.cli.watching import LiveTimeline
from oddsock.drill.history import Entry


def entry(verb: str, kind: str, actor: str) -> Entry:
    """One line of a history."""
    return Entry(
        n=0,
        at="2025-10-30T08:24:00.000Z",
        plan_s=46.3,
        phase="main",
        kind=kind,  # type: ignore[arg-type]  # a word of the test's own
        actor=actor,
        operation="a0001",
        verb=verb,
        value={"sentence": "payment is at 0/0"},
    )


def test_a_bar_is_drawn_before_the_length_of_the_drill_is_known() -> None:
    screen = io.StringIO()
    with LiveTimeline(screen) as watcher:
        watcher.event(entry("inject", "ok", "fault:payment-away"))
        watcher.progress(3, 20)
    shown = screen.getvalue()
    assert "+00:46.3" in shown
    assert "/20" in shown
