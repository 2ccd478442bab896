"""The console of a stack: a socket that listens from the start, and the process that answers it once somebody calls."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from oddsock.kit import processes
from oddsock.stack import waiting
from oddsock.stack.control_plane import write_private
from oddsock.stack.state import Child

CONSOLE = "console"
SETTINGS = "console.json"
"""The settings of a stack's console with its key, readable by its owner only."""

LOG = f"{CONSOLE}.log"
_BACKLOG = 128


class Console:
    """The console that this process started: its address, the path of its first link, and its process."""

    def __init__(self, url: str, link: str, child: Child, process: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self.link = link
        self.child = child
        self._process = process

    @classmethod
    def spawn(cls, place: Path, *, lifeline: int, outlives: bool, settings: dict[str, Any]) -> "Console":
        """Start one that keeps its settings in *place* and ends with *lifeline*; *settings* say where all else is."""
        key, first_link = os.urandom(24).hex(), os.urandom(18).hex()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen(_BACKLOG)
            fd = listener.fileno()
            document = {**settings, "key": key, "first_link": first_link, "listener_fd": fd}
            write_private(place / SETTINGS, json.dumps(document))
            program = [sys.executable, "-m", "oddsock.console.server", str(place / SETTINGS)]
            with (place / LOG).open("ab") as out:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", waiting.__file__, str(fd), *program],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={**os.environ, processes.LIFELINE: str(lifeline)},
                    pass_fds=[lifeline, fd],
                    start_new_session=True,
                    preexec_fn=None if outlives else processes.die_with_parent,
                )
            port = int(listener.getsockname()[1])
        child = Child(name=CONSOLE, pid=process.pid, started_at=processes.started_at(process.pid))
        return cls(f"http://127.0.0.1:{port}", f"/enter?link={first_link}", child, process)

    def reap(self) -> None:
        """Take note when it has ended."""
        self._process.poll()


def read_key(place: Path) -> str:
    """The key of the console in *place*; empty when it has none."""
    try:
        return str(json.loads((place / SETTINGS).read_text(encoding="utf-8"))["key"])
    except (FileNotFoundError, KeyError):
        return ""
