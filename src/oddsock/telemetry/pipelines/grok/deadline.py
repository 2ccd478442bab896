"""A regular expression's match, ended when it takes too long.

Python's `re` backtracks and has no time-out of its own, but it looks for signals while it works: a timer of this
process's CPU time rings after the deadline, and its handler raises out of the match. A loaded machine does not ring it
early. Signals reach the main thread only, so matching belongs there.
"""

import re
import signal
import threading
from types import FrameType

DEADLINE_S = 0.1
"""CPU seconds one match may take; a line of Spring Boot takes some 0.000005."""

_MAIN = threading.main_thread().ident
_timed: re.Pattern[str] | None = None
_is_set_up = False


class Overrun(Exception):
    """A match took longer than its deadline."""


def _ring(_signal: int, _frame: FrameType | None) -> None:
    if _timed is not None:
        raise Overrun


def _set_up() -> None:
    global _is_set_up
    signal.signal(signal.SIGPROF, _ring)
    _is_set_up = True


def fullmatch(pattern: re.Pattern[str], text: str, deadline_s: float = DEADLINE_S) -> re.Match[str] | None:
    """`pattern.fullmatch(text)`; Overrun after *deadline_s* CPU seconds, RuntimeError outside the main thread."""
    global _timed
    if threading.get_ident() != _MAIN:
        raise RuntimeError("Grok rules are matched in the main thread, whose timer bounds them.")
    if not _is_set_up:
        _set_up()
    _timed = pattern
    try:
        signal.setitimer(signal.ITIMER_PROF, deadline_s)
        return pattern.fullmatch(text)
    finally:
        _timed = None
        signal.setitimer(signal.ITIMER_PROF, 0)
