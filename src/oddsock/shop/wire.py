"""Bodies as the original's frameworks shape them, and the pages of a book.

Go services write an error's JSON under `text/plain` (the header is set too late there); Spring gives timestamp, status,
error, exception, message, path and closes the connection. Source: the originals' encodeError and captured answers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from oddsock.kit.clock import Clock

JSON = "application/json; charset=utf-8"
SPRING_JSON = "application/json;charset=UTF-8"
HAL_JSON = "application/hal+json"
PLAIN = "text/plain; charset=utf-8"

ROWS_DEFAULT = 500
ROWS_MAX = 5000

T = TypeVar("T")


def answer(body: object, status: int = 200, content_type: str = JSON) -> web.Response:
    """*body* as compact JSON."""
    return web.Response(body=msgspec.json.encode(body), status=status, headers={"Content-Type": content_type})


def go_error(message: str, status: int = 500) -> web.Response:
    """An error of a Go service."""
    text = HTTPStatus(status).phrase
    return answer({"error": message, "status_code": status, "status_text": text}, status, PLAIN)


def spring_error(request: web.Request, clock: Clock, status: int, exception: str, message: str) -> web.Response:
    """An error of a Spring service; the connection closes behind it."""
    body = {
        "timestamp": round(clock.now().timestamp() * 1000),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "exception": exception,
        "message": message,
        "path": request.path,
    }
    response = answer(body, status, SPRING_JSON)
    response.force_close()
    return response


def java_date(at: datetime) -> str:
    """An instant as Jackson writes a Date: milliseconds and +0000.

    >>> from datetime import UTC
    >>> java_date(datetime(2025, 10, 18, 9, 24, 28, 840000, tzinfo=UTC))
    '2025-10-18T09:24:28.840+0000'
    """
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def health(
    parts: Sequence[tuple[str, bool]], clock: Clock, java: bool = False, states: Mapping[str, str] | None = None
) -> web.Response:
    """The health body of *parts* (name, whether it works): always 200, `time` from Go, `date` from Java.

    *states* are parts that work whatever state they are in, and tell it: circuit breakers.
    """
    now = clock.now()
    if java:
        when = {"date": java_date(now).replace("+0000", "Z")}
    else:
        since = clock.monotonic()
        when = {"time": now.strftime("%Y-%m-%d %H:%M:%S.%f") + f" +0000 UTC m=+{since:.9f}"}
    entries = [{"service": name, "status": "OK" if works else "err", **when} for name, works in parts]
    entries += [{"service": name, "status": "OK", "state": state, **when} for name, state in (states or {}).items()]
    return answer({"health": entries}, content_type=SPRING_JSON if java else JSON)


def whole_number(request: web.Request, name: str, default: int, lowest: int, highest: int) -> int:
    """Query value *name* held between *lowest* and *highest*; 400 when it is no whole number."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.lstrip("-").isdigit():
        raise web.HTTPBadRequest(text=f"{name}={text} is not a whole number.\n")
    return min(max(int(text), lowest), highest)


def page_of(request: web.Request) -> tuple[int, int]:
    """`after` (the last seq seen, default 0) and `limit` (default 500, at most 5000) of a book's page."""
    return whole_number(request, "after", 0, 0, 2**62), whole_number(request, "limit", ROWS_DEFAULT, 1, ROWS_MAX)


def book_page(name: str, rows: Sequence[msgspec.Struct], limit: int) -> web.Response:
    """A page of a book from up to *limit* + 1 *rows*: `next` is the last seq while more follow, else null."""
    shown = rows[:limit]
    after = getattr(shown[-1], "seq", None) if len(rows) > limit else None
    return answer({name: shown, "next": after})


async def read_body(request: web.Request, shape: type[T]) -> T:
    """The request's JSON body as *shape*; msgspec.DecodeError when it is not that."""
    return msgspec.json.decode(await request.read(), type=shape, strict=False)
