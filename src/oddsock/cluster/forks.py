"""The control plane's end of the zygote: asks for forks, and is told who started and who ended."""

import asyncio
import contextlib
import errno
import gc
import itertools
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from oddsock.cluster.zygote import PACKET_BYTES_MAX, Ended, Fork, Refused, Report, Started, live
from oddsock.kit import processes

FORK_S_MAX = 30.0
"""Wall seconds the zygote may take to answer, its imports at the start included; then pods are executed."""
ASKED_MAX = 8
"""Requests that may be unanswered at a time; more wait here."""

_log = logging.getLogger(__name__)


class Child(Protocol):
    """Who wants to know of one forked process."""

    def born(self, pid: int) -> None:
        """It runs."""
        ...

    def ended(self, code: int) -> None:
        """It ended with exit code *code*, or killed by signal -*code*."""
        ...


class Zygote:
    """The zygote of this control plane; `start` it before there is a loop or a thread, `connect` it in the loop."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self._channel = channel
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[asyncio.Future[int], Child]] = {}
        self._children: dict[int, Child] = {}
        self._room = asyncio.Semaphore(ASKED_MAX)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_alive = True

    @classmethod
    def start(cls, preload: Sequence[str]) -> "Zygote | None":
        """Fork a zygote that imports *preload*; None where containers are executed (not Linux, a thread, nothing)."""
        if sys.platform != "linux" or not preload or threading.active_count() > 1:
            return None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Both sides keep what is imported so far: neither's collector may touch (and so copy) its pages.
        gc.freeze()
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as cause:
            _log.warning("no zygote: %s", cause)
            ours.close()
            theirs.close()
            return None
        if pid == 0:
            ours.close()
            live(theirs, preload, parent)
        theirs.close()
        ours.setblocking(False)
        return cls(pid, ours)

    def connect(self) -> None:
        """Read its reports in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._channel, self._on_readable)

    async def fork(self, request: Callable[[int], Fork], fds: Sequence[int], child: Child) -> None:
        """Fork what *request* makes of its number, with *fds* as stdin, stdout, stderr and lifeline; OSError if not.

        *child* hears `born` before this returns, perhaps `ended` too.
        """
        async with self._room:
            made = request(number := next(self._numbers))
            packet = msgspec.json.encode(made)
            if not self.is_alive or len(packet) >= PACKET_BYTES_MAX:
                raise OSError(errno.E2BIG if self.is_alive else errno.EPIPE, "the zygote does not take this request")
            answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._asked[number] = (answered, child)
            try:
                socket.send_fds(self._channel, [packet], list(fds))
                async with asyncio.timeout(FORK_S_MAX):
                    await answered
            except TimeoutError:
                _log.error("the zygote did not answer within %g s: pods are executed from now on", FORK_S_MAX)
                self._lose()
                raise
            finally:
                self._asked.pop(number, None)

    def close(self) -> None:
        """End the zygote, and with it every process that it forked."""
        self._lose()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _on_readable(self) -> None:
        while True:
            try:
                packet = self._channel.recv(PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                _log.error("the zygote ended: what it forked ends with it, and pods are executed from now on")
                self._lose()
                return
            self._take(msgspec.json.decode(packet, type=Report))

    def _take(self, report: Report) -> None:
        match report:
            case Started(number, pid):
                answered, child = self._asked.pop(number, (None, None))
                if child is None or answered is None:
                    # Nobody waits any more.
                    processes.kill_group(pid)
                    return
                self._children[pid] = child
                child.born(pid)
                if not answered.done():
                    answered.set_result(pid)
            case Refused(number, code):
                answered, _ = self._asked.pop(number, (None, None))
                if answered is not None and not answered.done():
                    answered.set_exception(OSError(code, os.strerror(code)))
            case Ended(pid, code):
                if (child := self._children.pop(pid, None)) is not None:
                    child.ended(code)

    def _lose(self) -> None:
        if not self.is_alive:
            return
        self.is_alive = False
        if self._loop is not None:
            self._loop.remove_reader(self._channel)
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for answered, _ in self._asked.values():
            if not answered.done():
                answered.set_exception(BrokenPipeError(errno.EPIPE, "the zygote is gone"))
        children, self._children = self._children, {}
        for pid, child in children.items():
            processes.kill_group(pid)
            child.ended(-signal.SIGKILL)
