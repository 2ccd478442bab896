"""Port-forward in both dialects, against a pod that is a real process."""

import asyncio
import json
import os
import re
import shutil
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from oddsock.cluster.api.spdy import Frame, Reader, Type, Writer

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import Pods

Kubectl = Callable[..., Awaitable[str]]

FORWARD = "api/v1/namespaces/sock-shop/pods/payment/portforward"
SPDY = "SPDY/3.1+portforward.k8s.io"
V4 = "v4.channel.k8s.io"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
WAIT_S_MAX = 10.0


async def spdy_talk(pods: "Pods", port: str, sent: bytes) -> tuple[bytes, bytes]:
    """(data, errors) of one connection to *port* over SPDY, after both of its streams ended."""
    writer, reader, heard = Writer(), Reader(), {1: b"", 3: b""}
    ended: set[int] = set()

    def take(frame: Frame) -> None:
        if frame.type is Type.DATA:
            heard[frame.stream] += frame.data
            if frame.is_final:
                ended.add(frame.stream)

    async with (
        asyncio.timeout(WAIT_S_MAX),
        pods.session.ws_connect(FORWARD, protocols=(SPDY,)) as socket,
    ):
        assert socket.protocol == SPDY
        pair = {"port": port, "requestid": "0"}
        await socket.send_bytes(writer.open(1, {"streamtype": "error", **pair}) + writer.data(1, b"", is_final=True))
        await socket.send_bytes(writer.open(3, {"streamtype": "data", **pair}) + writer.data(3, sent))
        await socket.send_bytes(writer.ping(b"\0\0\0\7"))
        while ended != {1, 3}:
            for frame in reader.feed(await socket.receive_bytes()):
                take(frame)
    return heard[3], heard[1]


async def test_kubectls_streams_lead_to_the_pod_and_end_with_it(pods: "Pods") -> None:
    data, errors = await spdy_talk(pods, "8080", REQUEST)
    assert data.endswith(b"OK\n")
    assert errors == b""


@pytest.mark.parametrize(("port", "says"), [("9999", b"forwarding port 9999 to pod"), ("http", b"'http' is no port")])
async def test_a_port_that_cannot_be_reached_is_told_on_the_error_stream(port: str, says: bytes, pods: "Pods") -> None:
    data, errors = await spdy_talk(pods, port, REQUEST)
    assert data == b""
    assert says in errors


async def test_what_is_no_spdy_ends_the_forwarding(pods: "Pods") -> None:
    async with asyncio.timeout(WAIT_S_MAX), pods.session.ws_connect(FORWARD, protocols=(SPDY,)) as socket:
        await socket.send_bytes(b"\x80\x02\x00\x01\x00\x00\x00\x00")
        assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


@pytest.mark.parametrize("protocols", [(V4,), ()], ids=["the official client", "kr8s, which offers none"])
async def test_channel_pairs_lead_to_the_ports_asked_for(protocols: tuple[str, ...], pods: "Pods") -> None:
    heard: dict[int, bytes] = {}
    query = {"ports": "8080,9999"}
    async with (
        asyncio.timeout(WAIT_S_MAX),
        pods.session.ws_connect(FORWARD, params=query, protocols=protocols) as socket,
    ):
        await socket.send_bytes(b"\x00" + REQUEST)
        async for message in socket:
            heard[message.data[0]] = heard.get(message.data[0], b"") + message.data[1:]
    assert [struct.unpack_from("<H", heard[channel])[0] for channel in range(4)] == [8080, 8080, 9999, 9999]
    assert heard[0].endswith(b"OK\n")
    assert b"forwarding port 9999" in heard[3]


@pytest.mark.parametrize("ports", ["0", "http", "70000", ",".join(["80"] * 33)])
async def test_ports_that_are_none_are_refused(ports: str, pods: "Pods") -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Protocol": V4}
    async with pods.session.get(FORWARD, params={"ports": ports}, headers=headers) as answered:
        assert (answered.status, (await answered.json())["reason"]) == (400, "BadRequest")


async def test_kubectl_forwards_a_service(kubectl_in_pods: Kubectl, tmp_path: Path) -> None:
    shown = json.loads(await kubectl_in_pods("version", "-o", "json"))
    assert shown["serverVersion"]["minor"] == "32"
    program = shutil.which("kubectl")
    assert program is not None
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        program, "port-forward", "svc/payment", ":80", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), WAIT_S_MAX)
        found = re.search(r"127\.0\.0\.1:(\d+) -> 8080", line.decode())
        assert found is not None
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                async with session.get(f"http://127.0.0.1:{found.group(1)}/health") as answered:
                    assert await answered.text() == "OK\n"
    finally:
        process.terminate()
        await process.communicate()
