"""What a mend may do, as data: actions with their idempotency keys, questions, and what is left to a person."""

from typing import Literal

import msgspec

from oddsock.clients.sockshop.books import CartLine
from oddsock.drill.plan_fields import Replay
from oddsock.drill.reattempts import Reattempt
from oddsock.kit.money import dollars

ActionKind = Literal["refund", "recall", "cancel", "retry_order", "notice", "empty_cart_lines", "set_shown"]

ORDER_OF_KINDS: tuple[ActionKind, ...] = (
    "set_shown",
    "refund",
    "recall",
    "cancel",
    "retry_order",
    "notice",
    "empty_cart_lines",
)
"""In which order actions are carried out: what is undone before what is charged, told and tidied after both."""


class MendAction(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, under *key*, because of *why*; a notice without *event* tells how its order ended."""

    kind: ActionKind
    key: str
    why: str
    order_id: str = ""
    customer_id: str = ""
    cents: int = 0
    charge_id: str = ""
    shipment_id: str = ""
    event: str = ""
    reason: str = ""
    lines: list[CartLine] = []

    @property
    def text(self) -> str:
        """What it would do, for a dry run."""
        told = self.event or "how it ended"
        what = {
            "retry_order": f"retry order {self.order_id} ({dollars(self.cents)})",
            "refund": f"refund {dollars(self.cents)} of charge {self.charge_id}",
            "recall": f"recall parcel {self.shipment_id}",
            "cancel": f"cancel order {self.order_id} ({self.reason})",
            "notice": f"mail the customer of order {self.order_id}: {told}",
            "empty_cart_lines": f"take {len(self.lines)} bought lines of order {self.order_id} out of the cart",
            "set_shown": "set SHOWN=order on the front-end, so that it shows each order's own status",
        }
        return f"{what[self.kind]} [{self.key}]: {self.why}"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of orders that may be one wish: which of them are to be charged?

    *is_unrecorded*: one order whose payment failed, of a customer whom nobody watched; is it to be charged at all?
    """

    order_ids: list[str]
    cents: list[int]
    is_unrecorded: bool = False

    @property
    def text(self) -> str:
        """The question as a person reads it."""
        orders = ", ".join(f"{o} ({dollars(c)})" for o, c in zip(self.order_ids, self.cents, strict=True))
        if self.is_unrecorded:
            return f"{orders}: its payment failed, and what its customer was told nobody recorded. Charge it now?"
        return f"{orders}: the same customer tried a sock of each again in the next. Charge all, the latest, or none?"


class LeftOpen(msgspec.Struct, frozen=True, kw_only=True):
    """Something odd that this mend does not touch, and why."""

    class_name: str
    why: str
    order_id: str = ""

    @property
    def text(self) -> str:
        """For a dry run."""
        return f"{self.order_id or 'the books'}: {self.class_name}: {self.why}"


class MendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to mend: what to do with suspected re-attempts (*answers*: order id to whether it is charged)."""

    replay: Replay = "ask"
    carried_over: bool = False
    supports_retry: bool = True
    answers: dict[str, bool] = {}


class MendPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a mend would do, in order; empty when nothing odd is left that it can mend."""

    actions: list[MendAction]
    questions: list[Question]
    left: list[LeftOpen]
    reattempts: list[Reattempt]
    options: MendOptions

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.actions

    @property
    def charged_cents(self) -> int:
        """What the retries ask payment for, before any decline."""
        return sum(action.cents for action in self.actions if action.kind == "retry_order")

    @property
    def text(self) -> list[str]:
        """The whole plan, a line an action, question and thing left open."""
        asked = [f"asked: {question.text}" for question in self.questions]
        return [action.text for action in self.actions] + asked + [f"left: {each.text}" for each in self.left]
