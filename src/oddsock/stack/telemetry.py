"""The telemetry server and the agent of a stack, as child processes: spawned, tied to the control plane, ended.

They are started when the shop is up, so that its start does not wait for them: the agent reads what was said before
from the files it was said into, and who asks meanwhile waits at a socket that listens from the beginning.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oddsock.kit import processes
from oddsock.kit.errors import UsageError
from oddsock.stack.control_plane import end_process, write_private
from oddsock.stack.state import Child

SERVER, AGENT = "telemetry", "agent"
LOGS = (f"{SERVER}.log", f"{AGENT}.log")
KEYS = "telemetry-keys.json"
"""The file of a stack's two keys, readable by its owner only."""

ON_CALL = "on-call@sockshop.invalid"
"""Whom a monitor of a stack writes to."""

END_S_MAX = 4.0
"""Wall seconds that one of them may take to end in order."""

_BACKLOG = 128


class Telemetry:
    """The two processes of one stack, which this process started."""

    def __init__(self, url: str, children: Sequence["tuple[Child, subprocess.Popen[bytes]]"]) -> None:
        self.url = url
        self.children = tuple(child for child, _ in children)
        self._processes = {child.pid: process for child, process in children}

    @classmethod
    def spawn(
        cls,
        place: Path,
        *,
        lifeline: int,
        outlives: bool,
        speed: float,
        kubeconfig: str,
        installs: Sequence[str],
        to_datadog: bool,
        mail_server: str,
    ) -> "Telemetry":
        """Start both, or the agent only when it ships *to_datadog*; they end when *lifeline* does.

        *installs* are folders of data/ whose documents the agent makes in the store. What a monitor writes to `@mail`
        goes to ON_CALL through *mail_server*, the stack's own mailbox.
        """
        keys = {"api_key": os.urandom(16).hex(), "app_key": os.urandom(20).hex()}
        children: list[tuple[Child, subprocess.Popen[bytes]]] = []
        url = ""
        if not to_datadog:
            write_private(place / KEYS, json.dumps(keys))
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", 0))
                listener.listen(_BACKLOG)
                port = int(listener.getsockname()[1])
                url = f"http://127.0.0.1:{port}"
                settings = {"root": str(place / "telemetry"), **keys, "port": port, "speed": speed}
                settings["listener_fd"] = listener.fileno()
                settings |= {"mail_server": mail_server, "mail_to": [ON_CALL] if mail_server else []}
                children.append(_start(place, SERVER, "oddsock.telemetry.server", settings, lifeline, outlives))
        settings = {
            "root": str(place / "agent"),
            "kubeconfig": kubeconfig,
            "logs": str(place / "logs"),
            "speed": speed,
            "installs": list(installs) if not to_datadog else [],
            **({"to_datadog": True} if to_datadog else {"address": url, **keys}),
        }
        children.append(_start(place, AGENT, "oddsock.telemetry.agent", settings, lifeline, outlives))
        return cls(url, children)

    def reap(self) -> None:
        """Take note of those that have ended."""
        for process in self._processes.values():
            process.poll()


@contextmanager
def ending(children: Sequence[Child], reap: Callable[[], object] = lambda: None) -> Iterator[None]:
    """End *children* around the end of what they watch: the last of them before, the others meanwhile; all gone after.

    The last one is the agent, which needs the others to tell them what is left.
    """
    for child in children[-1:]:
        end_process(child.pid, child.started_at, END_S_MAX, reap)
    for child in children[:-1]:
        if child.is_alive:
            os.kill(child.pid, signal.SIGTERM)
    try:
        yield
    finally:
        for child in children[:-1]:
            end_process(child.pid, child.started_at, END_S_MAX, reap)


def read_keys(place: Path) -> dict[str, str]:
    """`api_key` and `app_key` of the stack in *place*; empty when it has no telemetry."""
    try:
        found = json.loads((place / KEYS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def client_environment(url: str, keys: dict[str, str]) -> dict[str, str]:
    """What Datadog's clients and shippers read from the environment, so that they find the store at *url*.

    DD_SITE is no site that exists: a client that was given no host would send to the real one otherwise.
    """
    api_key, app_key = keys.get("api_key", ""), keys.get("app_key", "")
    return {
        "DD_API_KEY": api_key,
        "DD_APP_KEY": app_key,
        "DD_SITE": "localhost",
        "DD_URL": url,
        "DD_DD_URL": url,
        "DD_LOGS_CONFIG_LOGS_DD_URL": url.partition("://")[2],
        "DD_LOGS_CONFIG_LOGS_NO_SSL": "true",
        "DD_LOGS_CONFIG_FORCE_USE_HTTP": "true",
        "DATADOG_HOST": url,
        "DATADOG_API_KEY": api_key,
        "DATADOG_APP_KEY": app_key,
    }


def check_datadog() -> None:
    """UsageError when the real Datadog is to be shipped to and the environment does not say which."""
    missing = [name for name in ("DD_SITE", "DD_API_KEY") if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"Shipping to the real Datadog needs {' and '.join(missing)} in the environment.",
            "Set them, or leave --ship-to-datadog out.",
        )


def _start(
    place: Path, name: str, module: str, settings: dict[str, Any], lifeline: int, outlives: bool
) -> "tuple[Child, subprocess.Popen[bytes]]":
    path = place / f"{name}.json"
    write_private(path, json.dumps(settings))
    kept = [lifeline, *([settings["listener_fd"]] if "listener_fd" in settings else [])]
    with (place / f"{name}.log").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, processes.LIFELINE: str(lifeline)},
            pass_fds=kept,
            start_new_session=True,
            preexec_fn=None if outlives else processes.die_with_parent,
        )
    return Child(name=name, pid=process.pid, started_at=processes.started_at(process.pid)), process
