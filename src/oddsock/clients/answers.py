"""What any HTTP server answers: its body up to a size, and why no answer came, as a person says it."""

import asyncio
import os

import aiohttp

from oddsock.kit.mask import mask_cards

BODY_BYTES_MAX = 32_000_000
"""How much of an answer is read."""


async def read_body(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body; ClientPayloadError when it is larger than BODY_BYTES_MAX."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {BODY_BYTES_MAX} bytes")
    return bytes(body)


def explain(cause: BaseException) -> str:
    """Why a call got no answer, as a person says it: Connection refused, no answer in time, ..."""
    if isinstance(cause, aiohttp.ClientConnectorError) and cause.os_error.errno:
        return os.strerror(cause.os_error.errno)
    if isinstance(cause, TimeoutError | asyncio.TimeoutError):
        return "no answer in time"
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "the connection was cut before an answer came"
    return mask_cards(str(cause)) or type(cause).__name__
