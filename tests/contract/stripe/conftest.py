"""Our gateway as a real server, and the official SDK as its client."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import stripe

from oddsock.kit.clock import SystemClock, sleep_blocking

KEY = "sk_test_contract"
SECRET = "whsec_Y29udHJhY3Qtd2l0aC1zdHJpcGU="
START_S_MAX = 30.0


@dataclass
class Listener:
    """Receives webhooks: headers and body of each."""

    port: int = 0
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@dataclass
class Gateway:
    """The process of the gateway."""

    folder: Path
    port: int
    listener: Listener
    latency: float = 0.0
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "ODDSOCK_PORTS": f"8080=127.0.0.1:{self.port}",
            "BOOKS": str(self.folder),
            "GATEWAY_KEY": KEY,
            "WEBHOOKS": "on",
            "WEBHOOK_SECRET": SECRET,
            "WEBHOOK_URL": f"http://127.0.0.1:{self.listener.port}/hook",
        }
        command = [sys.executable, "-m", "oddsock.shop", "gateway", "-decline=105", f"-latency={self.latency}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        end = SystemClock().monotonic() + START_S_MAX
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert SystemClock().monotonic() < end, "the gateway does not listen"
            sleep_blocking(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """Somebody who takes webhooks."""
    heard = Listener()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.came.append(({name: str(value) for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *_values: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    heard.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield heard
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Iterator[Gateway]:
    """The gateway, running."""
    running = Gateway(tmp_path_factory.mktemp("gateway"), free_port(), listener, latency=0.05)
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> stripe.StripeClient:
    """The official client, led to our address."""
    address = f"http://127.0.0.1:{gateway.port}"
    return stripe.StripeClient(KEY, base_addresses={"api": address}, max_network_retries=0)
