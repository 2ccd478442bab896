"""Children that die with their parent, and who is alive.

Two nets, because each has a hole: PR_SET_PDEATHSIG (Linux) spares grandchildren; the lifeline pipe (everywhere) needs a
child that watches it. The parent keeps the write end; when it dies, by whatever signal, the child reads end-of-file.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

LIFELINE = "ODDSOCK_LIFELINE"
"""The variable that tells a child the number of its lifeline's read end."""

_PR_SET_PDEATHSIG = 1
_START_TIME = 19
"""Where /proc/<pid>/stat has the start, counted from 0 behind the name: proc_pid_stat(5)."""
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends; for `preexec_fn`."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def follow_lifeline(on_end: Callable[[], None] | None = None) -> None:
    """Watch the lifeline named in the environment; at its end call *on_end*, else kill this process's group."""
    if LIFELINE not in os.environ:
        return
    fd = int(os.environ.pop(LIFELINE))

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 1):
                pass
        if on_end is not None:
            on_end()
        else:
            kill_group(os.getpgrp())

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def kill_group(pgid: int) -> None:
    """SIGKILL every process of the group *pgid*; a group that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)


def is_alive(pid: int, started_at: float) -> bool:
    """Whether process *pid* runs and is the one that started at *started_at* (psutil's create_time); zombies do not."""
    began_at, is_zombie = _look(pid)
    return began_at != 0.0 and abs(began_at - started_at) < 0.05 and not is_zombie


def started_at(pid: int) -> float:
    """When process *pid* started, as psutil tells it; 0.0 when it is gone."""
    return _look(pid)[0]


def _look(pid: int) -> tuple[float, bool]:
    """When *pid* started, 0.0 when it is gone, and whether it is a zombie."""
    if sys.platform == "linux":
        return _look_into_proc(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        return float(process.create_time()), process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return 0.0, False


def _look_into_proc(pid: int) -> tuple[float, bool]:
    # psutil reads the same two files; importing it takes longer than all that is asked of it here.
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, False
    fields = told.rpartition(") ")[2].split()
    return int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK") + _boot_time(), fields[0] in ("Z", "X")


@cache
def _boot_time() -> float:
    told = Path("/proc/stat").read_text()
    return float(told.partition("\nbtime ")[2].partition("\n")[0])
