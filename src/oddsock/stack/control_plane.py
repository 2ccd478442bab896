"""The control plane as a child process: spawned with its settings, tied to this process or let go, ended."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock, sleep_blocking
from oddsock.kit.errors import CannotRun
from oddsock.stack.images import image_map

LOG = "control-plane.log"
LOG_LINES_SHOWN = 1
STOP_POLL_S = 0.02


class ControlPlane:
    """A control plane that this process started and, unless it outlives this process, holds by a lifeline."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, lifeline: int | None) -> None:
        self._process = process
        self._lifeline = lifeline
        self.pid = process.pid
        self.pid_started_at = processes.started_at(process.pid)
        self.log = log

    @classmethod
    def spawn(cls, place: Path, port: int, token: str, speed: float, outlives: bool) -> "ControlPlane":
        """Start a control plane that keeps its files under *place* and serves on loopback *port*."""
        settings = place / "control-plane.json"
        write_private(settings, json.dumps(_settings(place, port, token, speed)))
        log = place / LOG
        environment = {key: value for key, value in os.environ.items() if key != processes.LIFELINE}
        read = write = None
        if not outlives:
            read, write = os.pipe()
            environment[processes.LIFELINE] = str(read)
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "oddsock.cluster.control_plane", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                pass_fds=[] if read is None else [read],
                # Its own session: Ctrl-C in the terminal reaches us, and we end it in order.
                start_new_session=True,
                preexec_fn=None if outlives else processes.die_with_parent,
            )
        if read is not None:
            os.close(read)
        return cls(process, log, write)

    def check(self) -> None:
        """CannotRun with the last thing it said when the control plane has ended."""
        if self._process.poll() is not None:
            raise CannotRun(
                f"The control plane ended by itself (code {self._process.returncode}): {last_line(self.log)}",
                f"See {self.log}.",
            )

    def stop(self, deadline_s: float) -> None:
        """End the control plane and its pods, within *deadline_s* wall seconds."""
        end_process(self.pid, self.pid_started_at, deadline_s, reap=self._process.poll)
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def _settings(place: Path, port: int, token: str, speed: float) -> dict[str, object]:
    return {"root": str(place), "port": port, "token": token, "speed": speed, "images": image_map()}


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


def claim_port(port: int) -> int:
    """*port*, or a free one for 0; CannotRun when somebody listens there already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as cause:
            raise CannotRun(
                f"Port {port} on 127.0.0.1 cannot be listened on: {os.strerror(cause.errno or 0)}.",
                "Stop the program that has it, or choose another with --port.",
            ) from cause
        return int(trial.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Put *text* at *path*, readable by its owner only from the first byte on."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        os.fchmod(fd, 0o600)
        out.write(text)
