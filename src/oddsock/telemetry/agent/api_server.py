"""Questions to the Kubernetes API of the cluster that is read: objects as they come, and watches as changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from oddsock.clients.kubernetes.connection import address_of, open_raw, read_config
from oddsock.clients.kubernetes.errors import API, asking
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import CannotRun, Unreachable

CALL_S_MAX = 10.0
"""Wall seconds one question may take."""

WATCH_S = 300
"""Wall seconds after which a watch is begun anew."""

PAGE_ROWS = 500
_POLL_S = 0.05

Obj = dict[str, Any]


class ApiServer:
    """One API server, asked with the account of a kubeconfig."""

    def __init__(self, client: httpx2.AsyncClient, server: str) -> None:
        self._client = client
        self.server = server

    @classmethod
    async def connect(cls, kubeconfig: Path, context: str | None, wait_s_max: float, clock: Clock) -> "ApiServer":
        """The server of *kubeconfig*, once that file is there; CannotRun after *wait_s_max* wall seconds without it."""

        async def is_there() -> bool:
            return kubeconfig.exists()

        if not await wait_for(is_there, clock, wait_s_max * clock.speed, _POLL_S * clock.speed):
            raise CannotRun(f"There is no kubeconfig {kubeconfig}.", "Start the cluster, or name another file.")
        config = read_config(kubeconfig, context)
        return cls(open_raw(config), address_of(config))

    async def close(self) -> None:
        """Let every connection go."""
        await self._client.aclose()

    async def get(self, path: str) -> Obj:
        """The JSON object at *path*; Unreachable, Forbidden or CannotRun."""
        async with asking(self.server, path):
            answer = await self._client.get(path, timeout=CALL_S_MAX)
            answer.raise_for_status()
            return _decode(answer.content)

    async def items(self, path: str) -> list[Obj]:
        """Every object of the collection at *path*, page by page."""
        found, _ = await self.listed(path)
        return found

    async def listed(self, path: str) -> tuple[list[Obj], str]:
        """Every object of the collection at *path*, and the resourceVersion that a watch goes on from."""
        rows: list[Obj] = []
        token, version = "", ""
        while True:
            page = await self.get(f"{path}?limit={PAGE_ROWS}" + (f"&continue={token}" if token else ""))
            rows += page.get("items") or []
            meta = page.get("metadata") or {}
            token, version = meta.get("continue") or "", str(meta.get("resourceVersion") or version)
            if not token:
                return rows, version

    async def text(self, path: str, deadline_s: float = CALL_S_MAX) -> tuple[int, str]:
        """Status and text of *path*, whatever they are; Unreachable when the API server itself does not answer."""
        async with asking(self.server, path):
            answer = await self._client.get(path, timeout=deadline_s)
            return answer.status_code, answer.text

    async def changes(self, path: str, version: str) -> AsyncIterator[tuple[str, Obj]]:
        """What happens to the collection at *path* since *version*: (ADDED, MODIFIED or DELETED, object).

        Ends when the server ends it, by time or because *version* is too old; Unreachable when it breaks.
        """
        query = f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={WATCH_S}"
        timeout = httpx2.Timeout(CALL_S_MAX, read=WATCH_S + CALL_S_MAX)
        try:
            async with self._client.stream("GET", query, timeout=timeout) as answer:
                if answer.status_code != 200:
                    raise Unreachable(API, self.server, f"the watch of {path} was answered {answer.status_code}")
                async for line in answer.aiter_lines():
                    if not line.strip():
                        continue
                    change = _decode(line.encode())
                    if change.get("type") == "ERROR":
                        return
                    if change.get("type") != "BOOKMARK":
                        yield str(change.get("type")), change["object"]
        except httpx2.HTTPError as cause:
            raise Unreachable(API, self.server, str(cause) or type(cause).__name__) from cause


async def pause(clock: Clock, wall_s: float) -> None:
    """Return after *wall_s* wall seconds."""
    await clock.sleep(wall_s * clock.speed)


def backoff_s(failures: int, first_s: float = 0.25, most_s: float = 5.0) -> float:
    """Wall seconds to wait after so many *failures* in a row (from 1).

    >>> [backoff_s(n) for n in (1, 2, 3, 9)]
    [0.25, 0.5, 1.0, 5.0]
    """
    return float(min(first_s * 2 ** min(failures - 1, 16), most_s))


def _decode(text: bytes) -> Obj:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise CannotRun(f"The API server answered with something else than JSON: {cause}.") from cause


async def end(task: "asyncio.Task[Any]") -> None:
    """Cancel *task* and wait until it is over."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
