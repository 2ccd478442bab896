"""A connection to one port of one pod, as port-forward uses it: both directions, their ends, and why it failed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from oddsock.cluster.addresses import pod_address
from oddsock.cluster.kinds import Obj

BLOCK_BYTES = 32 * 1024
CONNECT_S_MAX = 5.0
"""Wall seconds a pod may take to accept."""
WRITE_S_MAX = 30.0
"""Wall seconds a pod may leave what it was sent unread before the connection is given up."""


class PodLink:
    """One connection; `run` opens it and returns when it is over."""

    def __init__(self, pod: Obj, port: int) -> None:
        self._pod = pod
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._is_open = asyncio.Event()
        self._ends_input = False

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> str:
        """Give *send* everything that the pod says; the sentence of what went wrong, empty when nothing did."""
        host, port = pod_address(self._pod, self._port)
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                reader, self._writer = await asyncio.open_connection(host, port)
        except TimeoutError:
            return self._failure("i/o timeout")
        except OSError as cause:
            return self._failure("connection refused" if isinstance(cause, ConnectionRefusedError) else str(cause))
        finally:
            self._is_open.set()
        if self._ends_input:
            self.end_input()
        try:
            while data := await reader.read(BLOCK_BYTES):
                await send(data)
        except OSError as cause:
            return self._failure(str(cause))
        finally:
            self.close()
        return ""

    async def write(self, data: bytes) -> None:
        """Send *data* to the pod; a connection that is over, or whose pod reads nothing any more, takes no more."""
        await self._is_open.wait()
        if self._writer is None or self._writer.is_closing():
            return
        self._writer.write(data)
        try:
            # The pod may have gone: its end of the connection tells so.
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(WRITE_S_MAX):
                    await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()

    def end_input(self) -> None:
        """Let the pod read the end of what it is sent."""
        self._ends_input = True
        if self._writer is not None and self._writer.can_write_eof() and not self._writer.is_closing():
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    def close(self) -> None:
        """End the connection in both directions."""
        if self._writer is not None:
            self._writer.close()

    def _failure(self, why: str) -> str:
        meta = self._pod["metadata"]
        return f"error forwarding port {self._port} to pod {meta['namespace']}/{meta['name']}: {why}"
