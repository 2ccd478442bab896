"""The zygote: a process with one thread that has imported what images name, and is forked once for each container.

The control plane is forked into it before its own loop begins, so both share what they have imported. It is told what
to fork over a socket; standard streams and the lifeline come along as file descriptors. It dies with the control plane
(PR_SET_PDEATHSIG, end of the socket), and its children with it. Linux only: elsewhere containers are executed.

Wire: one JSON document a packet (SOCK_SEQPACKET); `Fork` there, `Started`, `Refused` and `Ended` back.
"""

import contextlib
import fcntl
import gc
import importlib
import io
import logging
import os
import runpy
import select
import signal
import socket
import sys
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from oddsock.cluster import process_title
from oddsock.kit import processes

PACKET_BYTES_MAX = 128 * 1024
"""A larger request (an environment of many kilobytes) is not sent: its container is executed."""
FDS = 4
"""File descriptors that come with a request: stdin, stdout, stderr, lifeline."""
EXIT_UNFIT = 70
"""The exit code of a zygote that may not be forked, EX_SOFTWARE of sysexits.h."""

_log = logging.getLogger(__name__)


class Fork(msgspec.Struct, frozen=True, tag=True):
    """A request: run `python -m <module> <arguments>` in *folder* with exactly this *environment*."""

    number: int
    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    is_at_terminal: bool


class Started(msgspec.Struct, frozen=True, tag=True):
    """Request *number* is process *pid*, leader of its own session and group."""

    number: int
    pid: int


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Request *number* could not be forked, for the system's reason *errno*."""

    number: int
    errno: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """Process *pid* has ended; *code* is its exit code, or minus the signal that killed it."""

    pid: int
    code: int


Report = Started | Refused | Ended


def live(channel: socket.socket, preload: Sequence[str], parent: int) -> NoReturn:
    """The life of the zygote, forked by process *parent*; in a fork of it, the life of a container."""
    # The control plane has opened nothing yet that a container may keep: its log, its ready pipe, its lifeline.
    os.setsid()
    processes.die_with_parent()
    if os.getppid() != parent:
        os._exit(0)
    _close_all_but(channel.fileno())
    os.environ.pop(processes.LIFELINE, None)
    process_title.rename("zygote", ["oddsock-zygote"])
    for module in preload:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 - anything may go wrong in a module of an image; the control plane goes on
            _log.exception("%s cannot be imported: pods are executed, not forked", module)
            os._exit(EXIT_UNFIT)
    if threading.active_count() > 1:
        _log.error("a module that is preloaded starts a thread when imported: pods are executed, not forked")
        os._exit(EXIT_UNFIT)
    # What is there now lives for ever: never looked at again by the collector, its pages stay shared.
    gc.freeze()
    request = Nursery(channel).run()
    if request is None:
        os._exit(0)
    run_module(request)


class Nursery:
    """Forks on request and tells who ended, until its channel ends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._pid = os.getpid()

    def run(self) -> Fork | None:
        """Serve until the channel ends, then None; in each child, return the request that it is."""
        poll = select.poll()
        for end in (self._channel, self._wake):
            poll.register(end, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._wake.fileno() in ready:
                self._wake.recv(4096)
                self._reap()
            if self._channel.fileno() in ready:
                packet, fds, _, _ = socket.recv_fds(self._channel, PACKET_BYTES_MAX, FDS)
                if not packet:
                    return None
                request = msgspec.json.decode(packet, type=Fork)
                if self._fork(request, fds):
                    return request

    def _fork(self, request: Fork, fds: list[int]) -> bool:
        """Fork; True in the child."""
        try:
            settled, settling = os.pipe()
            pid = os.fork()
        except OSError as cause:
            self._tell(Refused(request.number, cause.errno or 0))
        else:
            if pid == 0:
                os.setsid()
                os.close(settling)
                self._leave()
                _enter(request, fds, self._pid)
                return True
            os.close(settling)
            # It leads its own group, or is dead, before anybody hears of it and may kill that group.
            os.read(settled, 1)
            os.close(settled)
            self._tell(Started(request.number, pid))
        for fd in fds:
            os.close(fd)
        return False

    def _leave(self) -> None:
        # In the child: what was the zygote's is let go by its owner, not by its number, which will be used again.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._channel, self._wake, self._waker):
            end.close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._tell(Ended(pid, os.waitstatus_to_exitcode(status)))

    def _tell(self, report: Report) -> None:
        try:
            self._channel.sendall(msgspec.json.encode(report))
        except OSError:
            # The control plane is gone, and everything it had started goes with it.
            os._exit(0)


def run_module(request: Fork) -> NoReturn:
    """Run the module of *request* as `python -m` does; its end is this process's end."""
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)
    sys.exit(0)


def _enter(request: Fork, fds: list[int], parent: int) -> None:
    """Make this fork look like a process that was executed for *request*.

    `random` and `kit.ids` begin anew by themselves (os.register_at_fork); all else of ours asks the kernel.
    """
    processes.die_with_parent()
    if os.getppid() != parent:
        os._exit(0)
    *streams, lifeline = fds
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    if request.is_at_terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _close_all_but(lifeline)
    os.environ.clear()
    os.environ.update(request.environment)
    os.environ[processes.LIFELINE] = str(lifeline)
    time.tzset()
    os.chdir(request.folder)
    sys.argv = [request.module, *request.arguments]
    if not sys.flags.safe_path:
        sys.path[0] = request.folder
    _open_streams()
    _forget_log()
    # It was off while the zygote imported.
    gc.enable()
    arguments = [sys.executable, "-m", request.module, *request.arguments]
    process_title.rename((request.arguments or [request.module])[0], arguments)


def _close_all_but(kept: int) -> None:
    # Not os.closerange: where libc has no close_range it tries a million numbers.
    for entry in list(Path("/proc/self/fd").iterdir()):
        if (fd := int(entry.name)) > 2 and fd != kept:
            with contextlib.suppress(OSError):
                os.close(fd)


def _open_streams() -> None:
    """Standard streams of this process's own, unbuffered when PYTHONUNBUFFERED says so."""
    is_unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open as long as the process
    for fd, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        raw = io.FileIO(fd, "w", closefd=False)
        below = raw if is_unbuffered else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            below,  # CPython itself puts a raw file here when it is unbuffered
            encoding="utf-8",
            errors=errors,
            line_buffering=fd == 2 or os.isatty(fd),
            write_through=is_unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _forget_log() -> None:
    """The control plane's log is not the container's."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.NOTSET)
