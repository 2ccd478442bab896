"""SPDY/3.1 frames, as far as port-forward uses them: streams with headers, data, their ends, pings.

kubectl from 1.31 on sends them inside WebSocket messages. Windows are not kept: the transport below holds back instead.
Wire: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

FRAME_BYTES_MAX = 1024 * 1024
"""Largest frame taken; a longer one ends the session."""
HEADER_BYTES_MAX = 64 * 1024
FINAL = 1
"""The flag of the last frame of a stream in one direction."""
ID_MAX = 0x7FFFFFFF

_WORDS = """
options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length
content-location content-md5 content-range content-type date etag expect expires from host if-match
if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma
proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade
user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie
keep-alive origin
"""
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritativ"
    "e Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 I"
    "nternal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"
    " 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xm"
    "l,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset="
    "iso-8859-1,utf-,*,enq=0."
)


class Type(IntEnum):
    """Control frames; DATA is our name for the frames that are none."""

    DATA = 0
    OPEN = 1
    REPLY = 2
    RESET = 3
    SETTINGS = 4
    PING = 6
    GO_AWAY = 7
    HEADERS = 8
    WINDOW = 9


class BadFrame(ValueError):
    """What came is no SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: OPEN has *headers*, DATA and PING have *data*, *is_final* says that its sender will send no more."""

    type: Type
    stream: int = 0
    data: bytes = b""
    is_final: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def dictionary() -> bytes:
    """What both ends take for already said when they compress headers (section 2.6.10.1)."""
    words = [word.replace("_", " ").encode() for word in _WORDS.split()]
    return b"".join(struct.pack(">I", len(word)) + word for word in words) + _TEXT.encode()


class Reader:
    """Bytes in, frames out; headers are compressed over the whole session, so one reader a session."""

    def __init__(self) -> None:
        self._rest = b""
        self._inflate = zlib.decompressobj(zdict=dictionary())

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that *data* completes; those without a meaning here are left out. BadFrame when it is no SPDY."""
        self._rest += data
        while len(self._rest) >= 8:
            first, second = struct.unpack(">II", self._rest[:8])
            size, flags = second & 0xFFFFFF, second >> 24
            if size > FRAME_BYTES_MAX:
                raise BadFrame(f"a frame of {size} bytes is too long")
            if len(self._rest) < 8 + size:
                return
            body, self._rest = self._rest[8 : 8 + size], self._rest[8 + size :]
            if (frame := self._frame(first, flags, body)) is not None:
                yield frame

    def _frame(self, first: int, flags: int, body: bytes) -> Frame | None:
        is_final = bool(flags & FINAL)
        if not first >> 31:
            return Frame(Type.DATA, first, body, is_final)
        if (first >> 16) & 0x7FFF != 3:
            raise BadFrame("this is another version of SPDY")
        number = first & 0xFFFF
        if number == Type.OPEN and len(body) >= 10:
            return Frame(Type.OPEN, _id(body), b"", is_final, self._headers(body[10:]))
        if number in {Type.REPLY, Type.HEADERS} and len(body) >= 4:
            # Read even where they say nothing to us: what follows is compressed against them.
            return Frame(Type(number), _id(body), b"", is_final, self._headers(body[4:]))
        if number == Type.RESET and len(body) >= 4:
            return Frame(Type.RESET, _id(body))
        if number == Type.PING and len(body) >= 4:
            return Frame(Type.PING, 0, body[:4])
        return Frame(Type.GO_AWAY) if number == Type.GO_AWAY else None

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflate.decompress(block, HEADER_BYTES_MAX)
            (count,) = struct.unpack_from(">I", plain)
            place, texts = 4, []
            for _ in range(min(count, len(plain)) * 2):
                (size,) = struct.unpack_from(">I", plain, place)
                texts.append(plain[place + 4 : place + 4 + size].decode())
                place += 4 + size
        except (zlib.error, struct.error, UnicodeDecodeError) as cause:
            raise BadFrame(f"a stream's headers cannot be read: {cause}") from cause
        return dict(zip(texts[::2], texts[1::2], strict=True))


class Writer:
    """Frames in, bytes out; one writer a session."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=dictionary())

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> bytes:
        """The answer that *stream* is open."""
        return _control(Type.REPLY, 0, struct.pack(">I", stream) + self._headers(headers or {}))

    def open(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """The wish to open *stream*; clients say it."""
        return _control(Type.OPEN, 0, struct.pack(">IIH", stream, 0, 0) + self._headers(headers))

    def data(self, stream: int, data: bytes, is_final: bool = False) -> bytes:
        """*data* on *stream*."""
        return struct.pack(">II", stream, (FINAL if is_final else 0) << 24 | len(data)) + data

    def reset(self, stream: int) -> bytes:
        """The abrupt end of *stream* (CANCEL)."""
        return _control(Type.RESET, 0, struct.pack(">II", stream, 5))

    def ping(self, data: bytes) -> bytes:
        """The answer to a ping, or one."""
        return _control(Type.PING, 0, data)

    def _headers(self, headers: Mapping[str, str]) -> bytes:
        plain = struct.pack(">I", len(headers))
        for text in (text for pair in headers.items() for text in pair):
            plain += struct.pack(">I", len(text.encode())) + text.encode()
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def _control(type_: Type, flags: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8003, type_, flags << 24 | len(body)) + body


def _id(body: bytes) -> int:
    number: int = struct.unpack_from(">I", body)[0]
    return number & ID_MAX
