"""The postman: brings the notices of the outbox to the mail server, again until it has taken them.

A letter is settled when the server has said yes; a death in between sends it once more, and its Message-ID lets the
mailbox keep one. Letters of one order go one after the other, so that the last mail is about the last event.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.mail import NoticeMail, send_notice
from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import OddsockError, Unreachable
from oddsock.kit.http import ServiceResolver
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.notices import KIND, read
from oddsock.shop.orders.records import Letter
from oddsock.shop.orders.store import OrdersStore

LETTERS_A_TURN = 32
POLL_S = 0.5
"""How often an idle postman looks into the outbox, in plan seconds, and never more often than POLL_WALL_S."""

POLL_WALL_S = 0.05
LEASE_WALL_S = 60.0
"""How long a letter is in the hands of the postman who took it, in wall seconds; a dead one's are free behind that."""

MAIL_SERVER = "mailbox:25"
"""Where notices go; the environment's MAIL_SERVER names another."""

Send = Callable[[NoticeMail], Awaitable[object]]


class Postman:
    """Delivers notices with *send*; `work` runs until it is cancelled."""

    def __init__(self, store: OrdersStore, clock: Clock, narration: Narration, send: Send, holder: str) -> None:
        self._store = store
        self._clock = clock
        self._narration = narration
        self._send = send
        self._holder = holder
        self.lease_wall_s = LEASE_WALL_S
        self._backoff = Backoff(1.0, 30.0)
        self._delivered: list[int] = []
        self._postponed: dict[int, str] = {}

    async def work(self) -> None:
        """Deliver what is written, as it is written."""
        while True:
            try:
                delivered = await self.turn()
            except Exception as cause:  # noqa: BLE001  # A store that fails once (a full disk) may not end the post.
                self._narration.broke_off("", cause)
                delivered = 0
            if not delivered:
                await self._clock.sleep(max(POLL_S, POLL_WALL_S * self._clock.speed))

    async def turn(self) -> int:
        """Deliver what is due; answers how many letters were."""
        await self._write_down()
        now = self._clock.now()
        until = iso(now + timedelta(seconds=self.lease_wall_s))
        letters = await self._store.claim_letters(KIND, self._holder, iso(now), until, LETTERS_A_TURN)
        await asyncio.gather(*(self._deliver(letter) for letter in letters))
        delivered = len(self._delivered)
        await self._write_down()
        return delivered

    async def _deliver(self, letter: Letter) -> None:
        try:
            await self._send(read(letter))
        except OddsockError as cause:
            self._narration.not_mailed(letter.order_id, letter.event, cause)
            pause_s = self._backoff.pause_s(letter.attempts + 1) / self._clock.speed
            self._postponed[letter.id] = iso(self._clock.now() + timedelta(seconds=pause_s))
        else:
            self._delivered.append(letter.id)

    async def _write_down(self) -> None:
        """Write what became of the letters; what could not be written is, the next time."""
        if self._delivered:
            await self._store.settle_letters(self._delivered, iso(self._clock.now()))
            self._delivered.clear()
        while self._postponed:
            letter_id, due_at = next(iter(self._postponed.items()))
            await self._store.postpone_letter(letter_id, due_at)
            del self._postponed[letter_id]


def by_smtp(clock: Clock, environment: Mapping[str, str] = os.environ) -> Send:
    """Sends to the mail server that the environment names, led to its real address like any Service."""
    hosts = environment.get("ODDSOCK_HOSTS")
    resolver_hosts = Path(hosts) if hosts else None
    name, _, port = environment.get("MAIL_SERVER", MAIL_SERVER).partition(":")

    async def send(mail: NoticeMail) -> None:
        # Made anew a mail: Services come and go, and the table is read only when its file has changed.
        found = ServiceResolver(resolver_hosts).lookup(name, int(port or 25))
        if found is None and resolver_hosts is not None and "." not in name:
            raise Unreachable("The mail server", f"{name}:{port}", "no such Service", "Start the mailbox.")
        host, number = found or (name, int(port or 25))
        await send_notice(ServiceDoor(f"smtp://{host}:{number}"), mail, clock)

    return send
