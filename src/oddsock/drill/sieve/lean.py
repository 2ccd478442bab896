"""Rows of the books and lines of the history with only what the sieve looks at; fields mean what they do in whole ones.

Instants are decoded as such where they are compared: two texts may name one instant. No row holds a cycle, so the
collector need not know them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

SPELLINGS_MAX = 100_000
"""How many spellings of baskets are remembered."""

At = Annotated[datetime, msgspec.Meta(tz=True)]


class LeanLine(msgspec.Struct, frozen=True, gc=False):
    """A line of a cart, an order or a parcel."""

    item_id: str
    quantity: int
    unit_cents: int


Basket = tuple[LeanLine, ...]


NONE = msgspec.Raw(b"null")


class Baskets:
    """The baskets that are spelt in a file: most are those of others, so each spelling is decoded once.

    Two that hold the same lines in the same order are one object.
    """

    def __init__(self) -> None:
        self._spelt: dict[bytes, Basket] = {}
        self._held: dict[Basket, Basket] = {}
        self._decode = msgspec.json.Decoder(Basket).decode

    def read(self, spelling: bytes) -> Basket:
        """The basket of *spelling*; a DecodeError when it is none."""
        basket = self._spelt.get(spelling)
        if basket is None:
            basket = self._decode(spelling)
            if len(self._spelt) >= SPELLINGS_MAX:
                self._spelt.clear()
            basket = self._spelt[spelling] = self._held.setdefault(basket, basket)
        return basket


class LeanOrder(msgspec.Struct, gc=False):
    """An order."""

    id: str
    customer_id: str
    status: str
    total_cents: int
    lines: msgspec.Raw
    shipment_id: str | None
    card_last_four: str = ""
    address: str = ""
    status_from: str = "order"


class LeanChange(msgspec.Struct, gc=False):
    """A line of the journal."""

    seq: int
    order_id: str
    status: str
    at: At
    request_id: str = ""
    traceparent: str = ""


class LeanCharge(msgspec.Struct, gc=False):
    """A line of payment's book."""

    seq: int
    charge_id: str
    kind: str
    amount_cents: int
    customer_id: str = ""
    order_id: str = ""
    idempotency_key: str = ""


class TimedCharge(LeanCharge, kw_only=True, gc=False):
    """The same with its instant, where events must have announced it."""

    at: At


class LeanParcel(msgspec.Struct, gc=False):
    """A line of shipping's book."""

    seq: int
    shipment_id: str
    event: str
    customer_id: str = ""
    order_id: str = ""
    lines: Basket | None = None
    address: str = ""


class TimedParcel(LeanParcel, kw_only=True, gc=False):
    """The same with its instant, where events must have announced it."""

    at: At


class LeanShown(msgspec.Struct, gc=False):
    """What a page showed."""

    order_id: str
    label: str
    amount_cents: int | None = None


class DatedShown(LeanShown, kw_only=True, gc=False):
    """The same with whose page it was and when, as the book spells it."""

    customer_id: str
    at: str


class LeanNotice(msgspec.Struct, gc=False):
    """A mail."""

    seq: int
    to: str
    event: str
    order_id: str
    at: At


class LeanItem(msgspec.Struct, frozen=True, gc=False):
    """A line of an order within its first event, as the wire has it: the price in dollars."""

    itemId: str  # the wire's own name
    quantity: int
    unitPrice: float  # the wire's own name


class LeanBirth(msgspec.Struct, gc=False):
    """The order within its first event."""

    customer_id: str
    total_cents: int
    status: str
    items: tuple[LeanItem, ...]
    shipment_id: str | None = None


class LeanNews(msgspec.Struct, gc=False):
    """What an event says."""

    order: LeanBirth | UnsetType = UNSET
    status: str | UnsetType = UNSET
    shipment_id: str | UnsetType | None = UNSET


class LeanEvent(msgspec.Struct, gc=False):
    """An event of an order."""

    seq: int
    order_id: str
    kind: str
    at: At
    data: LeanNews


class LeanValue(msgspec.Struct, gc=False):
    """What the history says of a checkout as it begins or ends."""

    customer_id: str = ""
    lines: msgspec.Raw = NONE
    request_id: str = ""
    traceparent: str = ""
    synthetic: bool = False
    form: str = ""
    told: str = ""
    order_id: str = ""
    cart_after: msgspec.Raw = NONE


class LeanEntry(msgspec.Struct, gc=False):
    """A line of the history."""

    at: At
    phase: Literal["lead", "main", "recovery", "mend"]
    kind: Literal["invoke", "ok", "fail", "unknown", "note"]
    operation: str
    verb: str
    value: LeanValue


ENTRIES: "msgspec.json.Decoder[LeanEntry]" = msgspec.json.Decoder(LeanEntry)


def decoder_of(row: Any) -> "msgspec.json.Decoder[list[Any]]":
    """A decoder of blocks of *row*."""
    return msgspec.json.Decoder(list[row])
