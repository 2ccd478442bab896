"""The control plane as a child process: spawned with its settings, tied to this process or let go, ended."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock, sleep_blocking
from oddsock.kit.errors import EXIT_CANNOT_RUN, EXIT_USAGE, CannotRun
from oddsock.stack.images import image_map

LOG = "control-plane.log"
STOP_POLL_S = 0.02


class ControlPlane:
    """A control plane that this process started and, unless it outlives this process, holds by a lifeline."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, ready: int, lifeline: int | None) -> None:
        self._process = process
        self._ready = ready
        self._open = [ready] if lifeline is None else [ready, lifeline]
        self._told = b""
        self.pid = process.pid
        self.pid_started_at = processes.started_at(process.pid)
        self.log = log

    @classmethod
    def spawn(
        cls,
        place: Path,
        port: int,
        token: str,
        speed: float,
        outlives: bool,
        forks: bool,
        network: str,
        objects: Sequence[Mapping[str, Any]],
        holds: int | None = None,
    ) -> "ControlPlane":
        """Start a control plane that keeps its files under *place*, serves on loopback *port*, 0 for a free one, and
        begins with *objects*.

        It keeps the descriptor *holds* open as long as it lives, by which others see its end, however it comes.
        """
        ready, tell = os.pipe()
        settings = {
            "root": str(place),
            "token": token,
            "images": image_map(),
            "port": port,
            "speed": speed,
            "forks": forks,
            "network": network,
            "objects": objects,
        }
        write_private(place / "control-plane.json", json.dumps({**settings, "ready_fd": tell}))
        environment = {key: value for key, value in os.environ.items() if key != processes.LIFELINE}
        kept, lifeline = [tell, *([] if holds is None else [holds])], None
        if not outlives:
            follow, lifeline = os.pipe()
            environment[processes.LIFELINE] = str(follow)
            kept.append(follow)
        log = place / LOG
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "oddsock.cluster", str(place / "control-plane.json")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                pass_fds=kept,
                # Its own session: Ctrl-C in the terminal reaches us, and we end it in order.
                start_new_session=True,
                preexec_fn=None if outlives else processes.die_with_parent,
            )
        for fd in kept:
            os.close(fd)
        os.set_blocking(ready, False)
        return cls(process, log, ready, lifeline)

    def read_told(self) -> tuple[str, dict[str, Any] | None]:
        """The URL that the API answers at, empty before it does, and its `Arrival`, None before it is told."""
        with contextlib.suppress(BlockingIOError):
            self._told += os.read(self._ready, 65536)
        server, newline, rest = self._told.partition(b"\n")
        arrival = json.loads(rest) if rest.endswith(b"\n") else None
        return server.decode() if newline else "", arrival

    def wait_for_word(self, deadline_s: float) -> None:
        """Return when it has told more, or ended, or after *deadline_s* wall seconds."""
        select.select([self._ready], [], [], deadline_s)

    def check(self) -> None:
        """CannotRun with the last thing it said when the control plane has ended."""
        code = self._process.poll()
        if code in (EXIT_USAGE, EXIT_CANNOT_RUN):
            raise CannotRun(last_line(self.log))
        if code is not None:
            raise CannotRun(
                f"The control plane ended by itself (code {code}): {last_line(self.log)}", f"See {self.log}."
            )

    def stop(self, deadline_s: float) -> None:
        """End the control plane and its pods, within *deadline_s* wall seconds."""
        end_process(self.pid, self.pid_started_at, deadline_s, reap=self._process.poll)
        while self._open:
            os.close(self._open.pop())


def end_process(pid: int, started_at: float, deadline_s: float, reap: Callable[[], object] = lambda: None) -> None:
    """SIGTERM to *pid*, SIGKILL to its group when *deadline_s* wall seconds were not enough; gone when this returns."""
    clock = SystemClock()
    for number, wait_s in ((signal.SIGTERM, deadline_s), (signal.SIGKILL, 2.0)):
        if not processes.is_alive(pid, started_at):
            break
        if number is signal.SIGTERM:
            os.kill(pid, number)
        else:
            processes.kill_group(pid)
        end = clock.monotonic() + wait_s
        while processes.is_alive(pid, started_at) and clock.monotonic() < end:
            reap()
            sleep_blocking(STOP_POLL_S)
    reap()


def last_line(log: Path) -> str:
    """The last line that is not empty in *log*, its message when it is a JSON line of ours."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    if not lines:
        return "it said nothing."
    try:
        return str(json.loads(lines[-1])["message"])
    except (ValueError, KeyError, TypeError):
        return lines[-1].strip()


def write_private(path: Path, text: str) -> None:
    """Put *text* at *path*, readable by its owner only from the first byte on."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        os.fchmod(fd, 0o600)
        out.write(text)
