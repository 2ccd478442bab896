"""One HTTP library in the house, and the four things every server and client of ours does with it.

`serve` binds loopback; `guard` refuses strange Host and Origin headers (DNS rebinding); `session` knows Service names;
`correlation` carries traceparent, X-Request-Id and X-Order-Id from one call to the next.
"""

import ipaddress
import os
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.typedefs import Handler, Middleware

from oddsock.kit import ids
from oddsock.kit.errors import CannotRun

TRACEPARENT = "traceparent"
REQUEST_ID = "X-Request-Id"
ORDER_ID = "X-Order-Id"
IDEMPOTENCY_KEY = "Idempotency-Key"
CUSTOMER_MESSAGE = "X-Customer-Message"
"""What the checkout page says after an answer, empty when it says nothing: for a customer without a browser."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def correlation(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers an onward call carries: a child of the incoming traceparent and its request id, made if absent."""
    return {
        TRACEPARENT: ids.child_traceparent(headers.get(TRACEPARENT, "")),
        REQUEST_ID: headers.get(REQUEST_ID) or ids.request_id(),
    }


def guard(names: Collection[str] = ()) -> Middleware:
    """Middleware that answers 421 or 403 to a Host or Origin that is neither loopback nor one of *names*."""
    allowed = _LOOPBACK | frozenset(names)

    def is_ours(authority: str) -> bool:
        # A Service's long forms (payment.sock-shop.svc...) count as its short one.
        host = authority if authority.endswith("]") else authority.rsplit(":", 1)[0] if ":" in authority else authority
        return host in allowed or host.split(".", 1)[0] in names

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A literal address needs no DNS, so none can have been rebound.
        if not is_ours(request.host) and not _is_address(request.host):
            raise web.HTTPMisdirectedRequest(text=f"This server does not answer for {request.host}.\n")
        origin = request.headers.get("Origin")
        if origin and not is_ours(urlsplit(origin).netloc):
            raise web.HTTPForbidden(text=f"Requests from {origin} are refused.\n")
        return await handler(request)

    return check


def _is_address(authority: str) -> bool:
    try:
        ipaddress.IPv4Address(authority.partition(":")[0])
    except ValueError:
        return False
    return True


async def serve(
    app: web.Application,
    host: str,
    port: int,
    grace_s: float = 2.0,
    listener: socket.socket | None = None,
    auto_decompress: bool = True,
) -> web.AppRunner:
    """Serve *app* at host:port until the runner's `cleanup`; CannotRun when the port is taken.

    A *listener* that is bound already is served in the place of host:port. Without *auto_decompress* handlers see
    bodies as they were sent.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=grace_s,
        handler_cancellation=True,
        auto_decompress=auto_decompress,
    )
    await runner.setup()
    try:
        if listener is not None:
            await web.SockSite(runner, listener).start()
        else:
            await web.TCPSite(runner, host, port, reuse_address=True).start()
    except OSError as cause:
        await runner.cleanup()
        raise CannotRun(
            f"Port {port} on {host} cannot be listened on: {os.strerror(cause.errno or 0)}.",
            "Stop the program that has it, or choose another port.",
        ) from cause
    return runner


class ServiceResolver(AbstractResolver):
    """Leads Service names to where the cluster really listens, by the file of ODDSOCK_HOSTS; other names to DNS."""

    def __init__(self, hosts: Path | None) -> None:
        self._hosts = hosts
        self._stamp = (0, 0)
        self._table: dict[str, tuple[str, int]] = {}
        self._dns = aiohttp.ThreadedResolver()

    def lookup(self, name: str, port: int) -> tuple[str, int] | None:
        """The real address of Service *name* at *port*, or None when the file does not name it."""
        if self._hosts is None:
            return None
        try:
            found = self._hosts.stat()
        except FileNotFoundError:
            return None
        # Names change as Services come and go; a stat a connection is cheap against a stale address.
        if (stamp := (found.st_mtime_ns, found.st_size)) != self._stamp:
            self._table = _read_hosts(self._hosts.read_text())
            self._stamp = stamp
        return self._table.get(f"{name.split('.', 1)[0]}:{port}")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """One real address for a Service's name, else what DNS says."""
        if found := self.lookup(host, port):
            return [ResolveResult(hostname=host, host=found[0], port=found[1], family=socket.AF_INET, proto=0, flags=0)]
        return await self._dns.resolve(host, port, family)

    async def close(self) -> None:
        """Let the DNS resolver go."""
        await self._dns.close()


def service_resolver() -> ServiceResolver:
    """A resolver over the file that the environment names."""
    hosts = os.environ.get("ODDSOCK_HOSTS")
    return ServiceResolver(Path(hosts) if hosts else None)


def _read_hosts(text: str) -> dict[str, tuple[str, int]]:
    table: dict[str, tuple[str, int]] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        host, _, port = rest.partition(" ")[0].rpartition(":")
        if port.isdigit():
            table[name] = (host, int(port))
    return table


def session(
    timeout_s: float = 5.0, headers: Mapping[str, str] | None = None, cookies: bool = False, kept_s: float = 15.0
) -> aiohttp.ClientSession:
    """A client session with a total deadline of *timeout_s* wall seconds a call that resolves Service names.

    A connection that nobody uses is kept for *kept_s* wall seconds.
    """
    connector = aiohttp.TCPConnector(
        resolver=service_resolver(), use_dns_cache=False, limit=200, keepalive_timeout=kept_s
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.CookieJar(unsafe=True) if cookies else aiohttp.DummyCookieJar(),
    )
