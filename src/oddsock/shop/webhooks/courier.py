"""The courier: carries an outbox to one address until every webhook is taken or dead.

At least once: a death after the other side took a webhook, and before that is written, sends it again under its id.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import aiohttp

from oddsock.kit.clock import Clock
from oddsock.shop.calls import NoAnswer, send
from oddsock.shop.fault_points import Dropped, reach
from oddsock.shop.webhooks.outbox import Outbox, Webhook

POLL_WALL_S = 0.05
"""How long the courier waits before it looks again while something waits, in wall seconds."""

AT_ONCE_MAX = 8
"""How many webhooks are under way at once."""

Sign = Callable[[str, str, datetime], dict[str, str]]


class Carries(Protocol):
    """How a webhook gets to the other side."""

    async def post(self, body: str, headers: dict[str, str]) -> int:
        """The status of the answer; NoAnswer."""
        ...


class Road:
    """The way to one URL."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client = client
        self._url = url

    async def post(self, body: str, headers: dict[str, str]) -> int:
        """POST *body* as JSON; the status of the answer; NoAnswer."""
        typed = {**headers, "Content-Type": "application/json"}
        return (await send(self._client, "POST", self._url, typed, body.encode())).status


class Courier:
    """Carries *outbox* over *road*, each attempt signed anew by *sign*."""

    def __init__(self, outbox: Outbox, road: Carries, sign: Sign, clock: Clock) -> None:
        self._outbox = outbox
        self._road = road
        self._sign = sign
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def deliver_due(self) -> int:
        """Try each row whose time has come once; how many there were."""
        due = self._outbox.due()
        for first in range(0, len(due), AT_ONCE_MAX):
            await asyncio.gather(*(self._deliver(webhook) for webhook in due[first : first + AT_ONCE_MAX]))
        return len(due)

    async def _deliver(self, webhook: Webhook) -> None:
        headers = self._sign(webhook.id, webhook.body, self._clock.now())
        try:
            status = await self._road.post(webhook.body, headers)
            if 200 <= status < 300:
                # A fault here is a duplicate there: the other side has it, and nobody wrote that down.
                await reach("webhook-duplicate", webhook_id=webhook.id)
                self._outbox.mark_taken(webhook)
                return
            said = f"answered {status}"
        except NoAnswer as cause:
            said = cause.text
        except Dropped:
            # Otherwise it would end the courier, as if whoever owns it had cancelled it.
            said = "dropped by a fault point"
        self._outbox.mark_failed(webhook, said)

    def start(self) -> None:
        """Carry from now on, beside everything else."""
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Stop; what was under way is sent again by the next process."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._outbox.changed.clear()
            try:
                if await self.deliver_due():
                    continue
                is_awaited = self._outbox.waiting() > 0
            except sqlite3.Error:
                # A book that fails once (a full disk) may not end the courier; what is not written down is sent again.
                is_awaited = True
            if is_awaited:
                await self._clock.sleep(POLL_WALL_S * self._clock.speed)
            else:
                await self._outbox.changed.wait()
