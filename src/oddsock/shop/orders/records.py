"""What a store of orders keeps beside the orders themselves: one change, errands, letters, marks of a saga, events.

All are plain data, the same for every store. Instants are ISO 8601 UTC with milliseconds, so that text sorts as time.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.order import Order

Stage = Literal["finish", "undo"]
"""What an errand is for: bring the order to its end, or take back what may have been charged or shipped."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who takes a step and on whose behalf: *actor* checkout, queue, retry or cancel."""

    actor: str
    by: Correlation


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be done for an order that nobody works on now: one an order.

    *dead* is a dead letter: nothing happens until it is requeued. *uncertain*: a call without an answer may have had
    its effect. Whoever claims it holds it until *lease_until*.
    """

    order_id: str
    stage: Stage = "finish"
    dead: bool = False
    parked_at: str = ""
    due_at: str = ""
    deadline_at: str = ""
    attempts: int = 0
    uncertain: bool = False
    cause: str = ""
    traceparent: str = ""
    request_id: str = ""
    holder: str = ""
    lease_until: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the outbox: *kind* of message about *event* of an order; one an order, kind and event, ever."""

    kind: str
    order_id: str
    event: str
    body: bytes = b""
    id: int = 0
    attempts: int = 0
    due_at: str = ""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a saga's journal: *leg* authorise, ship or confirm is begun, done, undoing or undone."""

    leg: str
    state: str
    at: str = ""


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of an order: what happened (*kind*, *data*), when, why, by whom, in which trace; never changed."""

    order_id: str
    kind: str
    at: str
    cause: str = ""
    actor: str = ""
    request_id: str = ""
    traceparent: str = ""
    data: dict[str, Any] = {}
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What a new order was asked by: the request's idempotency *key* and what tells two requests under it apart."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one order, written whole or not at all.

    *order* is the order as it shall be, its revision one above the stored one. *enters*: the journal gets a line of
    its status. *errand* is put in the place of the order's errand; *ends_errand* takes it away. *closes_key*: the order
    is the final answer under the step's key. *request*, of a new order, makes its key stand for this order.
    """

    order: Order
    step: Step
    at: str
    cause: str = ""
    enters: bool = False
    events: tuple[OrderEvent, ...] = ()
    letters: tuple[Letter, ...] = ()
    marks: tuple[Mark, ...] = ()
    errand: Errand | None = None
    ends_errand: bool = False
    closes_key: bool = False
    request: Request | None = None


class UnknownOrder(Exception):
    """There is no order of that id."""


class KeyReused(Exception):
    """An idempotency key came again for another order or another act, or with another request."""


class KeyTaken(Exception):
    """The request's key stands for *order_id* already: nothing was written."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class Superseded(Exception):
    """The order was changed by somebody else since it was read: nothing was written."""
