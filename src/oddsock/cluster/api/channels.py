"""The channels of one WebSocket: v4 and v5 of channel.k8s.io, as exec, attach and port-forward use them.

A message is a channel number and its bytes. For commands: 0 input, 1 output, 2 errors, 3 the final Status, 4 window
size. v5 adds message 255, whose one byte names a channel that is over.
Wire: k8s.io/streaming/pkg/httpstream/wsstream, https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from oddsock.cluster.api.context import context_of
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest

V4 = "v4.channel.k8s.io"
V5 = "v5.channel.k8s.io"
INPUT, OUTPUT, ERRORS, STATUS, SIZE = range(5)
CLOSE = 255

MESSAGE_BYTES = 32 * 1024
"""Largest message sent, and what one is asked to keep to."""
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
CLOSE_S_MAX = 2.0
"""Wall seconds a client is given to answer our farewell."""


def wants_socket(request: web.Request) -> bool:
    """Whether *request* asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def refuse_other_streams(request: web.Request) -> None:
    """Raise BadRequest unless *request* asks for a WebSocket with channels we speak."""
    if not wants_socket(request):
        raise BadRequest(
            "this cluster streams over WebSockets only: use kubectl 1.31 or later (1.30 for exec), "
            "or any client that asks for Upgrade: websocket"
        )


@contextlib.asynccontextmanager
async def open_socket(
    request: web.Request, protocols: tuple[str, ...], may_offer_none: bool = False
) -> AsyncIterator[web.WebSocketResponse]:
    """The accepted WebSocket of *request* with the first of *protocols* the client offers; closed at the end."""
    told = request.headers.get("Sec-WebSocket-Protocol", "")
    if not any(name.strip() in protocols for name in told.split(",")) and (told or not may_offer_none):
        raise BadRequest(f"unable to upgrade: unable to negotiate protocol: server supports {list(protocols)}")
    socket = web.WebSocketResponse(
        protocols=protocols, compress=False, max_msg_size=MESSAGE_BYTES_MAX, timeout=CLOSE_S_MAX
    )
    await socket.prepare(request)
    sockets = context_of(request).sockets
    sockets.add(socket)
    try:
        yield socket
    finally:
        sockets.discard(socket)
        # The client may be gone already: the ordinary end of a stream.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await socket.close()


async def messages(socket: web.WebSocketResponse) -> AsyncIterator[tuple[int, bytes]]:
    """Every message of the client as (channel, bytes), until it leaves."""
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data:
            yield message.data[0], message.data[1:]
        elif message.type is WSMsgType.TEXT and message.data:
            # kr8s and some scripts send text; its first character is the channel's.
            raw = message.data.encode()
            yield raw[0], raw[1:]


async def send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    """Send *data* on *channel*; ConnectionError when the client is gone."""
    for start in range(0, len(data), MESSAGE_BYTES):
        await socket.send_bytes(bytes([channel]) + data[start : start + MESSAGE_BYTES])


async def send_status(socket: web.WebSocketResponse, status: Obj) -> None:
    """Send the final Status on channel 3."""
    await send(socket, STATUS, json.dumps({"metadata": {}, **status}, separators=(",", ":")).encode())


def ended(code: int | None) -> Obj:
    """The Status of a command that ended with *code*; None counts as success."""
    if not code:
        return {"status": "Success"}
    return {
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(message: str) -> Obj:
    """The Status of a stream that could not be had."""
    return {"status": "Failure", "message": message, "reason": "InternalError", "code": 500}
