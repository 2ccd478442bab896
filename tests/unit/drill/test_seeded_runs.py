"""Runs without a fault: whatever customers do and however a sound shop ends it, nothing is odd. Seeded, pure.

The customers are those of a plan's load; a toy shop of lists ends each checkout in one of a dozen ways that all are as
they should be: bought, answered late or not at all, declined, retried, cancelled and given back, never placed.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from oddsock.clients.sockshop.books import Owner, Shown
from oddsock.drill.course import CartChange
from oddsock.drill.customers import operations
from oddsock.drill.operation import Operation
from oddsock.drill.plan import parse_plan

PLAN = """\
name: sound
title: A shop without a fault
seed: {seed}
customers: []
operations: []
load: {{customers: {customers}, orders: {orders}, socks: [holy, colourful, crossed], from: 0, until: 8m}}
"""
LABELS = {
    "CREATED": "Created", "PENDING": "Pending", "PAID": "Paid", "PAYMENT_FAILED": "Payment failed",
    "CANCELLED": "Cancelled",
}  # fmt: skip
LOOKS_S = (150.0, 300.0, 500.0)
"""When earlier evidence was taken."""

OpenWorld = Callable[[], Any]


class SoundShop:
    """A shop that does everything right, in a *world* of lists; *chance* decides which of the right things."""

    def __init__(self, world: Any, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.carts: dict[str, dict[str, int]] = {}
        self.orders = 0
        world.window_from_s = None
        self.ends = (
            self.buy, self.buy, self.buy, self.buy, self.lose_the_reply, self.finish_late, self.decline_as_ever,
            self.decline_and_cancel, self.fail_and_retry, self.cancel_later, self.click_twice, self.refuse, self.vanish,
            self.void,
        )  # fmt: skip

    def perform(self, operation: Operation) -> None:
        """Do what a customer does."""
        username, cart = operation.username, self.carts.setdefault(operation.username, {})
        if operation.verb == "add":
            self.world.cart_changes.append(CartChange(username=username, verb="add", at=self.world.at(operation.at_s)))
            for name, quantity in operation.socks:
                cart[name] = cart.get(name, 0) + quantity
        elif operation.verb == "checkout":
            self.chance.choice(self.ends)(operation.at_s, username, dict(cart))

    def order(self, at_s: float, username: str, cart: dict[str, int], **answer: Any) -> str:
        """An order that stands as PENDING."""
        self.orders += 1
        order_id = f"o{self.orders}"
        self.world.try_order(order_id, at_s, cart, username=username, **answer)
        return order_id

    def pay(self, order_id: str, at_s: float) -> None:
        """Charge it, ship it, say so."""
        self.world.charge(order_id, at_s=at_s, idempotency_key=self.chance.choice(("", order_id)))
        self.world.status(order_id, "PAID", at_s + 0.1)
        self.world.ship(order_id, at_s=at_s + 0.2)

    def buy(self, at_s: float, username: str, cart: dict[str, int]) -> str:
        """Bought and confirmed."""
        order_id = self.order(at_s, username, cart, end="ok", http_status=201, told="confirmation")
        self.pay(order_id, at_s + 0.4)
        self.carts[username] = {}
        return order_id

    def lose_the_reply(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Bought, the answer never came, a mail did."""
        order_id = self.order(at_s, username, cart, end="unknown", http_status=None, told="nothing", cart_after=None)
        self.pay(order_id, at_s + 0.4)
        self.world.notice(order_id, "paid", at_s + 2)
        self.carts[username] = {}

    def finish_late(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Parked with a 202, told of the delay, and paid once payment answers."""
        order_id = self.order(at_s, username, cart, end="ok", http_status=202, told="confirmation")
        self.world.notice(order_id, "delayed", at_s + 1)
        late_s = at_s + self.chance.uniform(5, 200)
        self.pay(order_id, late_s)
        self.world.notice(order_id, "paid", late_s + 1)
        self.carts[username] = {}

    def decline_as_ever(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """The original's wire: PAYMENT_FAILED and a 406."""
        order_id = self.order(at_s, username, cart, end="fail", http_status=406, told="error")
        self.world.money("decline", f"d-{order_id}", self.world.order(order_id).total_cents, order_id, at_s + 0.3)
        self.world.status(order_id, "PAYMENT_FAILED", at_s + 0.4, cause="payment declined: amount exceeds 100.00")

    def decline_and_cancel(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Parked, then declined: cancelled for that, and told by mail."""
        order_id = self.order(at_s, username, cart, end="ok", http_status=202, told="confirmation", cart_after=None)
        self.world.change_attempt(-1, cart_after=self.world.attempts[-1].lines)
        late_s = at_s + self.chance.uniform(1, 60)
        self.world.money("decline", f"d-{order_id}", self.world.order(order_id).total_cents, order_id, late_s)
        self.world.status(order_id, "CANCELLED", late_s + 0.1)
        self.world.change("orders", order_id, reason="payment_declined")
        self.world.notice(order_id, "declined", late_s + 1)

    def fail_and_retry(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Failed and told so at once, tried again and paid, told by mail."""
        order_id = self.order(at_s, username, cart, end="unknown", http_status=500, told="error")
        self.world.status(order_id, "PAYMENT_FAILED", at_s + 0.4, cause="Connection refused")
        late_s = at_s + self.chance.uniform(5, 200)
        self.world.status(order_id, "PENDING", late_s, cause="retry")
        self.pay(order_id, late_s + 0.1)
        self.world.notice(order_id, "paid", late_s + 1)
        self.carts[username] = {}

    def cancel_later(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Bought, and given back: recalled, refunded in one or two parts, cancelled, told."""
        order_id = self.buy(at_s, username, cart)
        order, late_s = self.world.order(order_id), at_s + self.chance.uniform(5, 200)
        charge = next(line for line in reversed(self.world.rows["charges"]) if line.order_id == order_id)
        part = self.chance.choice((order.total_cents, self.chance.randrange(1, order.total_cents)))
        self.world.ship(order_id, "recalled", at_s=late_s, shipment_id=order.shipment_id)
        for cents in filter(None, (part, order.total_cents - part)):
            self.world.money("refund", charge.charge_id, cents, order_id, late_s)
        self.world.status(order_id, "CANCELLED", late_s + 0.1)
        self.world.notice(order_id, self.chance.choice(("cancelled", "refunded")), late_s + 1)

    def click_twice(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Two attempts under one key, one order."""
        order_id = self.buy(at_s, username, cart)
        first = self.world.attempts[-1]
        again = {name: getattr(first, name) for name in ("username", "lines", "total_cents", "order_id")}
        self.world.attempt(at_s + 0.05, end="ok", http_status=201, told="confirmation", **again)
        assert self.world.attempts[-1].order_id == order_id

    def refuse(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Surely not placed."""
        self.world.try_order("", at_s, cart, username=username, end="fail", http_status=None, told="error")

    def vanish(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Not placed, and the customer does not know it."""
        self.world.try_order("", at_s, cart, username=username, end="unknown", http_status=503, told="nothing")

    def void(self, at_s: float, username: str, cart: dict[str, int]) -> None:
        """Set aside, let go again, failed and told."""
        order_id = self.order(at_s, username, cart, end="unknown", http_status=500, told="error")
        for kind in ("authorisation", "void"):
            self.world.money(kind, f"v-{order_id}", self.world.order(order_id).total_cents, order_id, at_s + 0.3)
        self.world.status(order_id, "PAYMENT_FAILED", at_s + 0.4, cause="Connection refused")

    def open_pages(self) -> None:
        """What the customers saw of their orders at each look, and at the end."""
        world = self.world
        constant = self.chance.random() < 0.2 and all(p.event != "recalled" for p in world.rows["shipments"])
        for order in world.rows["orders"]:
            for look_s in (*LOOKS_S, world.taken_at_s - 1):
                if label := self.label(order, look_s):
                    constant_label = "Shipped" if constant and label == "Shipped" else label
                    shown = Shown(
                        order_id=order.id, customer_id=order.customer_id, label=constant_label, at=world.at(look_s),
                        amount_cents=order.total_cents,
                    )  # fmt: skip
                    (world.rows["shown"] if look_s > LOOKS_S[-1] else world.shown_before).append(shown)

    def label(self, order: Any, look_s: float) -> str:
        """The true label at one instant; empty before there was an order."""
        at = self.world.at(look_s)
        statuses = [c.status for c in self.world.rows["journal"] if c.order_id == order.id and c.at <= at]
        if not statuses or statuses[-1] == "CANCELLED":
            return LABELS[statuses[-1]] if statuses else ""
        events = {p.event for p in self.world.rows["shipments"] if p.order_id == order.id and p.at <= at}
        return "Shipped" if events and "recalled" not in events else LABELS[statuses[-1]]

    def close(self) -> None:
        """What stands beside the orders: carts, whose card and address it is, events, the log."""
        world = self.world
        for username, cart in self.carts.items():
            for item, quantity in cart.items():
                world.cart(username, item, quantity)
        for n, customer in enumerate(world.rows["customers"]):
            card, address = f"{1000 + n // 2}", f"{n // 3} Sock Street"
            world.rows["owners"].append(Owner(customer_id=customer.id, card_last_four=card))
            world.rows["owners"].append(Owner(customer_id=customer.id, address=address))
            world.rows["orders"] = [
                msgspec.structs.replace(o, card_last_four=card, address=address) if o.customer_id == customer.id else o
                for o in world.rows["orders"]
            ]
        if self.chance.random() < 0.5:
            world.source_events()
        world.log_failures()
        self.open_pages()


def run_without_a_fault(seed: int, open_world: OpenWorld) -> Any:
    """The world after everything that the customers of *seed* did in a sound shop."""
    chance = Random(seed)
    shop = SoundShop(open_world(), chance)
    plan = parse_plan(PLAN.format(seed=seed, customers=chance.randrange(1, 6), orders=chance.randrange(5, 30)))
    for operation in operations(plan):
        shop.perform(operation)
    shop.close()
    return shop.world


def oddities(world: Any) -> dict[str, Any]:
    """What is odd or unknown, and what does not add up, in *world*."""
    account = world.account()
    said = {
        c.id: [f.sentence for f in c.findings] or c.reason for c in account.checks if c.verdict in ("odd", "unknown")
    }
    total = account.balanced + account.odd + account.not_placed + account.indeterminate
    if account.indeterminate or account.odd or not account.attempts == total == len(world.attempts):
        said["counts"] = (len(world.attempts), account.attempts, account.balanced, account.odd, account.indeterminate)
    return said


@pytest.mark.parametrize("seed", range(100))
def test_a_run_without_a_fault_has_nothing_odd_and_nothing_unknown(seed: int, open_world: OpenWorld) -> None:
    assert oddities(run_without_a_fault(seed, open_world)) == {}, f"seed {seed}"


@pytest.mark.proof
def test_three_thousand_runs_without_a_fault_have_nothing_odd(open_world: OpenWorld) -> None:
    odd = {seed: said for seed in range(100, 3100) if (said := oddities(run_without_a_fault(seed, open_world)))}
    assert odd == {}


def test_the_runs_hold_every_end_there_is_and_a_fault_in_one_is_found(open_world: OpenWorld) -> None:
    worlds = [run_without_a_fault(seed, open_world) for seed in range(12)]
    ends = {(a.end, a.http_status) for world in worlds for a in world.attempts}
    assert ends >= {("ok", 201), ("ok", 202), ("unknown", None), ("unknown", 500), ("unknown", 503), ("fail", 406)}
    kinds = {line.kind for world in worlds for line in world.rows["charges"]}
    assert kinds == {"authorisation", "capture", "refund", "void", "decline"}
    assert {bool(world.missing) for world in worlds} == {True, False}
    for world in worlds:
        capture = next(line for line in world.rows["charges"] if line.kind == "capture")
        world.rows["charges"].remove(capture)
        assert oddities(world).keys() - {"counts"}
