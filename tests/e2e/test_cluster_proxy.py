"""The proxy process on real sockets: refused, answered in turn, half-closed, reset, counted; dead and alive again."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oddsock.cluster.addresses import Address
from oddsock.cluster.listeners import listen
from oddsock.cluster.ports import HeldPort, PortPool, is_free
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.proxy_wire import PortOrder, Rule
from oddsock.cluster.traffic import Traffic
from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.e2e
WAIT_S = 5.0


@asynccontextmanager
async def pod(name: bytes) -> AsyncIterator[Address]:
    """A server that reads all and answers *name* and the number of bytes read."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(name + b" %d" % len(data))
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


class Service:
    """One port of a Service as the network serves it: a held host port, a proxy process, listeners while needed."""

    def __init__(self) -> None:
        self.client = ProxyClient()
        self.client.start()
        self.held = HeldPort("127.0.0.1", PortPool().take())
        self.address = self.held.address
        self.is_http = False

    def serve(self, *endpoints: Address, rules: tuple[Rule, ...] = ()) -> None:
        """Serve *endpoints*, with *rules*."""
        order = PortOrder(port="x/y:80", endpoints=endpoints, rules=rules, is_http=self.is_http)
        if bool(endpoints) == self.client.is_listening("x/y:80"):
            self.client.set(order)
        else:
            self.client.set(order, listen([(socket.socket, self.address)]) if endpoints else [])

    async def traffic(self, endpoint: Address, bytes_min: int) -> Traffic:
        """What was counted for *endpoint*, as soon as that many bytes came back."""

        async def is_told() -> bool:
            return endpoint in self.client.traffic and self.client.traffic[endpoint].sent >= bytes_min

        assert await wait_for(is_told, SystemClock(), WAIT_S, 0.01)
        return self.client.traffic[endpoint]


@asynccontextmanager
async def proxy() -> AsyncIterator[Service]:
    """A Service without endpoints, on a port that is held."""
    service = Service()
    yield service
    service.client.close()
    service.held.close()


async def say(address: Address, data: bytes) -> bytes:
    """Send *data*, end the sending half, and read the whole answer."""
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


async def test_without_endpoints_a_caller_is_refused_and_with_them_they_take_turns() -> None:
    async with proxy() as service, pod(b"a") as first, pod(b"b") as second:
        with pytest.raises(ConnectionRefusedError):
            await say(service.address, b"")
        service.serve(first, second)
        assert {await say(service.address, b"hello") for _ in range(2)} == {b"a 5", b"b 5"}
        service.serve()
        with pytest.raises(ConnectionRefusedError):
            await say(service.address, b"")
        service.serve(first)
        assert await say(service.address, b"again") == b"a 5"


async def test_bytes_are_whole_and_counted_for_each_endpoint() -> None:
    async with proxy() as service, pod(b"a") as endpoint:
        service.serve(endpoint)
        size = 5_000_000
        assert await say(service.address, b"x" * size) == b"a %d" % size
        traffic = await service.traffic(endpoint, 9)
        assert (traffic.received, traffic.sent, traffic.connections) == (size, len(b"a %d" % size), 1)


async def test_a_dead_endpoint_is_passed_over_and_with_no_other_the_caller_is_reset() -> None:
    async with proxy() as service, pod(b"a") as living:
        dead = ("127.0.0.1", PortPool().take())
        service.serve(dead, living)
        assert {await say(service.address, b"") for _ in range(3)} == {b"a 0"}
        service.serve(dead)
        with pytest.raises(ConnectionResetError):
            await say(service.address, b"")


async def test_an_open_connection_outlives_the_readiness_of_its_endpoint() -> None:
    async with proxy() as service, pod(b"a") as endpoint:
        service.serve(endpoint)
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection(*service.address)
            writer.write(b"before")
            await writer.drain()

            async def has_arrived() -> bool:
                return endpoint in service.client.traffic and service.client.traffic[endpoint].received == 6

            assert await wait_for(has_arrived, SystemClock(), WAIT_S, 0.01)
            service.serve()
            writer.write(b"after")
            writer.write_eof()
            assert await reader.read() == b"a 11"
            writer.close()


async def test_a_port_that_sleeps_is_refused_to_callers_and_to_other_programs() -> None:
    async with proxy() as service:
        assert not is_free(*service.address)
        with pytest.raises(ConnectionRefusedError):
            await say(service.address, b"")


async def test_a_proxy_that_dies_is_started_again_and_callers_wait_for_it() -> None:
    async with proxy() as service, pod(b"a") as endpoint:
        service.serve(endpoint)
        assert await say(service.address, b"1") == b"a 1"
        first = service.client.pid
        os.kill(first, signal.SIGKILL)
        assert await say(service.address, b"22") == b"a 2"
        assert service.client.pid != first
        service.serve()
        with pytest.raises(ConnectionRefusedError):
            await say(service.address, b"")
