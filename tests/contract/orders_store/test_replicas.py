"""Two orders processes on one PostgreSQL, killed under load: nothing lost, charged twice or stuck."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from oddsock.kit import http
from oddsock.kit.clock import SystemClock, wait_for

ROOT = Path(__file__).parents[3]
CLOCK = SystemClock()
DEADLINE_S = 60.0
LINKS = {
    "customer": "http://user/customers/c",
    "address": "http://user/addresses/c",
    "card": "http://user/cards/c",
    "items": "http://carts/carts/c/items",
}
SWITCHES = dict.fromkeys(("BREAKER", "PAYMENT_QUEUE", "RELEASE_LIMITER", "RESUME", "IDEMPOTENCY"), "on")
LEASE_S = "2"
NAMES = ("a", "b", "payment", "shipping")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Replicas:
    """orders processes *a* and *b* on one database, and payment and shipping, which come later."""

    folder: Path
    address: str
    client: aiohttp.ClientSession
    ports: dict[str, int] = field(default_factory=lambda: {name: _free_port() for name in NAMES})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start a replica, payment or shipping, and wait until it listens."""
        port = self.ports[name]
        # A replica has the checkout, queue and store of orders, and a cart that is always full.
        command = ["tests.bench.checkout_worker", "postgres", str(port), str(self.folder)]
        if name in ("payment", "shipping"):
            command = ["oddsock.shop", name, "--port=8080"]
        hosts = [f"{service}:80 127.0.0.1:{self.ports[service]} 10.96.0.1\n" for service in ("payment", "shipping")]
        (self.folder / "hosts").write_text("".join(hosts))
        more = {
            "ODDSOCK_HOSTS": str(self.folder / "hosts"),
            "ODDSOCK_PORTS": f"8080=127.0.0.1:{port}",
            "BOOKS": str(self.folder),
            "ORDERS_DSN": self.address,
            "ORDERS_LEASE_S": LEASE_S,
        }
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, **SWITCHES, **more},
                stdout=out,
                stderr=out,
            )

        async def listens() -> bool:
            assert self.processes[name].poll() is None, (self.folder / f"{name}.out").read_text()[-2000:]
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        assert await wait_for(listens, CLOCK, DEADLINE_S, 0.02)

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    async def order(self, name: str, key: str) -> int:
        """The status of a checkout at a replica, 0 when it is cut off."""
        url = f"http://127.0.0.1:{self.ports[name]}/orders"
        try:
            async with self.client.post(url, json=LINKS, headers={"Idempotency-Key": key}) as got:
                await got.read()
                return got.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def placed(self, key: str) -> None:
        """Order at one replica or the other, the same request again until it is taken, as a customer would."""
        names = ["a", "b"] if int(key.rpartition("-")[2]) % 2 else ["b", "a"]

        async def is_taken() -> bool:
            names.reverse()
            return await self.order(names[0], key) in (201, 202)

        assert await wait_for(is_taken, CLOCK, DEADLINE_S, 0.02), key

    async def count(self, statement: str) -> int:
        """A number of the database."""
        connection = await asyncpg.connect(self.address)
        try:
            return int(await connection.fetchval(statement))
        finally:
            await connection.close()

    async def drained(self, orders: int) -> None:
        """Every order is PAID and shipped, no errand is left, and payment has one charge of each."""

        async def is_done() -> bool:
            open_or_parked = "SELECT (SELECT count(*) FROM orders WHERE is_open) + (SELECT count(*) FROM errands)"
            return await self.count(open_or_parked) == 0

        assert await wait_for(is_done, CLOCK, DEADLINE_S, 0.05), await self.count("SELECT count(*) FROM errands")
        assert await self.count("SELECT count(*) FROM orders") == orders
        assert await self.count("SELECT count(DISTINCT order_id) FROM journal WHERE status='PAID'") == orders
        assert await self.count("SELECT count(*) FROM journal WHERE status='PAID'") == orders
        charged = [row["order_id"] for row in await self.book("payment", "charges") if row["kind"] == "capture"]
        shipped = [row["order_id"] for row in await self.book("shipping", "shipments") if row["event"] == "accepted"]
        assert (len(charged), len(set(charged))) == (orders, orders)
        assert (len(shipped), len(set(shipped))) == (orders, orders)

    async def book(self, service: str, name: str) -> list[dict[str, Any]]:
        """The rows of a service's book."""
        rows: list[dict[str, Any]] = []
        while True:
            after = rows[-1]["seq"] if rows else 0
            url = f"http://127.0.0.1:{self.ports[service]}/{name}?after={after}&limit=1000"
            async with self.client.get(url) as got:
                page = (await got.json())[name]
            if not page:
                return rows
            rows += page


@pytest.fixture
async def replicas(new_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Replicas]:
    client = http.session(15.0, headers={"Connection": "close"})
    made = Replicas(tmp_path, new_database(), client)
    yield made
    for name in list(made.processes):
        made.processes[name].send_signal(signal.SIGCONT)
        made.kill(name)
    await client.close()


async def test_two_processes_drain_one_queue_and_charge_each_order_once(replicas: Replicas) -> None:
    await replicas.start("a")
    await asyncio.gather(*(replicas.order("a", f"k{n}") for n in range(60)))
    assert await replicas.count("SELECT count(*) FROM errands") == 60
    await replicas.start("b")
    await replicas.start("shipping")
    await replicas.start("payment")
    await replicas.drained(60)


async def _kill_under_load(replicas: Replicas, turn: int, victims: str) -> None:
    orders = 40
    keys = [f"{turn}-{victims}-{n}" for n in range(orders)]
    before = await replicas.count("SELECT count(*) FROM orders")
    load = asyncio.gather(*(replicas.placed(key) for key in keys))

    async def some_are_stored() -> bool:
        return await replicas.count("SELECT count(*) FROM orders") >= before + 5 + turn % 20

    assert await wait_for(some_are_stored, CLOCK, DEADLINE_S, 0.002)
    for name in victims:
        replicas.kill(name)
    for name in victims:
        await replicas.start(name)
    await load
    await replicas.drained(before + orders)


async def test_a_kill_of_both_under_load_loses_and_doubles_nothing(replicas: Replicas) -> None:
    for name in ("payment", "shipping", "a", "b"):
        await replicas.start(name)
    await _kill_under_load(replicas, 0, "ab")


@pytest.mark.proof
async def test_twenty_kills_of_one_and_twenty_of_both_lose_and_double_nothing(replicas: Replicas) -> None:
    for name in ("payment", "shipping", "a", "b"):
        await replicas.start(name)
    for turn in range(20):
        for victims in ("a", "ab"):
            await _kill_under_load(replicas, turn, victims)
    print(f"\n40 kills, {await replicas.count('SELECT count(*) FROM orders')} orders: none lost, doubled or stuck")


async def test_a_frozen_process_loses_its_orders_and_wakes_harmless(replicas: Replicas) -> None:
    await replicas.start("a")
    await asyncio.gather(*(replicas.order("a", f"k{n}") for n in range(60)))
    await replicas.start("shipping")
    await replicas.start("payment")

    async def some_are_held() -> bool:
        return await replicas.count("SELECT count(*) FROM errands WHERE holder<>''") > 0

    assert await wait_for(some_are_held, CLOCK, DEADLINE_S, 0.001)
    replicas.processes["a"].send_signal(signal.SIGSTOP)
    await replicas.start("b")
    await replicas.drained(60)
    replicas.processes["a"].send_signal(signal.SIGCONT)

    async def answers() -> bool:
        return await replicas.order("a", "k-last") in (201, 202)

    assert await wait_for(answers, CLOCK, DEADLINE_S, 0.05)
    await replicas.drained(61)
