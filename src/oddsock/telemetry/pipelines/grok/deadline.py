"""Matching that is ended when it takes too long.

Python's `re` backtracks and has no time-out of its own, but it looks for signals while it works: a timer of this
process's CPU time rings after the deadline, and its handler raises out of the match. A loaded machine does not ring it
early. Signals reach the main thread only, so matching belongs there.
"""

import signal
import threading
from types import FrameType

DEADLINE_S = 0.1
"""CPU seconds the matches of one text may take together; a line of Spring Boot takes some 0.00001."""

_MAIN = threading.main_thread().ident
_is_running = False
_is_set_up = False


class Overrun(Exception):
    """Matching took longer than its deadline."""


def _ring(_signal: int, _frame: FrameType | None) -> None:
    # A timer that was stopped a moment too late rings into other work: that goes on.
    if _is_running:
        raise Overrun


class Deadline:
    """Raises Overrun inside its `with` block *seconds* of CPU time after its begin; RuntimeError in another thread."""

    def __init__(self, seconds: float = DEADLINE_S) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        global _is_running, _is_set_up
        if threading.get_ident() != _MAIN:
            raise RuntimeError("Grok rules are matched in the main thread, whose timer bounds them.")
        if not _is_set_up:
            signal.signal(signal.SIGPROF, _ring)
            _is_set_up = True
        _is_running = True
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def __exit__(self, *_cause: object) -> None:
        global _is_running
        _is_running = False
        signal.setitimer(signal.ITIMER_PROF, 0)
