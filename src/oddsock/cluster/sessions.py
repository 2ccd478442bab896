"""A session at a process: what is typed goes in, what is said comes out. For exec, attach and what is built on them."""

import asyncio

from oddsock.cluster.containers import Command, ContainerProcess, Spawner
from oddsock.cluster.output import Chunk, Output
from oddsock.kit import processes


class Session:
    """Somebody at a running process; `close` it when they leave."""

    def __init__(self, process: ContainerProcess, output: Output, *, owns: bool = False, ends_input: bool = False):
        self._process = process
        self._output = output
        self._owns = owns
        self._ends_input = ends_input
        # Only a command of our own may be made to wait for us: a container's log goes on.
        hooks = (process.pause_output, process.resume_output) if owns else (None, None)
        self._listener = output.listen(*hooks)

    async def read(self) -> Chunk | None:
        """What the process says next; None when it ended and all is read."""
        return await self._listener.read()

    async def write(self, data: bytes) -> None:
        """Type *data*; returns when the process has room for more."""
        await self._process.write(data)

    def end_input(self) -> None:
        """Let the process read the end of its input."""
        self._process.end_input()

    def resize(self, columns: int, rows: int) -> None:
        """Tell the process how large the window is."""
        self._process.resize(columns, rows)

    async def exit_code(self) -> int | None:
        """The exit code of a command of this session's own; None for a container, which goes on without us."""
        return await asyncio.shield(self._process.exit_code) if self._owns else None

    def kill(self) -> None:
        """SIGKILL to a command of this session's own; who reads comes to its end."""
        if self._owns and not self._process.exit_code.done():
            processes.kill_group(self._process.pid)

    def close(self) -> None:
        """Leave: a command of this session's own dies, a container goes on."""
        self._output.forget(self._listener)
        self.kill()
        if self._owns:
            self._process.resume_output()
        if self._ends_input:
            self._process.end_input()


async def begin_session(spawner: Spawner, command: Command, owner: str) -> Session:
    """Start *command* and sit down at it; OSError when it cannot be started."""
    output = Output(keeps_first=True)
    process = await spawner.start(command, output, owner)
    return Session(process, output, owns=True)
