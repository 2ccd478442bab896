"""The portforward subresource of a pod: connections to its ports over one WebSocket, in the two ways clients have.

kubectl (from 1.31 on) sends SPDY frames in the messages: two streams a connection, one for bytes and one for errors.
Python clients send channel pairs: 2n for bytes and 2n+1 for errors of the n-th port asked for.
Wire: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, KEP-4006
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Iterable

from aiohttp import web

from oddsock.cluster.api.channels import MESSAGE_BYTES, V4, V5, messages, open_socket, refuse_other_streams, send
from oddsock.cluster.api.context import context_of
from oddsock.cluster.api.paths import Target
from oddsock.cluster.api.pod_link import PodLink
from oddsock.cluster.api.spdy import BadFrame, Frame, Reader, Type, Writer
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest, MethodNotAllowed

SPDY = "SPDY/3.1+portforward.k8s.io"
CONNECTIONS_MAX = 256
"""Connections of one forwarding at a time; more are told so on their error stream."""
PORTS_MAX = 32
"""Ports of one forwarding over channels."""

_log = logging.getLogger(__name__)


async def serve_port_forward(request: web.Request, target: Target) -> web.StreamResponse:
    """Forward connections to the pod's ports until the client leaves."""
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    pod = context_of(request).store.get("Pod", target.namespace, target.name)
    if (phase := (pod.get("status") or {}).get("phase")) != "Running":
        raise BadRequest(f"unable to forward port because pod is not running. Current status={phase}")
    refuse_other_streams(request)
    ports = _ports(request)
    # kr8s offers no protocol at all and means channels.
    async with open_socket(request, (SPDY, V5, V4), may_offer_none=True) as socket:
        if socket.ws_protocol == SPDY:
            await _SpdySession(socket, pod).run()
        else:
            await _forward_channels(socket, pod, ports)
    return socket


class _SpdySession:
    """The server's side of the SPDY session inside one WebSocket."""

    def __init__(self, socket: web.WebSocketResponse, pod: Obj) -> None:
        self._socket = socket
        self._pod = pod
        self._reader, self._writer = Reader(), Writer()
        self._errors: dict[str, int] = {}
        self._links: dict[int, PodLink] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the client leaves or sends what is no SPDY."""
        try:
            async for message in self._socket:
                if isinstance(message.data, bytes):
                    for frame in self._reader.feed(message.data):
                        await self._take(frame)
        except (BadFrame, ConnectionError) as cause:
            _log.info("port-forward to %s ended: %s", self._pod["metadata"]["name"], cause)
        finally:
            await _end(self._tasks)

    async def _take(self, frame: Frame) -> None:
        link = self._links.get(frame.stream)
        match frame.type:
            case Type.OPEN:
                await self._open(frame)
            case Type.DATA if link is not None:
                if frame.data:
                    await link.write(frame.data)
                if frame.is_final:
                    link.end_input()
            case Type.RESET if link is not None:
                link.close()
            case Type.PING:
                await self._socket.send_bytes(self._writer.ping(frame.data))

    async def _open(self, frame: Frame) -> None:
        await self._socket.send_bytes(self._writer.reply(frame.stream))
        headers = frame.headers
        pair, port = headers.get("requestid", ""), headers.get("port", "")
        if headers.get("streamtype") == "error":
            # A client that opens streams for errors alone is no client.
            if len(self._errors) > CONNECTIONS_MAX:
                raise BadFrame("too many streams")
            self._errors[pair] = frame.stream
            return
        if not port.isdecimal() or len(self._links) >= CONNECTIONS_MAX:
            why = "too many connections" if port.isdecimal() else f"{port!r} is no port"
            await self._finish(frame.stream, pair, f"error forwarding port: {why}")
            return
        link = self._links[frame.stream] = PodLink(self._pod, int(port))
        task = asyncio.create_task(self._serve(frame.stream, pair, link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, stream: int, pair: str, link: PodLink) -> None:
        async def send_data(data: bytes) -> None:
            await self._socket.send_bytes(self._writer.data(stream, data))

        try:
            # The client may go away at any time: the ordinary end of a port-forward.
            with contextlib.suppress(ConnectionError):
                await self._finish(stream, pair, await link.run(send_data))
        finally:
            self._links.pop(stream, None)

    async def _finish(self, stream: int, pair: str, error: str) -> None:
        told = self._errors.pop(pair, 0)
        if told and error:
            await self._socket.send_bytes(self._writer.data(told, error.encode()))
        for each in filter(None, (stream, told)):
            await self._socket.send_bytes(self._writer.data(each, b"", is_final=True))


async def _forward_channels(socket: web.WebSocketResponse, pod: Obj, ports: list[int]) -> None:
    links = [PodLink(pod, port) for port in ports]
    for number, port in enumerate(ports):
        for channel in (2 * number, 2 * number + 1):
            await send(socket, channel, struct.pack("<H", port))

    async def serve(number: int, link: PodLink) -> None:
        if error := await link.run(lambda data: send(socket, 2 * number, data)):
            await send(socket, 2 * number + 1, error.encode()[:MESSAGE_BYTES])

    async def serve_all() -> None:
        # Every connection over: nothing is left to say.
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(*(serve(number, link) for number, link in enumerate(links)))

    async def hear_all() -> None:
        async for channel, data in messages(socket):
            if channel % 2 == 0 and channel // 2 < len(links) and data:
                await links[channel // 2].write(data)

    tasks = {asyncio.create_task(serve_all()), asyncio.create_task(hear_all())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)


async def _end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


def _ports(request: web.Request) -> list[int]:
    texts = [text for value in request.query.getall("ports", []) for text in value.split(",")]
    if len(texts) > PORTS_MAX or not all(text.isdecimal() and 0 < int(text) < 65536 for text in texts):
        raise BadRequest(f"ports: {','.join(texts[:PORTS_MAX])} are no ports")
    return [int(text) for text in texts]
