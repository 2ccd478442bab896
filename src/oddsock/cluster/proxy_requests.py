"""Where HTTP/1.1 requests begin and end in the bytes a client sends: what a fault for one request needs to know.

Wire: RFC 9112, sections 6 and 7. Bytes are passed on as they came; what is no HTTP/1.1 is one piece without an end.
"""

from dataclasses import dataclass

HEAD_BYTES_MAX = 64 * 1024
"""Longest head of a request; with a longer one the connection is taken for something other than HTTP."""
_METHOD_BYTES_MAX = 20
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of one request: with its whole head when it *begins* one, with its last byte when it *ends* one."""

    data: bytes
    begins: bool = False
    ends: bool = False
    order_id: str = ""
    """The X-Order-Id and X-Request-Id of the request that begins; empty without one."""
    request_id: str = ""


class RequestReader:
    """Cuts the stream of one connection at the bounds of its requests."""

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._chunks: _Chunks | None = None
        self._is_foreign = False

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that *data* completes; a head is kept back until it is whole."""
        pieces: list[Piece] = []
        while data:
            if self._is_foreign:
                pieces.append(Piece(data))
                break
            if self._left:
                part, data = data[: self._left], data[self._left :]
                self._left -= len(part)
                pieces.append(Piece(part, ends=not self._left))
            elif self._chunks is not None:
                count = self._chunks.feed(data)
                is_over = self._chunks.is_over
                pieces.append(Piece(data[:count], ends=is_over))
                data = data[count:]
                if is_over:
                    self._chunks = None
            else:
                data = self._read_head(data, pieces)
        return pieces

    def _read_head(self, data: bytes, pieces: list[Piece]) -> bytes:
        data, self._buffer = self._buffer + data, b""
        end = data.find(_END)
        if end < 0:
            if len(data) > HEAD_BYTES_MAX or not _may_be_http(data):
                self._is_foreign = True
                return data
            self._buffer = data
            return b""
        head, rest = data[: end + 4], data[end + 4 :]
        fields = _fields(head)
        if fields is None or "upgrade" in fields or head.startswith(b"CONNECT "):
            self._is_foreign = True
            # The request itself is one; what follows it is not.
            pieces.append(_begin(head, fields) if fields is not None else Piece(head))
            return rest
        length = fields.get("content-length", "0")
        if "chunked" in fields.get("transfer-encoding", "").lower():
            self._chunks = _Chunks()
        elif length.isdigit():
            self._left = int(length)
        else:
            self._is_foreign = True
        has_body = bool(self._left) or self._chunks is not None
        pieces.append(_begin(head, fields, ends=not has_body and not self._is_foreign))
        return rest


class _Chunks:
    """Finds the end of a chunked body."""

    def __init__(self) -> None:
        self.is_over = False
        self._skip = 0
        self._line = b""
        self._is_last = False

    def feed(self, data: bytes) -> int:
        """How many bytes of *data* belong to the body."""
        at = 0
        while at < len(data) and not self.is_over:
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            end = data.find(b"\n", at)
            stop = len(data) if end < 0 else end + 1
            self._line += data[at:stop]
            at = stop
            if end >= 0:
                self._take_line()
        return at

    def _take_line(self) -> None:
        line, self._line = self._line.strip(), b""
        if self._is_last:
            self.is_over = not line
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            # Broken by the client: the pod will say so, and nothing after it can be told apart.
            size = 0
        self._is_last = size == 0
        self._skip = size + 2 if size else 0


def _may_be_http(data: bytes) -> bool:
    method, space, _ = data[: _METHOD_BYTES_MAX + 1].partition(b" ")
    return len(method) <= _METHOD_BYTES_MAX and method.strip(b"\r\n").isalpha() and (bool(space) or len(data) <= 20)


def _begin(head: bytes, fields: dict[str, str], ends: bool = False) -> Piece:
    return Piece(head, True, ends, fields.get("x-order-id", ""), fields.get("x-request-id", ""))


def _fields(head: bytes) -> dict[str, str] | None:
    lines = head.decode("latin-1").strip("\r\n").split("\r\n")
    if " HTTP/1." not in lines[0]:
        return None
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return fields
