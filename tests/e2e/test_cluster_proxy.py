"""A Service's proxy on real sockets: refused, answered in turn, half-closed, reset; its port held while it sleeps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oddsock.cluster.addresses import Address
from oddsock.cluster.ports import HeldPort, PortPool, is_free
from oddsock.cluster.service_proxy import ServiceProxy
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


@asynccontextmanager
async def proxy() -> AsyncIterator[ServiceProxy]:
    """A proxy without endpoints, on a port that is held."""
    port = PortPool().take()
    held, made = HeldPort("127.0.0.1", port), ServiceProxy(("127.0.0.1", port))
    yield made
    made.close()
    held.close()


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
        service.set_endpoints([first, second])
        assert {await say(service.address, b"hello") for _ in range(2)} == {b"a 5", b"b 5"}
        service.set_endpoints([])
        with pytest.raises(ConnectionRefusedError):
            await say(service.address, b"")
        service.set_endpoints([first])
        assert await say(service.address, b"again") == b"a 5"


async def test_bytes_are_whole_and_counted_for_each_endpoint() -> None:
    async with proxy() as service, pod(b"a") as endpoint:
        service.set_endpoints([endpoint])
        size = 5_000_000
        assert await say(service.address, b"x" * size) == b"a %d" % size
        traffic = service.traffic[endpoint]
        assert (traffic.received, traffic.sent, traffic.connections) == (size, len(b"a %d" % size), 1)


async def test_a_dead_endpoint_is_passed_over_and_with_no_other_the_caller_is_reset() -> None:
    async with proxy() as service, pod(b"a") as living:
        dead = ("127.0.0.1", PortPool().take())
        service.set_endpoints([dead, living])
        assert {await say(service.address, b"") for _ in range(3)} == {b"a 0"}
        service.set_endpoints([dead])
        with pytest.raises(ConnectionResetError):
            await say(service.address, b"")


async def test_an_open_connection_outlives_the_readiness_of_its_endpoint() -> None:
    async with proxy() as service, pod(b"a") as endpoint:
        service.set_endpoints([endpoint])
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection(*service.address)
            writer.write(b"before")
            await writer.drain()

            async def has_arrived() -> bool:
                return endpoint in service.traffic and service.traffic[endpoint].received == 6

            assert await wait_for(has_arrived, SystemClock(), WAIT_S, 0.01)
            service.set_endpoints([])
            writer.write(b"after")
            writer.write_eof()
            assert await reader.read() == b"a 11"
            writer.close()


async def test_a_port_that_sleeps_is_refused_to_callers_and_to_other_programs() -> None:
    async with proxy() as service:
        assert not service.is_listening
        assert not is_free(*service.address)
