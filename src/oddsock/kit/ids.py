"""Ids: Mongo-like object ids for orders and customers, request ids, W3C trace parents."""

import hashlib
import itertools
import os
import secrets
import time
import uuid

_process = ""
_counter = itertools.count()


def _begin() -> None:
    global _process, _counter
    _process = secrets.token_hex(5)
    _counter = itertools.count(int.from_bytes(os.urandom(3), "big"))


_begin()
# A fork is another process, and its ids may not be its parent's.
os.register_at_fork(after_in_child=_begin)


def object_id() -> str:
    """24 hex digits: seconds since 1970, five bytes of this process, a counter (as MongoDB makes them)."""
    return f"{int(time.time()):08x}{_process}{next(_counter) & 0xFFFFFF:06x}"


def request_id(operation: str = "") -> str:
    """A fresh X-Request-Id; its last group is always the same for the same *operation*, where one is named.

    >>> request_id("a0007")[-12:] == request_id("a0007")[-12:], request_id("a0007") == request_id("a0007")
    (True, False)
    """
    made = str(uuid.uuid4())
    return made[:24] + hashlib.blake2b(operation.encode(), digest_size=6).hexdigest() if operation else made


def traceparent() -> str:
    """A fresh W3C traceparent: version 00, 16 bytes of trace id, 8 bytes of parent id, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_traceparent(parent: str) -> str:
    """The same trace with a new parent id; a fresh one when *parent* is empty or malformed."""
    parts = parent.split("-")
    if len(parts) != 4 or len(parts[1]) != 32:
        return traceparent()
    return f"{parts[0]}-{parts[1]}-{secrets.token_hex(8)}-{parts[3]}"


def trace_id(parent: str) -> str:
    """The 32 hex digits of the trace in *parent*, or an empty string."""
    parts = parent.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else ""
