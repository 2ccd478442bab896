"""What a customer does: the operation, its lines in the history, and an attempt to order, joined from both.

An operation is written twice, as `invoke` before anything is sent and as its end: `ok`, `fail` (surely did not happen:
refused before sending, 406 and other 4xx) or `unknown` (may have happened: 5xx, cut reply, time-out). One that never
got its second line, because the drill died, is unknown.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from oddsock.clients.sockshop.books import Line
from oddsock.drill.history import Entry, Phase

Verb = Literal["register", "login", "add", "remove", "clear", "checkout"]
End = Literal["ok", "fail", "unknown"]
Told = Literal["confirmation", "error", "nothing"]

_ENDS: dict[str, End] = {"ok": "ok", "fail": "fail", "unknown": "unknown"}

NO_END = "the drill ended before an answer came"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing customer *username* does at *at_s* plan seconds; an add or remove has *socks*: (name, quantity).

    One of the *load* is waited for by nobody. Its checkouts carry the *order_token* of their form. A second press of
    the button goes *beside* the first, an impatient one only *if_untold*; a browser that *vanishes* reads no answer.
    Whose form is *pressed_again* says so on every press.
    """

    id: str
    username: str
    at_s: float
    verb: Verb
    phase: Phase = "main"
    socks: list[tuple[str, int]] = []
    synthetic: bool = False
    load: bool = False
    order_token: str = ""
    beside: bool = False
    pressed_again: bool = False
    if_untold: bool = False
    vanishes: bool = False

    @property
    def actor(self) -> str:
        """Who does it, as the history names them."""
        return f"customer:{self.username}"


class WantedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One cart line as the customer saw it when ordering."""

    item_id: str
    quantity: int
    unit_cents: int
    name: str = ""

    def as_line(self) -> Line:
        """The same without the name, as the books have it."""
        return Line(item_id=self.item_id, quantity=self.quantity, unit_cents=self.unit_cents)


class CheckoutInvoke(msgspec.Struct, frozen=True, kw_only=True):
    """The history's value of a checkout that begins."""

    username: str
    customer_id: str
    lines: list[WantedLine]
    total_cents: int
    request_id: str
    traceparent: str
    synthetic: bool = False
    form: str = ""
    """What the presses of one form share, where its button is pressed more than once."""
    late_s: float = 0.0
    """Plan seconds by which it began after its planned time; more than 0 is told of the load only."""


class CheckoutEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The history's value of a checkout's end; *message* is the text the customer saw, empty when nothing."""

    http_status: int | None = None
    message: str = ""
    told: Told = "nothing"
    order_id: str = ""
    total_wire: float | None = None
    duration_ms: float = 0.0
    cart_after: list[WantedLine] | None = None
    error: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One customer's try to place an order: what was wanted, what came back, and whether it may have happened."""

    operation: str
    username: str
    customer_id: str
    lines: list[WantedLine]
    total_cents: int
    request_id: str
    traceparent: str
    synthetic: bool
    form: str = ""
    late_s: float = 0.0
    phase: Phase
    plan_s: float
    invoked_at: str
    end: End
    completed_at: str = ""
    http_status: int | None = None
    message: str = ""
    told: Told = "nothing"
    order_id: str = ""
    total_wire: float | None = None
    duration_ms: float = 0.0
    cart_after: list[WantedLine] | None = None
    error: str = ""


def attempts(history: Iterable[Entry]) -> list[Attempt]:
    """Every checkout of *history* in the order they began, each joined with its end, unknown where there is none."""
    ends: dict[str, Entry] = {}
    begins: list[Entry] = []
    for entry in history:
        if entry.verb == "checkout":
            if entry.kind == "invoke":
                begins.append(entry)
            elif entry.kind in _ENDS:
                ends[entry.operation] = entry
    return [_join(begin, ends.get(begin.operation)) for begin in begins]


def _join(begin: Entry, end: Entry | None) -> Attempt:
    wanted = msgspec.convert(begin.value, CheckoutInvoke)
    got = msgspec.convert(end.value, CheckoutEnd) if end else CheckoutEnd(error=NO_END)
    return Attempt(
        operation=begin.operation,
        phase=begin.phase,
        plan_s=begin.plan_s,
        invoked_at=begin.at,
        end=_ENDS[end.kind] if end else "unknown",
        completed_at=end.at if end else "",
        **msgspec.structs.asdict(wanted),
        **msgspec.structs.asdict(got),
    )
