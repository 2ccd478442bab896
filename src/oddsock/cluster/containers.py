"""A container as a process: started in a session of its own, tied to this process's life, its output logged.

Three nets hold it: PR_SET_PDEATHSIG (Linux), the lifeline pipe (programs of ours), and the watchman (any program and
all of its children, on every system).
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from oddsock.cluster.forked_process import fork_process
from oddsock.cluster.forks import Zygote
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.cluster.output import Sink
from oddsock.cluster.terminal import Terminal
from oddsock.cluster.zygote import Fork
from oddsock.kit import processes

KILL_S_MAX = 5.0
"""Wall seconds the kernel may take to end a process that was sent SIGKILL."""
OUTPUT_S_MAX = 2.0
"""Wall seconds after a process's end that its output is waited for; something it left behind may hold it open."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run, where, and with which environment; with an input that is written to, at a terminal."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    has_input: bool = False
    has_terminal: bool = False
    is_warm: bool = False
    """Whether the zygote has imported what `[python, "-m", <module>, ...]` needs, so that it may be forked."""


class Spawner:
    """Starts processes that die with this one; made and used in the main thread, which PDEATHSIG follows."""

    def __init__(self, ledger: ProcessLedger, zygote: Zygote | None = None) -> None:
        self._ledger = ledger
        self._zygote = zygote
        if zygote is not None:
            ledger.remember(zygote.pid, "zygote")
            zygote.connect()
        # Nobody ever writes: a child that reads the end of this pipe knows that its parent is gone.
        self._lifeline, self._lifeline_end = os.pipe()

    async def start(self, command: Command, output: Sink, owner: str) -> "ContainerProcess":
        """Start *command*, with *output* taking what it says; OSError when it cannot be started."""
        terminal = Terminal() if command.has_terminal else None
        process = ContainerProcess(output, self._ledger, owner, terminal)
        try:
            if not await self._fork(command, process, terminal):
                await self._execute(command, process, terminal)
        except BaseException:
            if terminal is not None:
                terminal.discard()
            raise
        finally:
            if terminal is not None:
                terminal.close_far_end()
        if terminal is not None:
            await terminal.connect(lambda data: process.pipe_data_received(1, data), process.source_ended)
        return process

    async def _fork(self, command: Command, process: "ContainerProcess", terminal: Terminal | None) -> bool:
        zygote = self._zygote
        if zygote is None or not zygote.is_alive or not (command.is_warm and can_be_forked(command)):
            return False
        _, _, module, *arguments = command.arguments

        def request(number: int) -> Fork:
            environment, folder = dict(command.environment), str(command.folder)
            return Fork(number, module, arguments, environment, folder, is_at_terminal=terminal is not None)

        streams = (terminal.far_end,) * 3 if terminal is not None else None
        try:
            await fork_process(zygote, request, process, self._lifeline, streams, command.has_input)
        except OSError as cause:
            if process.pid:
                raise
            _log.warning("%s is executed, for it could not be forked: %s", module, cause)
            return False
        return True

    async def _execute(self, command: Command, process: "ContainerProcess", terminal: Terminal | None) -> None:
        ours = asyncio.subprocess.PIPE
        await asyncio.get_running_loop().subprocess_exec(
            lambda: process,
            *command.arguments,
            stdin=terminal.far_end if terminal else ours if command.has_input else asyncio.subprocess.DEVNULL,
            stdout=terminal.far_end if terminal else ours,
            stderr=terminal.far_end if terminal else ours,
            env={**command.environment, processes.LIFELINE: str(self._lifeline)},
            cwd=command.folder,
            start_new_session=True,
            pass_fds=(self._lifeline,),
            preexec_fn=terminal.adopt if terminal else processes.die_with_parent,
        )

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
        """End the zygote and let the lifeline end: children that still live and watch it kill themselves."""
        if self._zygote is not None:
            self._ledger.forget(self._zygote.pid)
            self._zygote.close()
        os.close(self._lifeline_end)
        os.close(self._lifeline)


def can_be_forked(command: Command, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether *command* is this interpreter with a module, and tells it nothing that is read at its start only.

    An environment of the control plane's own PYTHON variables is fine: the zygote has read the same.
    """
    if list(command.arguments[:2]) != [sys.executable, "-m"] or len(command.arguments) < 3:
        return False
    told = {name: value for name, value in command.environment.items() if name.startswith("PYTHON")}
    return all(name == "PYTHONUNBUFFERED" or environment.get(name) == value for name, value in told.items())


class ContainerProcess(asyncio.SubprocessProtocol):
    """A running container, or a command beside one."""

    def __init__(self, output: Sink, ledger: ProcessLedger, owner: str, terminal: Terminal | None = None) -> None:
        self.pid = 0
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._output = output
        self._ledger = ledger
        self._owner = owner
        self._terminal = terminal
        self._sources = 1 if terminal is None else 2
        self._is_paused = False
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the process; asyncio calls this before `process_exited`, however short it lives."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()
        self._ledger.remember(self.pid, self._owner)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Pass on what the process said."""
        self._output.write("stderr" if fd == 2 else "stdout", data)

    def process_exited(self) -> None:
        """Note the exit code as a container runtime tells it: 128 + signal for a process that was killed."""
        assert self._transport is not None
        code = self._transport.get_returncode() or 0
        # In a container everything dies with its first process.
        processes.kill_group(self.pid)
        self._ledger.forget(self.pid)
        if not self.exit_code.done():
            self.exit_code.set_result(128 - code if code < 0 else code)
        asyncio.get_running_loop().call_later(OUTPUT_S_MAX, self._end_output)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone and its pipes are read."""
        if self._transport is not None:
            self._transport.close()
        self._may_write.set()
        self.source_ended()

    def source_ended(self) -> None:
        """One of the process's ways to speak is read to its end; after the last, nothing more comes."""
        self._sources -= 1
        if self._sources == 0:
            self._output.close()

    def pause_writing(self) -> None:
        """The process reads slower than it is written to."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The process has read."""
        self._may_write.set()

    async def write(self, data: bytes) -> None:
        """Write *data* to the process's input, waiting while it does not read; nothing when its input is over."""
        if self._terminal is not None:
            self._terminal.write(data)
        elif (pipe := self._input()) is not None and not pipe.is_closing():
            pipe.write(data)
            await self._may_write.wait()

    def end_input(self) -> None:
        """Let the process read the end of its input."""
        if (pipe := self._input()) is not None:
            pipe.close()

    def resize(self, columns: int, rows: int) -> None:
        """Tell a process at a terminal how large its window is."""
        if self._terminal is not None:
            self._terminal.resize(columns, rows)

    def pause_output(self) -> None:
        """Let what the process says wait in the kernel."""
        self._is_paused = True
        self._hold_output(True)

    def resume_output(self) -> None:
        """Read on."""
        self._is_paused = False
        self._hold_output(False)

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

    def _input(self) -> asyncio.WriteTransport | None:
        pipe = self._transport.get_pipe_transport(0) if self._transport is not None else None
        return cast("asyncio.WriteTransport | None", pipe)

    def _hold_output(self, holds: bool) -> None:
        if self._terminal is not None:
            self._terminal.hold(holds)
            return
        for fd in (1, 2):
            pipe = self._transport.get_pipe_transport(fd) if self._transport is not None else None
            if pipe is None or pipe.is_closing():
                continue
            reading = cast(asyncio.ReadTransport, pipe)
            reading.pause_reading() if holds else reading.resume_reading()

    def _end_output(self) -> None:
        if self._sources <= 0:
            return
        if self._is_paused:
            asyncio.get_running_loop().call_later(OUTPUT_S_MAX, self._end_output)
        elif self._transport is not None:
            if self._terminal is not None:
                self._terminal.hang_up()
            self._transport.close()
