"""How an order stands while the books are read: what its lines must agree with, and how far they have brought it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import compress, count, repeat
from operator import attrgetter
from pathlib import Path
from typing import Any

from oddsock.drill.checks.orders import FIRST, NEXT
from oddsock.drill.ledger import FAILED, PLACED
from oddsock.drill.row_files import Block, Pick
from oddsock.drill.sieve.lean import Basket
from oddsock.kit.errors import OddsockError


class Unfit(OddsockError):
    """These books are not laid out as the sieve expects: they are judged without it."""


class Step(dict[str, "Step"]):
    """A place in the order of a book's lines: what the next line may say, and the place it leads to."""


def _walks() -> tuple[Step, dict[str, Step]]:
    """The journal of an order that was bought, by the state machine but without its ways through failure."""
    steps = {status: Step() for status in NEXT if status not in FAILED}
    for status, step in steps.items():
        step.update({following: steps[following] for following in NEXT[status] if following in steps})
    return Step({status: steps[status] for status in FIRST["order"]}), steps


FIRST_AT = datetime.min.replace(tzinfo=UTC)
"""Before all instants."""

UNBORN, WALK = _walks()
"""Before the first line of the journal; the place after each status. B3, and B4 by where an order must end."""

BOUGHT = {status: status for status in PLACED}
"""The statuses of orders that can pass, each as one object for all of them."""

TAKEN = Step()
_HELD = Step(capture=TAKEN)
UNPAID = Step(authorisation=_HELD, capture=TAKEN)
"""One charge: authorised and captured, or captured at once; no decline, no second line of a kind, no way back. C1, C4,
C7, C9, R1 to R5."""

SENT = Step()
SENT.update(accepted=SENT, queued=SENT, dispatched=SENT)
_QUEUED = Step(dispatched=SENT)
_QUEUED.update(accepted=_QUEUED, queued=_QUEUED)
UNSENT = Step(queued=_QUEUED, dispatched=SENT)
UNSENT.update(accepted=UNSENT)
"""One parcel: dispatched, and never recalled or given up. S1 to S3, S7."""


class Standing:
    """One order on its way through the sieve; *is_held* once anything about it is not as in the plainest case."""

    __slots__ = (
        "address", "at", "basket", "charge_id", "charges", "customer_id", "event_seq", "event_shipment", "event_status",
        "invoked_at", "is_held", "is_told", "journal", "label", "mails", "operation", "order_id", "paid_at",
        "parcels", "pending_at", "request_id", "shipment_id", "status", "total_cents", "trace_id",
    )  # fmt: skip

    event_seq: int
    event_status: str | None
    event_shipment: str | None
    pending_at: datetime | None
    paid_at: datetime | None

    def __init__(
        self, order_id: str, customer_id: str, status: str, total_cents: int, basket: Basket, shipment_id: str
    ) -> None:
        self.order_id = order_id
        self.customer_id = customer_id
        self.status = status  # empty for one that no order that passes can have
        self.total_cents = total_cents
        self.basket = basket
        self.shipment_id = shipment_id
        self.address = ""
        self.is_held = False
        # Of its one attempt:
        self.operation: str | None = None
        self.invoked_at: datetime | None = None
        self.request_id = self.trace_id = ""
        self.is_told = False
        # How far each book has brought it:
        self.journal = UNBORN
        self.at: datetime = FIRST_AT
        self.charge_id: str | None = None
        self.charges = UNPAID
        self.parcels = UNSENT
        self.label: str | None = None
        self.mails = 0

    def close(self) -> None:
        """Hold it back unless all books brought it to where a bought order ends; let go what is read no more."""
        self.is_held = self.is_held or not (
            self.operation is not None
            and self.journal is WALK[self.status]
            and self.charges is TAKEN
            and self.parcels is SENT
            and self.label is not None
            and self.is_told
        )
        self.charge_id = None
        self.request_id = self.trace_id = self.shipment_id = ""
        self.at = FIRST_AT


NOBODY = Standing("", "", "", 0, (), "")
"""In the place of an order that is not there; always held back."""
NOBODY.is_held = True

_is_held = attrgetter("is_held")
_order_id = attrgetter("order_id")


def orders_of(rows: Iterable[Any], standings: dict[str, Standing]) -> list[Standing]:
    """The standing of each row's order, NOBODY for one that is not there."""
    return list(map(standings.get, map(_order_id, rows), repeat(NOBODY)))


class Sheet:
    """Which lines of the file at *path* are about which order, block by block, to find the lines of those held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blocks: list[tuple[int, int, list[Standing]]] = []

    def add(self, block: Block, standings: list[Standing]) -> None:
        """The order of each line of *block*, NOBODY where a line is about none or is to be read again at any rate."""
        self._blocks.append((block.offset, block.size, standings))

    def held(self) -> Iterator[Pick]:
        """The lines of each block that are held back."""
        for offset, size, standings in self._blocks:
            yield Pick(offset, size, len(standings), list(compress(count(), map(_is_held, standings))))
