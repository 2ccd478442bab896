"""One port of one Service: accepts on listeners that it is given only while somebody is ready, and hands on in turn.

Connections that are open stay open when their pod becomes unready and end with their pod. Known gap: a caller whose
connection waits in the backlog at the very moment the listener closes, or whose pod died before it was dropped, is
reset instead of refused.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from oddsock.cluster.addresses import Address
from oddsock.cluster.listeners import BACKLOG
from oddsock.cluster.proxy_faults import Caller, Decider, Verdict, is_connected_by
from oddsock.cluster.proxy_pair import Pair, reset_socket
from oddsock.cluster.proxy_wire import Rule
from oddsock.cluster.traffic import Traffic
from oddsock.kit.clock import SystemClock

CONNECTIONS_MAX = 1024
"""Open connections of one Service port; more are reset."""
CONNECT_S_MAX = 2.0
"""Wall seconds a pod may take to accept."""

_log = logging.getLogger(__name__)


class ServiceProxy:
    """Hands connections of its listeners to its endpoints; counts into *traffic*, tells *on_hit* of each fault."""

    def __init__(self, traffic: dict[Address, Traffic], on_hit: Callable[[str], None]) -> None:
        self._traffic = traffic
        self._endpoints: list[Address] = []
        self._turn = 0
        self._is_http = False
        self._listeners: list[socket.socket] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._pairs: set[Pair] = set()
        self._decider = Decider(on_hit, is_connected_by)
        self._clock = SystemClock()

    def set_listeners(self, listeners: Sequence[socket.socket]) -> None:
        """Accept on *listeners*, which do not block, in place of those before, which are closed."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)
            listener.close()
        self._listeners = list(listeners)
        for listener in listeners:
            loop.add_reader(listener, self._accept, listener)

    def set_endpoints(self, endpoints: Sequence[Address], is_http: bool = False) -> None:
        """Serve *endpoints* from now on, with a look at each request when it *is_http*."""
        self._endpoints = list(endpoints)
        self._is_http = is_http

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Let *rules* and no others meet what comes from now on; open connections too."""
        self._decider.set_rules(rules)
        for pair in self._pairs:
            pair.hold(self._decider.is_black_hole)

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self.set_listeners([])
        for task in self._opening:
            task.cancel()
        for pair in list(self._pairs):
            pair.abort()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                client, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as cause:
                if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    # Out of file descriptors: leave the rest in the backlog, some will be closed.
                    _log.warning("a connection cannot be accepted: %s", cause)
                else:
                    # Shut by the control plane, whose word that it is gone is on its way.
                    asyncio.get_running_loop().remove_reader(listener)
                return
            if len(self._pairs) + len(self._opening) >= CONNECTIONS_MAX:
                reset_socket(client)
                continue
            client.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._join(client))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _join(self, client: socket.socket) -> None:
        joined = False
        try:
            caller = Caller(client.getpeername(), client.getsockname())
            verdict = Verdict() if self._is_http else self._decider.decide(caller, is_request=False)
            if verdict.resets:
                return
            if verdict.delay_s:
                await self._clock.sleep(verdict.delay_s)
            joined = await self._connect(client, caller, verdict)
        except OSError as cause:
            _log.debug("a caller went before it was served: %s", cause)
        finally:
            if not joined:
                reset_socket(client)

    async def _connect(self, client: socket.socket, caller: Caller, verdict: Verdict) -> bool:
        loop = asyncio.get_running_loop()
        for _ in range(len(self._endpoints)):
            if not self._endpoints:
                break
            endpoint = self._endpoints[self._turn % len(self._endpoints)]
            self._turn += 1
            decide = (lambda piece: self._decider.decide(caller, True, piece)) if self._is_http else None
            pair = Pair(endpoint, self._carried, self._pairs, decide)
            pair.verdict = verdict
            # A hole that opened while this caller was on its way in holds it too.
            pair.hold(self._decider.is_black_hole)
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    await loop.create_connection(pair.pod_end, *endpoint)
            except (OSError, TimeoutError):
                pair.abort()
                continue
            self._of(endpoint).connections += 1
            await loop.connect_accepted_socket(pair.client_end, client)
            return True
        return False

    def _of(self, endpoint: Address) -> Traffic:
        return self._traffic.setdefault(endpoint, Traffic())

    def _carried(self, endpoint: Address, received: int, sent: int) -> None:
        traffic = self._of(endpoint)
        traffic.received += received
        traffic.sent += sent
