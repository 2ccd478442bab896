"""What `ps` shows of a process that was forked and not executed: its own words instead of its ancestor's. Linux only.

The kernel reads a process's command line from that process's memory, so it is written there, over the old one.
Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (arg_start, arg_end)
"""

import ctypes
from collections.abc import Sequence
from pathlib import Path

_ARG_START = 48
"""Number of the field of /proc/<pid>/stat, counted from 1; arg_end is the next."""


def rename(short: str, words: Sequence[str]) -> None:
    """Show *short* (at most 15 bytes) as this process's name and *words* as its command line, cut to the old length."""
    try:
        # Not PR_SET_NAME: this file is the same thing without a call into libc.
        Path("/proc/self/comm").write_text(short[:15])
        fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return
    # The first two fields stand before the bracket.
    start, end = (int(fields[number - 3]) for number in (_ARG_START, _ARG_START + 1))
    if not 0 < start < end:
        return
    shown = "\0".join(words).encode(errors="replace")[: end - start - 1]
    ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)
