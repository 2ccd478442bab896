"""Faults at the proxy on real sockets: what the caller sees, and what the pod saw."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from oddsock.cluster.listeners import close, listen, open_black_hole
from oddsock.cluster.ports import PortPool
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.proxy_wire import PortOrder, Rule
from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.e2e
WAIT_S = 5.0
OBEYED_S = 0.3
PORT = "x/payment:80"
CLOCK = SystemClock()


class Scene:
    """A pod that counts what it is asked, behind a proxy, and a client that keeps its connection."""

    def __init__(self, session: aiohttp.ClientSession, address: tuple[str, int], endpoint: tuple[str, int]) -> None:
        self.session = session
        self.address = address
        self.url = f"http://{address[0]}:{address[1]}/"
        self.endpoint = endpoint
        self.seen: list[int] = []
        self.hits: dict[str, int] = {}
        self.proxy = ProxyClient()
        self.proxy.on_hits = self._on_hits
        self.proxy.start()
        self.proxy.set(self.order(), listen([(socket.socket, address)]))

    def order(self, *rules: Rule) -> PortOrder:
        """The order for *rules*."""
        return PortOrder(port=PORT, endpoints=(self.endpoint,), is_http=True, rules=rules)

    async def apply(self, *rules: Rule) -> None:
        """Let *rules* hold, on connections that are open too."""
        self.proxy.set(self.order(*rules))
        # The order goes over a socket; a moment later it is obeyed, on a loaded machine too.
        await CLOCK.sleep(OBEYED_S)

    async def post(self, body: bytes = b"pay") -> tuple[int, bytes]:
        """Status and body of one POST."""
        async with self.session.post(self.url, data=body) as answer:
            return answer.status, await answer.read()

    async def answer(self, request: web.Request) -> web.Response:
        """The pod."""
        body = await request.read()
        self.seen.append(len(body))
        return web.Response(body=body)

    async def has_hits(self, fault: str, count: int) -> bool:
        """Whether *fault* is told to have hit *count* times, in time."""

        async def is_told() -> bool:
            return self.hits.get(fault, 0) == count

        return bool(await wait_for(is_told, CLOCK, WAIT_S, 0.02))

    def _on_hits(self, fault: str, count: int) -> None:
        self.hits[fault] = self.hits.get(fault, 0) + count


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A scene without faults, on one open connection."""
    pool = PortPool()
    scenes: list[Scene] = []

    async def answer(request: web.Request) -> web.Response:
        return await scenes[0].answer(request)

    address, endpoint = ("127.0.0.1", pool.take()), ("127.0.0.1", pool.take())
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, *endpoint).start()
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session:
        scenes.append(Scene(session, address, endpoint))
        assert await scenes[0].post() == (200, b"pay")
        yield scenes[0]
        scenes[0].proxy.close()
    await runner.cleanup()


async def test_an_error_answers_one_request_that_the_pod_never_sees(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="http-error", status=503))
    status, body = await scene.post(b"x" * 300_000)
    assert (status, b"Service Unavailable" in body) == (503, True)
    assert scene.seen == [3]
    await scene.apply()
    assert await scene.post() == (200, b"pay")
    assert await scene.has_hits("f", 1)


async def test_a_dropped_reply_is_cut_after_the_pod_has_done_its_work(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="drop-reply"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await scene.post(b"charge me")
    assert scene.seen == [3, 9]


async def test_a_reset_meets_the_request_before_the_pod_does(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="reset"))
    with pytest.raises((ConnectionResetError, aiohttp.ClientOSError)):
        await scene.post()
    assert scene.seen == [3]


async def test_latency_holds_each_request_back_on_an_open_connection(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="latency", latency_ms=200))
    before = CLOCK.monotonic()
    assert await scene.post() == (200, b"pay")
    assert await scene.post() == (200, b"pay")
    assert 0.4 <= CLOCK.monotonic() - before < 2.0
    assert await scene.has_hits("f", 2)


async def test_bandwidth_bounds_what_passes(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="bandwidth", bytes_per_second=200_000))
    before, body = CLOCK.monotonic(), b"x" * 50_000
    assert await scene.post(body) == (200, body)
    # There and back: twice 50 kB at 200 kB/s, less the first slices.
    assert 0.35 <= CLOCK.monotonic() - before < 2.0


async def test_a_black_hole_stops_open_connections_and_lets_new_ones_time_out(scene: Scene) -> None:
    reader, writer = await asyncio.open_connection(*scene.address)
    try:
        await scene.apply(Rule(fault="f", type="black-hole"))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        await scene.apply()
        async with asyncio.timeout(WAIT_S):
            assert (await reader.read(15)).startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


async def test_a_black_hole_takes_no_connection_until_it_is_closed() -> None:
    address = ("127.0.0.1", PortPool().take())
    hole = open_black_hole([(socket.socket, address)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.open_connection(*address)
    close(hole)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_fault_for_another_caller_does_not_meet_this_one(scene: Scene) -> None:
    sleeper = await asyncio.create_subprocess_exec("sleep", "30")
    with contextlib.suppress(ProcessLookupError):
        await scene.apply(Rule(fault="f", type="reset", callers=(sleeper.pid,)))
        assert await scene.post() == (200, b"pay")
        sleeper.kill()
    await sleeper.wait()


async def test_a_fault_for_this_caller_meets_it(scene: Scene) -> None:
    await scene.apply(Rule(fault="f", type="http-error", status=500, callers=(os.getpid(),)))
    assert (await scene.post())[0] == 500
