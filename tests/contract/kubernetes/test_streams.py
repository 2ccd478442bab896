"""What stays open or passes through: watches, followed logs, the service proxy."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from oddsock.kit import http

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import World

CORE = "/api/v1/namespaces/sock-shop"
LINE_S_MAX = 5.0
ORDERS = "orders-7c9d-aaaaa"


async def line(answered: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next line of a watch."""
    read = await asyncio.wait_for(answered.content.readline(), LINE_S_MAX)
    found: dict[str, Any] = json.loads(read)
    return found


async def test_a_watch_from_a_version_tells_what_came_after_it(world: "World", api: aiohttp.ClientSession) -> None:
    query = {"watch": "1", "resourceVersion": str(world.store.version)}
    async with api.get(f"{CORE}/pods", params=query) as answered:
        world.store.delete("Pod", "sock-shop", ORDERS)
        world.store.remove("Pod", "sock-shop", ORDERS)
        assert [(await line(answered))["type"] for _ in range(2)] == ["MODIFIED", "DELETED"]


async def test_a_watch_of_labels_sees_a_pod_come_and_go(world: "World", api: aiohttp.ClientSession) -> None:
    query = {"watch": "1", "labelSelector": "name=payment", "resourceVersion": str(world.store.version)}
    async with api.get(f"{CORE}/pods", params=query) as answered:
        pod = world.store.get("Pod", "sock-shop", ORDERS)
        pod["metadata"]["labels"]["name"] = "payment"
        world.store.update(pod)
        pod["metadata"]["labels"]["name"] = "orders"
        world.store.update(pod)
        assert [(await line(answered))["type"] for _ in range(2)] == ["ADDED", "DELETED"]


async def test_initial_events_end_with_a_marked_bookmark(api: aiohttp.ClientSession) -> None:
    query = {"watch": "1", "sendInitialEvents": "true", "allowWatchBookmarks": "true"}
    async with api.get(f"{CORE}/services", params={**query, "resourceVersionMatch": "NotOlderThan"}) as answered:
        told = [await line(answered) for _ in range(4)]
    assert [row["type"] for row in told] == ["ADDED", "ADDED", "ADDED", "BOOKMARK"]
    assert told[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_ends_when_its_client_said_so(world: "World", api: aiohttp.ClientSession) -> None:
    query = {"watch": "1", "timeoutSeconds": "1", "resourceVersion": str(world.store.version)}
    async with api.get(f"{CORE}/pods", params=query) as answered:
        reading = asyncio.ensure_future(answered.content.readline())
        await asyncio.sleep(0.05)
        assert not reading.done()
        world.clock.advance(2)
        world.store.delete("Pod", "sock-shop", ORDERS)
        assert json.loads(await asyncio.wait_for(reading, LINE_S_MAX))["type"] == "MODIFIED"
        assert await asyncio.wait_for(answered.content.readline(), LINE_S_MAX) == b""


async def test_a_watch_from_a_forgotten_version_is_expired(world: "World", api: aiohttp.ClientSession) -> None:
    service = world.store.get("Service", "sock-shop", "orders")
    for number in range(9000):
        service["metadata"]["labels"] = {"n": str(number)}
        world.store.update(service)
    async with api.get(f"{CORE}/pods", params={"watch": "1", "resourceVersion": "1"}) as answered:
        told = await line(answered)
    assert (told["type"], told["object"]["code"], told["object"]["reason"]) == ("ERROR", 410, "Expired")


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({}, ["Started OrdersApplication", "Received order request", "Connection refused"]),
        ({"tailLines": "3"}, ["Received order request", "Connection refused"]),
        ({"tailLines": "0"}, []),
        ({"sinceSeconds": "30"}, ["Received order request", "Connection refused"]),
        ({"sinceTime": "2025-10-30T08:23:59Z"}, ["Connection refused"]),
        ({"limitBytes": "7"}, ["Started"]),
        ({"tailLines": "1", "timestamps": "true"}, ["2025-10-30T08:23:59.000000002Z refused"]),
    ],
)
async def test_a_log_shows_the_lines_asked_for(
    query: dict[str, str], lines: list[str], api: aiohttp.ClientSession
) -> None:
    async with api.get(f"{CORE}/pods/{ORDERS}/log", params=query) as answered:
        assert (answered.status, (await answered.text()).splitlines()) == (200, lines)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{ORDERS}/log?container=x", "container x is not valid for pod orders-7c9d-aaaaa"),
        (f"{ORDERS}/log?previous=true", 'previous terminated container "orders" in pod "orders-7c9d-aaaaa" not found'),
        ("payment-5f6b-ccccc/log", "is waiting to start: CrashLoopBackOff"),
        (f"{ORDERS}/log?tailLines=-1", "tailLines"),
        (f"{ORDERS}/log?sinceTime=yesterday", "RFC 3339"),
    ],
)
async def test_a_log_that_cannot_be_had_says_why(path: str, says: str, api: aiohttp.ClientSession) -> None:
    async with api.get(f"{CORE}/pods/{path}") as answered:
        assert answered.status == 400
        assert says in (await answered.json(content_type=None))["message"]


async def test_a_followed_log_ends_with_its_pod(world: "World", api: aiohttp.ClientSession) -> None:
    path = world.log_path("sock-shop", ORDERS, "orders", False)
    assert path is not None
    async with api.get(f"{CORE}/pods/{ORDERS}/log", params={"follow": "true", "tailLines": "0"}) as answered:
        with path.open("a") as log:
            log.write("2025-10-30T08:24:01.000000001Z stdout F one more\n")
        assert await asyncio.wait_for(answered.content.readline(), LINE_S_MAX) == b"one more\n"
        world.store.remove("Pod", "sock-shop", ORDERS)
        assert await asyncio.wait_for(answered.content.read(), LINE_S_MAX) == b""


@pytest.fixture
async def service(world: "World") -> AsyncIterator[list[str]]:
    """A server that stands for the payment Service and says what it was asked."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.text()
        seen.append(f"{request.method} {request.raw_path} {body} {request.headers.get('Authorization', 'anonymous')}")
        return web.Response(text="taken", status=406, headers={"X-Seen": "yes"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = await http.serve(app, "127.0.0.1", 0)
    world.addresses["payment", "80"] = world.addresses["payment", ""] = ("127.0.0.1", runner.addresses[0][1])
    yield seen
    await runner.cleanup()


async def test_the_proxy_passes_everything_but_the_token(
    world: "World", service: list[str], api: aiohttp.ClientSession
) -> None:
    path = f"{CORE}/services/payment:80/proxy/charges%2Fall?after=1&x=a%20b"
    async with api.post(URL(world.url + path, encoded=True), data="body") as got:
        assert (got.status, await got.text(), got.headers["X-Seen"]) == (406, "taken", "yes")
    async with api.get(f"{CORE}/services/payment/proxy/") as got:
        assert got.status == 406
    assert service == ["POST /charges%2Fall?after=1&x=a%20b body anonymous", "GET /  anonymous"]


async def test_the_proxy_says_503_when_nobody_listens(world: "World", api: aiohttp.ClientSession) -> None:
    async with api.get(f"{CORE}/services/payment:80/proxy/health") as got:
        assert (got.status, (await got.json())["reason"]) == (503, "ServiceUnavailable")
    world.addresses["payment", "80"] = ("127.0.0.1", 1)
    async with api.get(f"{CORE}/services/payment:80/proxy/health") as got:
        assert got.status == 503
    async with api.get(f"{CORE}/services/nope:80/proxy/health") as got:
        assert got.status == 404
