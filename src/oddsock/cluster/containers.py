"""A container as a process: started in a session of its own, tied to this process's life, its output logged.

Three nets hold it: PR_SET_PDEATHSIG (Linux), the lifeline pipe (programs of ours), and the watchman (any program and
all of its children, on every system).
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from oddsock.cluster.container_log import ContainerLog
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.kit import processes

KILL_S_MAX = 5.0
"""Wall seconds the kernel may take to end a process that was sent SIGKILL."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run, where, and with which environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class Spawner:
    """Starts processes that die with this one; made and used in the main thread, which PDEATHSIG follows."""

    def __init__(self, ledger: ProcessLedger) -> None:
        self._ledger = ledger
        # Nobody ever writes: a child that reads the end of this pipe knows that its parent is gone.
        self._lifeline, self._lifeline_end = os.pipe()

    async def start(self, command: Command, log: ContainerLog, owner: str) -> "ContainerProcess":
        """Start *command* and log its output; OSError when it cannot be started."""
        environment = {**command.environment, processes.LIFELINE: str(self._lifeline)}
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: ContainerProcess(log, self._ledger, owner),
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd=command.folder,
            start_new_session=True,
            pass_fds=(self._lifeline,),
            preexec_fn=processes.die_with_parent,
        )
        return process

    async def run(self, command: Command, timeout_s: float) -> tuple[int | None, str]:
        """Exit code and output of a short *command*; the code is None when *timeout_s* wall seconds were not enough."""
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
            preexec_fn=processes.die_with_parent,
        )
        try:
            async with asyncio.timeout(timeout_s):
                output, _ = await process.communicate()
        except TimeoutError:
            return None, ""
        finally:
            processes.kill_group(process.pid)
        return process.returncode, output[-4096:].decode(errors="replace").strip()

    def close(self) -> None:
        """Let the lifeline end: children that still live and watch it kill themselves."""
        os.close(self._lifeline_end)
        os.close(self._lifeline)


class ContainerProcess(asyncio.SubprocessProtocol):
    """A running container."""

    def __init__(self, log: ContainerLog, ledger: ProcessLedger, owner: str) -> None:
        self.pid = 0
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._log = log
        self._ledger = ledger
        self._owner = owner
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the process; asyncio calls this before `process_exited`, however short it lives."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()
        self._ledger.remember(self.pid, self._owner)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Log what the process said."""
        self._log.write("stderr" if fd == 2 else "stdout", data)

    def process_exited(self) -> None:
        """Note the exit code as a container runtime tells it: 128 + signal for a process that was killed."""
        assert self._transport is not None
        code = self._transport.get_returncode() or 0
        # In a container everything dies with its first process.
        processes.kill_group(self.pid)
        self._ledger.forget(self.pid)
        if not self.exit_code.done():
            self.exit_code.set_result(128 - code if code < 0 else code)

    def connection_lost(self, exc: Exception | None) -> None:
        """All output is read: close the log."""
        self._log.close()

    def ask_to_end(self) -> None:
        """SIGTERM to the container's first process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL to all of it; returns when it is gone."""
        if not self.exit_code.done():
            processes.kill_group(self.pid)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KILL_S_MAX):
                    await asyncio.shield(self.exit_code)
