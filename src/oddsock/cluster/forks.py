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
from functools import partial
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


class ForkedTransport(asyncio.SubprocessTransport):
    """A forked process as asyncio's own subprocesses are seen: a pid, pipes, an end. `connect` it after its fork."""

    def __init__(self, protocol: asyncio.SubprocessProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._pid = 0
        self._code: int | None = None
        self._pipes: dict[int, asyncio.BaseTransport] = {}
        self._is_connecting = True
        self._is_over = False

    def born(self, pid: int) -> None:
        """The process runs."""
        self._pid = pid
        self._protocol.connection_made(self)

    def ended(self, code: int) -> None:
        """The process ended, as `Child` says."""
        self._code = code
        self._protocol.process_exited()
        self._finish()

    async def connect(self, near: dict[int, int]) -> None:
        """Take the near ends of the process's pipes, by the number that the far end has in the process."""
        loop = asyncio.get_running_loop()
        for number, fd in near.items():
            end = os.fdopen(fd, "wb" if number == 0 else "rb", buffering=0)
            connect = loop.connect_write_pipe if number == 0 else loop.connect_read_pipe
            await connect(partial(_Pipe, self, number), end)
        self._is_connecting = False
        self._finish()

    def get_pid(self) -> int:
        """The process's id."""
        return self._pid

    def get_returncode(self) -> int | None:
        """Its exit code, minus a signal's number, or None while it runs."""
        return self._code

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        """The near end of the process's stream *fd*, or None."""
        return self._pipes.get(fd)

    def close(self) -> None:
        """Close the pipes; kill the process when it still runs."""
        for pipe in list(self._pipes.values()):
            pipe.close()
        if self._code is None and self._pid:
            processes.kill_group(self._pid)

    def opened(self, fd: int, pipe: asyncio.BaseTransport) -> None:
        """The near end of the process's stream *fd* is *pipe*."""
        self._pipes[fd] = pipe

    def said(self, fd: int, data: bytes) -> None:
        """The process wrote *data* to its stream *fd*."""
        self._protocol.pipe_data_received(fd, data)

    def hold_writing(self, holds: bool) -> None:
        """The process's input is full, or has room again."""
        self._protocol.pause_writing() if holds else self._protocol.resume_writing()

    def lost(self, fd: int, cause: Exception | None) -> None:
        """The stream *fd* is over."""
        self._pipes.pop(fd, None)
        self._protocol.pipe_connection_lost(fd, cause)
        self._finish()

    def _finish(self) -> None:
        if self._code is not None and not self._pipes and not self._is_connecting and not self._is_over:
            self._is_over = True
            self._protocol.connection_lost(None)


class _Pipe(asyncio.Protocol):
    """One stream of a forked process."""

    def __init__(self, process: ForkedTransport, fd: int) -> None:
        self._process = process
        self._fd = fd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process.opened(self._fd, transport)

    def data_received(self, data: bytes) -> None:
        self._process.said(self._fd, data)

    def pause_writing(self) -> None:
        self._process.hold_writing(True)

    def resume_writing(self) -> None:
        self._process.hold_writing(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.lost(self._fd, exc)


async def fork_process(
    zygote: Zygote,
    request: Callable[[int], Fork],
    protocol: asyncio.SubprocessProtocol,
    lifeline: int,
    streams: tuple[int, int, int] | None,
    has_input: bool,
) -> None:
    """Fork a process that *protocol* follows, on *streams* or else on pipes of its own; OSError when it cannot be."""
    far: list[int] = []
    near: dict[int, int] = {}
    if streams is None:
        far, near = _pipes(has_input)
    transport = ForkedTransport(protocol)
    try:
        await zygote.fork(request, [*(streams or far), lifeline], transport)
    except BaseException:
        for fd in near.values():
            os.close(fd)
        raise
    finally:
        for fd in far:
            os.close(fd)
    try:
        await transport.connect(near)
    except BaseException:
        transport.close()
        raise


def _pipes(has_input: bool) -> tuple[list[int], dict[int, int]]:
    near: dict[int, int] = {}
    far = [0, 0, 0]
    if has_input:
        far[0], near[0] = os.pipe()
    else:
        far[0] = os.open(os.devnull, os.O_RDONLY)
    for number in (1, 2):
        near[number], far[number] = os.pipe()
    return far, near
