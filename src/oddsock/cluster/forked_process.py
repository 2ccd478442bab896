"""A forked process as asyncio's own subprocesses are: a transport, pipes, a protocol that is told of both."""

import asyncio
import os
from collections.abc import Callable
from functools import partial

from oddsock.cluster.forks import Zygote
from oddsock.cluster.zygote import Fork
from oddsock.kit import processes


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
