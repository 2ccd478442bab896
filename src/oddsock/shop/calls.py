"""One call to another service of the shop, and, when no answer comes, why: refused, timed out, reset, unknown name.

A refusal is only what the kernel calls one (ECONNREFUSED): nobody listens, so nothing can have happened over there.
After a time-out or a reset something may have happened.
"""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from oddsock.kit import http

CALL_PLAN_S = 5.0
"""How long a call may take, in plan seconds: the original's http.timeout."""

CALL_WALL_S_MIN = 1.0
"""A call gets at least this many wall seconds, however fast a plan runs."""

KEPT_WALL_S = 1.0
"""How long a connection is kept after an answer, in wall seconds: whoever has just answered well may be asked on it."""

URLS_MAX = 64
"""How many addresses are kept read: those of calls under a key are few."""

REFUSED = "refused"
TIMED_OUT = "timed out"
RESET = "reset"
UNKNOWN_NAME = "unknown name"
BROKEN = "broken"
OPEN = "open"
"""The call was not made: a breaker is open, or there is no room."""

RETRIABLE_4XX = frozenset({408, 409, 425, 429})

T = TypeVar("T")


class NoAnswer(Exception):
    """A call that got no usable answer; *text* is the cause as logs and journals give it.

    *status* is what came in its place, 0 when nothing came; *retry_after_s* how long to wait by the other side's word.
    """

    def __init__(
        self, kind: str, text: str, host: str = "", port: int = 0, status: int = 0, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.host = host
        self.port = port
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def is_final(self) -> bool:
        """Whether the same call would get the same answer again: a 4xx but 408, 409, 425 and 429."""
        return 400 <= self.status < 500 and self.status not in RETRIABLE_4XX

    @property
    def is_overload(self) -> bool:
        """Whether the other side answered that it has too much to do: 429, 503."""
        return self.status in (429, 503)

    @property
    def is_harmless(self) -> bool:
        """Whether surely nothing happened on the other side: the call never got there, or was turned away."""
        return self.kind in (REFUSED, UNKNOWN_NAME, OPEN) or self.is_overload


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and content type of an answer; *retry_after_s* as its Retry-After says, else 0."""

    status: int
    body: bytes
    content_type: str = ""
    retry_after_s: float = 0.0

    def read(self, shape: type[T]) -> T:
        """The body as *shape*; NoAnswer when it is not that."""
        try:
            return msgspec.json.decode(self.body, type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            raise NoAnswer(BROKEN, f"unreadable answer: {cause}") from cause


def call_wall_s(speed: float, plan_s: float = CALL_PLAN_S, wall_s_min: float = CALL_WALL_S_MIN) -> float:
    """The deadline of a call in wall seconds at *speed*.

    >>> call_wall_s(1.0), call_wall_s(2.0), call_wall_s(30.0)
    (5.0, 2.5, 1.0)
    """
    return max(wall_s_min, plan_s / speed)


def retry_after_s(text: str) -> float:
    """The seconds of a Retry-After header, 0 for a date or anything else: our own backoff then rules.

    >>> retry_after_s("2"), retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT"), retry_after_s("")
    (2.0, 0.0, 0.0)
    """
    return float(text) if text.isdecimal() else 0.0


def session(timeout_s: float) -> aiohttp.ClientSession:
    """A session whose calls open a connection each.

    A kept connection to a service that has just died would look like a reset where the truth is a refusal.
    """
    return http.session(timeout_s, headers={"Connection": "close"})


class Lines:
    """How orders calls: a connection each, or, under an idempotency key, one that answered a moment ago.

    A kept connection to a service that dies just now looks like a reset where the truth is a refusal, which leaves the
    doubt whether the call had its effect. Under a key that doubt costs nothing: the same call again has it once.
    """

    def __init__(self, timeout_s: float) -> None:
        self.single = session(timeout_s)
        self._kept = http.session(timeout_s, kept_s=KEPT_WALL_S)
        self._resolver = http.service_resolver()

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: object = None, *, keyed: bool = False
    ) -> Answer:
        """As `call`; *keyed* says that the call may be made twice."""
        if not keyed:
            return await call(self.single, method, url, headers, body)
        named = _read(url)
        led = self._resolver.lookup(named.host or "", named.port or 80)
        if led is None:
            return await call(self._kept, method, named, headers, body)
        # Led to its address here and not in the connector, whose kept connections would outlive a Service that moved.
        return await call(self._kept, method, _lead(named, *led), {**headers, "Host": named.authority}, body)

    async def close(self) -> None:
        """Let every connection go."""
        await self.single.close()
        await self._kept.close()
        await self._resolver.close()


@lru_cache(maxsize=URLS_MAX)
def _read(url: str) -> URL:
    return URL(url)


@lru_cache(maxsize=URLS_MAX)
def _lead(url: URL, host: str, port: int) -> URL:
    return url.with_host(host).with_port(port)


async def call(
    client: aiohttp.ClientSession, method: str, url: str | URL, headers: Mapping[str, str], body: object = None
) -> Answer:
    """The answer to *method* *url*, whatever its status; *body* goes as JSON. NoAnswer when none came."""
    sent = dict(headers)
    data: bytes | None = None
    if body is not None:
        data = msgspec.json.encode(body)
        sent["Content-Type"] = "application/json"
    return await send(client, method, url, sent, data)


async def send(
    client: aiohttp.ClientSession, method: str, url: str | URL, headers: Mapping[str, str], data: bytes | None = None
) -> Answer:
    """The answer to *method* *url* with the body *data* as it is, whatever its status. NoAnswer when none came."""
    try:
        async with client.request(method, url, headers=headers, data=data, allow_redirects=False) as response:
            came = response.headers
            content_type, wait_s = came.get("Content-Type", ""), retry_after_s(came.get("Retry-After", ""))
            return Answer(response.status, await response.read(), content_type, wait_s)
    except aiohttp.ClientConnectorDNSError as cause:
        raise NoAnswer(UNKNOWN_NAME, f"{cause.host}: Name or service not known", cause.host, cause.port or 0) from cause
    except aiohttp.ClientConnectorError as cause:
        raise _not_connected(cause) from cause
    except TimeoutError as cause:
        raise NoAnswer(TIMED_OUT, "Read timed out") from cause
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as cause:
        raise NoAnswer(RESET, "Connection reset") from cause
    except (aiohttp.ClientError, ValueError) as cause:
        raise NoAnswer(BROKEN, str(cause)) from cause


def _not_connected(cause: aiohttp.ClientConnectorError) -> NoAnswer:
    number = cause.os_error.errno or 0
    if number == errno.ECONNREFUSED:
        return NoAnswer(REFUSED, "Connection refused", cause.host, cause.port or 0)
    if number == errno.ETIMEDOUT:
        return NoAnswer(TIMED_OUT, "connect timed out", cause.host, cause.port or 0)
    return NoAnswer(BROKEN, os.strerror(number), cause.host, cause.port or 0)
