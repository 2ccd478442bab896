"""Bodies of requests: read within a limit that also holds after decompression, and decoded."""

import asyncio
import zlib
from typing import Any

import msgspec
import zstandard
from aiohttp import web

from oddsock.telemetry.api.errors import ApiError

BODY_BYTES_MAX = 5 * 1024 * 1024
"""Largest body, compressed or not, as Datadog's intake has it."""

BODY_S_MAX = 30.0
"""Wall seconds a client may take to send a body: who sends slowly holds a place that others wait for."""


async def read_body(request: web.Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body, decompressed; 413 when it is or becomes larger than *bytes_max*, 415 or 408 else."""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            raw = await request.read()
    except TimeoutError:
        raise ApiError(408, f"The body did not arrive within {BODY_S_MAX:.0f} seconds.") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(bytes_max) from None
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if len(raw) > bytes_max:
        raise _too_large(bytes_max)
    return decompress(raw, encoding, bytes_max)


async def read_json(request: web.Request, bytes_max: int = BODY_BYTES_MAX) -> Any:
    """The body as JSON; 400 with the place of the fault when it is none."""
    return decode_json(await read_body(request, bytes_max))


def decode_json(body: bytes) -> Any:
    """*body* as JSON; 400 with the place of the fault when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError) as cause:
        raise ApiError(400, f"The body is no JSON: {cause}.") from None
    except RecursionError:
        raise ApiError(400, "The body is no JSON that can be read: it is nested too deeply.") from None


def decompress(raw: bytes, encoding: str, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """*raw* without its Content-Encoding; never more than *bytes_max* bytes are unpacked."""
    match encoding:
        case "" | "identity":
            return raw
        case "gzip" | "x-gzip":
            return _inflate(raw, zlib.MAX_WBITS | 16, bytes_max)
        case "deflate":
            # The standard says zlib; some clients send the bare stream, which cannot begin as zlib does.
            is_zlib = len(raw) > 1 and raw[0] & 0x0F == 8 and (raw[0] << 8 | raw[1]) % 31 == 0
            return _inflate(raw, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS, bytes_max)
        case "zstd" | "zstd1":
            return _unpack_zstd(raw, bytes_max)
    raise ApiError(415, f"Content-Encoding {encoding[:50]!r} is not taken: send identity, gzip, deflate or zstd.")


def _inflate(raw: bytes, window_bits: int, bytes_max: int) -> bytes:
    body, rest = bytearray(), raw
    try:
        # A gzip body may have several members, one behind another.
        while rest:
            unpacker = zlib.decompressobj(window_bits)
            body += unpacker.decompress(rest, bytes_max + 1 - len(body))
            if len(body) > bytes_max or unpacker.unconsumed_tail:
                raise _too_large(bytes_max)
            if not unpacker.eof:
                raise ApiError(400, "The compressed body ends too early.")
            rest = unpacker.unused_data if window_bits > zlib.MAX_WBITS else b""
    except zlib.error as cause:
        raise ApiError(400, f"The compressed body cannot be read: {cause}.") from None
    return bytes(body)


def _unpack_zstd(raw: bytes, bytes_max: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=2 * bytes_max)
    try:
        # The reader stops at a length, but does not tell a torn body from a whole one: that is the second one's part.
        with unpacker.stream_reader(raw, read_across_frames=True) as reader:
            if len(reader.read(bytes_max + 1)) > bytes_max:
                raise _too_large(bytes_max)
        body, rest = bytearray(), raw
        while rest:
            frame = unpacker.decompressobj()
            body += frame.decompress(rest)
            if not frame.eof:
                raise ApiError(400, "The compressed body ends too early.")
            rest = frame.unused_data
    except zstandard.ZstdError as cause:
        raise ApiError(400, f"The compressed body cannot be read: {cause}.") from None
    return bytes(body)


def _too_large(bytes_max: int) -> ApiError:
    return ApiError(413, f"Payload too large: at most {bytes_max // 1024} KiB are taken, also after decompression.")
