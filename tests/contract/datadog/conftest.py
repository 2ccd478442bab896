"""A telemetry server as a process of its own, and official clients that speak to it.

`server` serves many tests: each sends under tags of its own and looks for no others'. What changes the server for all
(a kill, a full store, a pipeline) starts its own with `start_server`.

ODDSOCK_REAL_DATADOG=1 with DD_SITE, DD_API_KEY and DD_APP_KEY lets the tests that take `reader` ask the real Datadog:
they only read, and expect nothing of what they find but its shape.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from datadog_api_client import ApiClient, Configuration

from oddsock.kit import processes

API_KEY = "an-api-key-of-the-test"
APP_KEY = "an-app-key-of-the-test"
READY_S_MAX = 60.0
STOP_S_MAX = 20.0


@dataclass
class Server:
    """A telemetry server that answers at *url*; *log* is what it wrote to stderr."""

    url: str
    process: "subprocess.Popen[bytes]"
    root: Path
    log: Path
    api_key: str = API_KEY
    app_key: str = APP_KEY

    def configuration(self, **more: Any) -> Configuration:
        """What points an official client at this server."""
        found = Configuration(host=self.url, **more)
        found.api_key["apiKeyAuth"], found.api_key["appKeyAuth"] = self.api_key, self.app_key
        return found

    def client(self, **more: Any) -> ApiClient:
        """An official client of this server, to be used in a `with` block."""
        return ApiClient(self.configuration(**more))

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON of one call with both keys, for what no official client has a word for."""
        keys = {"DD-API-KEY": self.api_key, "DD-APPLICATION-KEY": self.app_key, "Content-Type": "application/json"}
        keys.update(headers or {})
        request = Request(self.url + path, data=body, method=method, headers=keys)
        with urlopen(request, timeout=STOP_S_MAX) as answer:
            return json.loads(answer.read())

    def stop(self) -> int:
        """End it in order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S_MAX)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait(STOP_S_MAX)


def start(root: Path, **settings: Any) -> Server:
    """Start a server on *root* and return when it answers; fail with what it said when it does not."""
    root.mkdir(parents=True, exist_ok=True)
    ready, tell = os.pipe()
    told: dict[str, Any] = {"root": str(root / "data"), "api_key": API_KEY, "app_key": APP_KEY, "ready_fd": tell}
    file, log = root / "telemetry.json", root / "telemetry.log"
    file.write_text(json.dumps({**told, **settings}))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DD_", "ODDSOCK"))}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "oddsock.telemetry.server", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            pass_fds=[tell],
            preexec_fn=processes.die_with_parent,
        )
    os.close(tell)
    readable, _, _ = select.select([ready], [], [], READY_S_MAX)
    url = os.read(ready, 4096).decode().strip() if readable else ""
    os.close(ready)
    if not url:
        process.kill()
        process.wait(STOP_S_MAX)
        pytest.fail(f"the telemetry server did not answer: {log.read_text()}")
    return Server(url, process, root, log)


def sends_to_real_datadog() -> bool:
    """Whether the reading tests were told to ask the real Datadog."""
    return os.environ.get("ODDSOCK_REAL_DATADOG") == "1"


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[ApiClient]:
    """An official client that tests may read with: of the real Datadog when told so, else of `server`."""
    if sends_to_real_datadog():
        # Site and keys come from the environment, as the client reads it.
        with ApiClient(Configuration()) as client:
            yield client
    else:
        server: Server = request.getfixturevalue("server")
        with server.client() as client:
            yield client


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of the test's own with more settings, ended with the test; `root` chooses another folder."""
    started: list[Server] = []

    def begin(root: Path = tmp_path / "telemetry", **settings: Any) -> Server:
        started.append(start(root, **settings))
        return started[-1]

    yield begin
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for every test of this folder that leaves it as it found it."""
    running = start(tmp_path_factory.mktemp("telemetry"))
    try:
        yield running
        assert running.stop() == 0, running.log.read_text()
        # Whatever the tests sent, no request failed by a fault of the server's own.
        assert '"exception"' not in running.log.read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
