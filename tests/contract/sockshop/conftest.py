"""A whole shop on loopback: eight real processes, names resolved by one hosts file, logs kept in files."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from oddsock.kit import http, ids
from oddsock.kit.clock import SystemClock, sleep_blocking

SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox")
START_S_MAX = 60.0
POLL_S = 0.02
PASSWORD = "secret-1"
CARD = "5953580604169678"


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody accepts on loopback *port*."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class RunningShop:
    """The processes of one shop."""

    folder: Path
    ports: dict[str, int]
    smtp_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """Where *service* really listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def begin(self, service: str, **more: str) -> None:
        """Start *service* without waiting for it; *more* are variables of its environment."""
        container_port = 8079 if service == "front-end" else 8080
        bound = f"{container_port}=127.0.0.1:{self.ports[service]},8025=127.0.0.1:{self.smtp_port}"
        books = self.folder / "books" / service
        environment = {
            **os.environ,
            "ODDSOCK_PORTS": bound,
            "ODDSOCK_HOSTS": str(self.folder / "hosts"),
            "ODDSOCK_SPEED": "30",
            "BOOKS": str(books),
            "HOSTNAME": f"{service}-0",
            **more,
        }
        command = [sys.executable, "-m", "oddsock.shop", service, f"--port={container_port}"]
        with (self.folder / f"{service}.out").open("ab") as out, (self.folder / f"{service}.err").open("ab") as err:
            self.processes[service] = subprocess.Popen(command, env=environment, stdout=out, stderr=err)

    def await_start(self, service: str) -> None:
        """Wait until *service* listens."""
        clock = SystemClock()
        end = clock.monotonic() + START_S_MAX
        while not is_listening(self.ports[service]):
            assert self.processes[service].poll() is None, self.err(service)
            assert clock.monotonic() < end, f"{service} does not listen"
            sleep_blocking(POLL_S)

    def start(self, service: str, **more: str) -> None:
        """Start *service* and wait for it."""
        self.begin(service, **more)
        self.await_start(service)

    def stop(self, service: str, number: int = signal.SIGTERM) -> int:
        """End *service* by a signal; answers its exit code."""
        process = self.processes.pop(service)
        process.send_signal(number)
        return process.wait(timeout=10)

    def out(self, service: str) -> str:
        """What *service* wrote to stdout."""
        return (self.folder / f"{service}.out").read_text()

    def err(self, service: str) -> str:
        """What *service* wrote to stderr."""
        return (self.folder / f"{service}.err").read_text()


@dataclass
class Answer:
    """An answer as a test looks at it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass
class Caller:
    """Asks services of the shop, with one cookie jar."""

    shop: RunningShop
    client: aiohttp.ClientSession
    customer_id: str = ""

    async def ask(
        self, service: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """The answer of *service*."""
        url = self.shop.url(service) + path
        async with self.client.request(method, url, json=body, headers=headers, allow_redirects=False) as got:
            return Answer(got.status, dict(got.headers), await got.text())

    async def register(self) -> str:
        """Register a new customer with an address and a card; answers the username."""
        username = f"customer-{ids.object_id()}"
        person = {"username": username, "password": PASSWORD, "email": "a@b.example", "firstName": "A", "lastName": "B"}
        self.customer_id = (await self.ask("front-end", "POST", "/register", person)).json["id"]
        address = {"number": "1", "street": "Road", "city": "Town", "postcode": "P1", "country": "UK"}
        await self.ask("front-end", "POST", "/addresses", address)
        await self.ask("front-end", "POST", "/cards", {"longNum": CARD, "expires": "08/19", "ccv": "678"})
        return username

    async def put_into_cart(self, *names: str) -> None:
        """Put socks into the cart by their names."""
        socks = (await self.ask("front-end", "GET", "/catalogue?size=100")).json
        by_name = {sock["name"]: sock["id"] for sock in socks}
        for name in names:
            assert (await self.ask("front-end", "POST", "/cart", {"id": by_name[name]})).status == 201

    async def checkout(self, headers: dict[str, str] | None = None) -> Answer:
        """Press the button."""
        return await self.ask("front-end", "POST", "/orders", {}, headers)

    async def last_order(self) -> dict[str, Any]:
        """The customer's newest order as orders shows it."""
        path = f"/orders/search/customerId?custId={self.customer_id}&sort=date,desc"
        orders = (await self.ask("orders", "GET", path)).json["_embedded"]["customerOrders"]
        newest: dict[str, Any] = orders[0]
        return newest | {"id": newest["_links"]["self"]["href"].rpartition("/")[2]}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The shop, all of its processes started side by side."""
    folder = tmp_path_factory.mktemp("shop")
    # The gateway has a name and is started by the tests that need it.
    ports = {service: free_port() for service in (*SERVICES, "gateway")}
    lines = [f"{service}:80 127.0.0.1:{port} 10.96.0.1" for service, port in ports.items()]
    smtp_port = free_port()
    lines.append(f"mailbox:25 127.0.0.1:{smtp_port} 10.96.0.1")
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    running = RunningShop(folder, ports, smtp_port)
    try:
        for service in SERVICES:
            running.begin(service)
        for service in SERVICES:
            running.await_start(service)
        yield running
    finally:
        for process in running.processes.values():
            process.kill()
            process.wait(timeout=10)


@pytest.fixture
async def caller(shop: RunningShop) -> AsyncIterator[Caller]:
    """Someone who asks the shop, with cookies of their own."""
    # A kept connection would not survive the services that a test kills.
    client = http.session(15.0, headers={"Connection": "close"}, cookies=True)
    try:
        yield Caller(shop, client)
    finally:
        await client.close()


@pytest.fixture
async def customer(caller: Caller) -> Caller:
    """A registered customer with an address and a card."""
    await caller.register()
    return caller


@pytest.fixture
def without_payment(shop: RunningShop) -> Iterator[None]:
    """While this lasts nobody listens at payment's address."""
    assert shop.stop("payment") == 0
    try:
        yield
    finally:
        shop.start("payment")
