"""One call to Datadog's API: an address that somebody named, two keys, a deadline, a size and a few tries.

Nothing is sent anywhere by default: without an address there is no connection.
"""

import asyncio
import gzip
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from oddsock.clients.answers import explain, read_body
from oddsock.clients.datadog.errors import API, make_refusal
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun, Forbidden, Unreachable, UsageError

SILENCE_S_MAX = 45.0
"""Wall seconds without a byte after which a stream of events counts as broken; ours say something every ten."""

EVENT_BYTES_MAX = 4_000_000
"""The longest event of a stream: a log has at most a mebibyte."""

CALL_S_MAX = 15.0
"""Wall seconds within which one try must be answered."""

TRIES_MAX = 4
"""How often a call is tried that was told to come again, or that met a server in trouble."""

BACKOFF_S = 0.25
BACKOFF_S_MAX = 5.0

GZIP_BYTES_MIN = 1024
"""Bodies below this are sent as they are."""

_SITE = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}$")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Shape = TypeVar("Shape")

Told = tuple[str, bytes]
"""Name and data of one server-sent event."""


@dataclass(frozen=True)
class Address:
    """Where Datadog is: *api* answers questions, *intake* takes logs; both are URLs without a path."""

    api: str
    intake: str
    api_key: str = field(repr=False)
    app_key: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a server of this machine."""
        return urlsplit(self.api).hostname in _LOOPBACK


def make_address(url: str, api_key: str, app_key: str) -> Address:
    """The address of one server for everything; UsageError when *url* is empty or no http URL."""
    if not url:
        raise UsageError(
            "No telemetry address was given, and nothing is sent anywhere by default.",
            "Boot a stack with `oddsock up`, or ask the real Datadog with --datadog.",
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address of a telemetry server.", "Write it as http://127.0.0.1:8126.")
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return Address(api=bare, intake=bare, api_key=api_key, app_key=app_key)


def read_address(environment: Mapping[str, str]) -> Address:
    """The real Datadog of DD_SITE, DD_API_KEY and DD_APP_KEY; UsageError names what is missing or wrong."""
    wanted = ("DD_SITE", "DD_API_KEY", "DD_APP_KEY")
    missing = [name for name in wanted if not environment.get(name)]
    if missing:
        raise UsageError(
            f"The real Datadog needs {', '.join(missing)} in the environment.",
            "Set DD_SITE (such as us5.datadoghq.com), DD_API_KEY and DD_APP_KEY.",
        )
    site, api_key, app_key = (environment[name] for name in wanted)
    if not _SITE.match(site):
        raise UsageError(f"DD_SITE is {site!r}, which is no Datadog site.", "Write it as us5.datadoghq.com.")
    return Address(
        api=f"https://api.{site}", intake=f"https://http-intake.logs.{site}", api_key=api_key, app_key=app_key
    )


class Connection:
    """Calls to *address*; with *read_only* everything that would change something is Forbidden."""

    def __init__(self, address: Address, *, read_only: bool = False, clock: Clock | None = None) -> None:
        self.address = address
        self.read_only = read_only
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let every connection go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        shape: type[Shape],
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        document: object = None,
        what: str = "",
    ) -> Shape:
        """The answer to a question as *shape*; CannotRun when it is none."""
        answer = await self._call(method, self.address.api + path, query=query, document=document, what=what or path)
        return self._read(answer, shape, what or path)

    async def change(
        self, shape: type[Shape], method: str, path: str, document: object, what: str, *, again: bool = False
    ) -> Shape:
        """The answer to a change as *shape*; tried again after trouble only when doing it *again* is harmless."""
        self._refuse_changes(what)
        answer = await self._call(method, self.address.api + path, document=document, what=what, again=again)
        return self._read(answer, shape, what)

    async def follow(
        self, path: str, query: Mapping[str, str], what: str
    ) -> AsyncGenerator[list[tuple[str, bytes]], None]:
        """Server-sent events of *path*, as many at a time as came together, until the server ends them.

        Unreachable when it falls silent, or tells more than EVENT_BYTES_MAX in one event; refusals are those of `ask`.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=CALL_S_MAX, sock_read=SILENCE_S_MAX)
        url = self.address.api + path
        try:
            async with self._open().get(
                url, params=query, headers=self._keys(), timeout=timeout, allow_redirects=False
            ) as got:
                if got.status >= 300:
                    raise make_refusal(self.address.api, what, got.status, await read_body(got))
                waiting = b""
                async for chunk in got.content.iter_any():
                    *whole, waiting = (waiting + chunk).split(b"\n\n")
                    if len(waiting) > EVENT_BYTES_MAX:
                        raise Unreachable(API, self.address.api, f"{what}: an event does not end")
                    if events := [event for event in map(_read_event, whole) if event[1]]:
                        yield events
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            raise Unreachable(API, self.address.api, explain(cause), "Is the stack up?") from cause

    async def ship(self, path: str, body: bytes, what: str, *, to_intake: bool = False, packed: bool = True) -> None:
        """Send *body*, JSON, at least once; *packed* allows gzip."""
        self._refuse_changes(what)
        base = self.address.intake if to_intake else self.address.api
        await self._call("POST", base + path, body=body, what=what, packed=packed)

    def _refuse_changes(self, what: str) -> None:
        if self.read_only:
            raise Forbidden(f"This connection to {self.address.api} only reads, so {what} was not sent.")

    async def _call(
        self,
        method: str,
        url: str,
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        document: object = None,
        body: bytes | None = None,
        packed: bool = True,
        again: bool = True,
    ) -> bytes:
        headers = {**self._keys(), "Accept": "application/json"}
        if document is not None:
            body = msgspec.json.encode(document)
        if body is not None:
            headers["Content-Type"] = "application/json"
            if packed and len(body) >= GZIP_BYTES_MIN and (document is None):
                body = await asyncio.to_thread(gzip.compress, body, 1)
                headers["Content-Encoding"] = "gzip"
        for tried in range(1, TRIES_MAX + 1):
            pause_s = min(BACKOFF_S * 2 ** (tried - 1), BACKOFF_S_MAX)
            try:
                status, answer, told_s = await self._try(method, url, query, body, headers)
            except (aiohttp.ClientError, TimeoutError, OSError) as cause:
                unsent = isinstance(cause, aiohttp.ClientConnectorError)
                if tried == TRIES_MAX or not (again or unsent):
                    hint = "Is the stack up, and the address right?"
                    raise Unreachable(API, self.address.api, explain(cause), hint) from cause
            else:
                if status < 300:
                    return answer
                may_come_again = status == 429 or (status >= 500 and again)
                if tried == TRIES_MAX or not may_come_again:
                    raise make_refusal(self.address.api, what, status, answer)
                pause_s = min(told_s or pause_s, BACKOFF_S_MAX)
            await self._clock.sleep(pause_s * self._clock.speed)
        raise AssertionError("the last try returns or raises")

    async def _try(
        self, method: str, url: str, query: Mapping[str, str] | None, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes, float]:
        """Status, body, and the wall seconds after which the server says to come again, 0 when it does not say."""
        async with self._open().request(
            method, url, params=query, data=body, headers=headers, allow_redirects=False
        ) as got:
            told = got.headers.get("Retry-After") or got.headers.get("X-RateLimit-Reset") or ""
            return got.status, await read_body(got), float(told) if told.isdigit() else 0.0

    def _keys(self) -> dict[str, str]:
        return {"DD-API-KEY": self.address.api_key, "DD-APPLICATION-KEY": self.address.app_key}

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A proxy of the environment is for the real Datadog, never between us and a server of this machine.
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=CALL_S_MAX),
                trust_env=not self.address.is_local,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _read(self, answer: bytes, shape: type[Shape], what: str) -> Shape:
        try:
            return msgspec.json.decode(answer or b"null", type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            raise CannotRun(f"{self.address.api} answered {what} with something else: {cause}.") from cause


def _read_event(block: bytes) -> Told:
    """Name and data of one server-sent event; no data where it is a comment."""
    name, data = "message", b""
    for line in block.split(b"\n"):
        if line.startswith(b"event: "):
            name = line[7:].decode()
        elif line.startswith(b"data: "):
            data = line[6:]
    return name, data
