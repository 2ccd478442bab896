"""Idempotency-Key as Stripe has it. Source: Stripe's page "Idempotent requests" and its error texts.

The first answer that an executed call gave is given again, 402 included, with `Idempotent-Replayed: true`; a call that
was refused before it acted, and one that met another under its key, leave the key free.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from oddsock.kit.clock import Clock
from oddsock.shop.gateway.book import GatewayBook
from oddsock.shop.gateway.refusal import IDEMPOTENCY, Refusal, wrong

KEY_CHARACTERS_MAX = 255
KEPT_S = 24 * 3600
"""How long an answer is kept at least, as at Stripe."""

Act = Callable[[sqlite3.Connection], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer, and whether it was given before."""

    status: int
    body: bytes
    is_replayed: bool = False


class Keys:
    """Runs calls once a key; *bank_plan_s* is how long a card's bank takes, in plan seconds."""

    def __init__(self, book: GatewayBook, clock: Clock, bank_plan_s: float = 0.0) -> None:
        self._book = book
        self._clock = clock
        self._bank_plan_s = bank_plan_s
        self._under_way: set[str] = set()

    async def once(self, key: str, call: str, body: str, act: Act) -> Reply:
        """The reply of *act* to *call* with *body*, or the one kept under *key*; Refusal 400, 409."""
        if len(key) > KEY_CHARACTERS_MAX:
            raise wrong("", f"Idempotency keys can be at most {KEY_CHARACTERS_MAX} characters long.")
        fingerprint = hashlib.sha256(f"{call}\0{body}".encode()).hexdigest()
        if key and (kept := self._replay(key, fingerprint)):
            return kept
        if key in self._under_way:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."
            )
            raise Refusal(409, IDEMPOTENCY, message, code="idempotency_key_in_use")
        if key:
            self._under_way.add(key)
        try:
            if self._bank_plan_s:
                await self._clock.sleep(self._bank_plan_s)
            return self._run(key, fingerprint, act)
        finally:
            self._under_way.discard(key)

    def _replay(self, key: str, fingerprint: str) -> Reply | None:
        self._book.forget_keys(self._book.now() - KEPT_S)
        kept = self._book.stored(key)
        if kept is None:
            return None
        if kept[0] != fingerprint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                f"using a key other than '{key}' if you meant to execute a different request."
            )
            raise Refusal(400, IDEMPOTENCY, message)
        return Reply(kept[1], kept[2], is_replayed=True)

    def _run(self, key: str, fingerprint: str, act: Act) -> Reply:
        with self._book.transaction() as rows:
            try:
                status, document = 200, act(rows)
            except Refusal as refusal:
                if not refusal.is_executed:
                    raise
                status, document = refusal.status, refusal.document()
            body = msgspec.json.encode(document)
            if key:
                self._book.store(rows, key, fingerprint, status, body)
        return Reply(status, body)
