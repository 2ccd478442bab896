"""Mends that were asked for: each is `oddsock mend CASE --apply` as a process of its own, followed by its history.

A process, because a mend does all that the verb does: it heals first, waits, takes evidence and writes the report, and
it goes on when the page is closed. One that is cut short is simply run again.
"""

import asyncio
import os
import signal
import sys
from collections import OrderedDict
from typing import Literal

import msgspec

from oddsock.console.cases.shelf import name_of
from oddsock.console.desk import Desk
from oddsock.drill.case import Case
from oddsock.kit.clock import iso
from oddsock.kit.errors import EXIT_ODD, EXIT_OK, CannotRun, OddsockError

AT_ONCE_MAX = 2
KEPT_MAX = 50
STDERR_BYTES_MAX = 20_000
END_WALL_S_MAX = 10.0


class MendRun(msgspec.Struct, kw_only=True):
    """One mend: *state* is running, done or refused, and *sentence* says what came of it."""

    case: str
    replay: str
    started_at: str
    state: Literal["running", "done", "refused"] = "running"
    sentence: str = ""
    ended_at: str = ""


class MendRuns:
    """The mends of one console."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._runs: OrderedDict[str, MendRun] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def of(self, name: str) -> MendRun | None:
        """The last mend of the case *name* that was asked for here."""
        return self._runs.get(name)

    def is_running(self, name: str) -> bool:
        """Whether a mend of the case *name* runs."""
        return name in self._tasks

    async def why_not(self, case: Case) -> str:
        """Why *case* cannot be mended from here; empty when it can."""
        meta = case.meta
        try:
            cluster = await self._desk.cluster()
        except OddsockError as cause:
            return str(cause)
        if meta.cluster.server == cluster.server and meta.namespace == cluster.namespace:
            return ""
        if meta.cluster.own or meta.cluster.stack:
            return "The stack that this case ran on has ended, with its shop, so nothing can be mended there any more."
        return f"This case ran on {meta.cluster.server}: `oddsock mend {case.name} --apply --context CONTEXT` mends it."

    async def begin(self, case: Case, replay: str, carried_over: bool) -> MendRun:
        """Start to mend *case*; CannotRun when its cluster is not here, it is in use, or too many mends run."""
        if problem := await self.why_not(case):
            raise CannotRun(problem)
        name = name_of(case)
        if self.is_running(name):
            raise CannotRun("This case is being mended already.", "Its page follows the mend.")
        if len(self._tasks) >= AT_ONCE_MAX:
            raise CannotRun("Other cases are being mended.", "Wait until one of them is done.")
        run = MendRun(case=name, replay=replay, started_at=iso(self._desk.clock.now()))
        self._runs[name] = run
        self._runs.move_to_end(name)
        while len(self._runs) > KEPT_MAX:
            self._runs.popitem(last=False)
        task = self._tasks[name] = asyncio.ensure_future(self._carry_out(run, self._line(case, replay, carried_over)))
        task.add_done_callback(lambda _: self._tasks.pop(name, None))
        return run

    def _line(self, case: Case, replay: str, carried_over: bool) -> list[str]:
        told = self._desk.settings
        line = [sys.executable, "-m", "oddsock", "mend", str(case.path), "--apply", "--json", "--replay", replay]
        line += ["--carried-over"] if carried_over else []
        if not told.stack:
            line += ["--kubeconfig", told.kubeconfig] if told.kubeconfig else []
            line += ["--context", told.context] if told.context else []
            line += ["--namespace", told.namespace]
        return line

    async def _carry_out(self, run: MendRun, line: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *line,
            env={**os.environ, "ODDSOCK_HOME": str(self._desk.home)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said = await _last_bytes(process)
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        run.ended_at = iso(self._desk.clock.now())
        if code in (EXIT_OK, EXIT_ODD):
            run.state = "done"
            run.sentence = "Nothing odd is left." if code == EXIT_OK else "Something odd is left, or nobody can tell."
        else:
            run.state = "refused"
            run.sentence = said or f"The mend ended with exit code {code}."

    async def close(self) -> None:
        """Interrupt what runs; it goes on where it was when it is asked for again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _last_bytes(process: asyncio.subprocess.Process) -> str:
    """The end of what *process* says on stderr, in which a refusal is the last thing."""
    kept = b""
    assert process.stderr is not None
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-STDERR_BYTES_MAX:]
    return kept.decode(errors="replace").strip().removeprefix("oddsock: ")


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.returncode is None:
            process.send_signal(number)
            try:
                async with asyncio.timeout(END_WALL_S_MAX):
                    await process.wait()
            except TimeoutError:
                continue
