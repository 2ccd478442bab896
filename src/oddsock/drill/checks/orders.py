"""B: an order's total, and the history of its status."""

from collections.abc import Iterator
from itertools import pairwise

from oddsock.clients.sockshop.books import StatusChange
from oddsock.drill.checks.check import Odd, Rule, Said
from oddsock.drill.checks.events import Lines, lines_of
from oddsock.drill.checks.witnesses import see_attempts, see_history, see_order
from oddsock.drill.ledger import OPEN, Ledger
from oddsock.drill.operation import Attempt
from oddsock.drill.verdict import Witness
from oddsock.kit.clock import instant
from oddsock.kit.money import SHIPPING_CENTS, dollars

FIRST = {"order": frozenset({"CREATED"}), "journal": frozenset({"PAID"})}
"""The status an order begins with; one that shows no status of its own is saved last, when it is paid and shipped."""

NEXT: dict[str, frozenset[str]] = {
    "CREATED": frozenset({"PENDING", "PAID", "PAYMENT_FAILED", "CANCELLED"}),
    "PENDING": frozenset({"PENDING", "PAID", "PAYMENT_FAILED", "CANCELLED"}),
    "PAYMENT_FAILED": frozenset({"PENDING", "CANCELLED"}),
    "PAID": frozenset({"SHIPPED", "CANCELLED"}),
    "SHIPPED": frozenset({"DELIVERED", "CANCELLED"}),
    "DELIVERED": frozenset(),
    "CANCELLED": frozenset(),
}
"""The state machine: from each status, those that may come next. A stuck order may be PENDING again by a retry."""


def find_wrong_totals(ledger: Ledger) -> Iterator[Said]:
    """B1: the total is not what its lines and the shipping add up to."""
    for row, order in ledger.orders():
        due = sum(line.quantity * line.unit_cents for line in order.lines) + SHIPPING_CENTS
        if order.lines and order.total_cents != due:
            yield Odd(
                order_id=order.id,
                sentence=f"The total of order {order.id} is {dollars(order.total_cents)}; its lines and shipping make "
                f"{dollars(due)}.",
                witnesses=[see_order(row)],
            )


def _cart_of(attempt: Attempt) -> Lines:
    held: Lines = {}
    for line in attempt.lines:
        held[line.item_id, line.unit_cents] = held.get((line.item_id, line.unit_cents), 0) + line.quantity
    return held


def find_cart_skews(ledger: Ledger) -> Iterator[Said]:
    """B2: the order holds other socks, numbers or prices than the cart that its customer saw when ordering."""
    for row, order in ledger.orders("attempts"):
        if not row.attempts or not order.lines:
            continue
        # Of several tries that led to one order, the one that made it is not known: any of their carts will do.
        held, tried = lines_of(order), [attempt for attempt in row.attempts if attempt.lines]
        if not tried or any(_cart_of(attempt) == held for attempt in tried):
            continue
        first = tried[0]
        if not ledger.course.changed_cart_between(first.username, first.invoked_at, first.completed_at):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} holds other socks than the cart of {first.username} did when ordering.",
                witnesses=[see_order(row), *see_attempts(tried), *_see_lines(held, _cart_of(first))],
            )


def _see_lines(ordered: Lines, wanted: Lines) -> list[Witness]:
    return [
        Witness(
            book="orders",
            ref=item,
            text=f"{ordered.get((item, unit), 0)} ordered, {wanted.get((item, unit), 0)} in the cart, {dollars(unit)}",
        )
        for item, unit in sorted(ordered.keys() | wanted.keys())
    ]


def _illegal_steps(history: list[StatusChange], first: frozenset[str]) -> list[str]:
    steps = [] if history[0].status in first else [f"it began as {history[0].status}"]
    return steps + [
        f"{old.status} -> {new.status}"
        for old, new in pairwise(history)
        if new.status not in NEXT.get(old.status, frozenset())
    ]


def find_illegal_transitions(ledger: Ledger) -> Iterator[Said]:
    """B3: a status that may not follow the one before it."""
    for row, order in ledger.orders():
        if row.history and (steps := _illegal_steps(row.history, FIRST[order.status_from])):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} took a step there is none of: {', '.join(steps)}.",
                witnesses=see_history(row.history),
            )


def find_lost_updates(ledger: Ledger) -> Iterator[Said]:
    """B4: the order does not show what its history says last, or the history runs back in time."""
    for row, order in ledger.orders():
        if not order.status:
            continue
        if not row.history:
            problem = "has no line in the journal"
        elif row.history[-1].status != order.status:
            problem = f"is {order.status}, and its journal ends with {row.history[-1].status}"
        elif any(instant(new.at) < instant(old.at) for old, new in pairwise(row.history)):
            problem = "has a journal that runs back in time"
        else:
            continue
        yield Odd(
            order_id=order.id,
            sentence=f"Order {order.id} {problem}.",
            witnesses=[see_order(row), *see_history(row.history)],
        )


def find_stuck_orders(ledger: Ledger) -> Iterator[Said]:
    """B5: an order that is still on its way when everything has settled."""
    for row, order in ledger.orders():
        if order.status in OPEN:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is still {order.status}.",
                witnesses=[see_order(row), *see_history(row.history)],
            )


ORDERS = (
    Rule(
        id="B1",
        class_name="wrong total",
        predicate="total = sum of quantity * unit + shipping, to the cent",
        kind="safety",
        known_as="amount mismatch",
        search=find_wrong_totals,
    ),
    Rule(
        id="B2",
        class_name="cart skew",
        predicate="the lines of the order = the cart that was seen when ordering",
        kind="safety",
        known_as="read skew (G-single)",
        search=find_cart_skews,
        needs=("orders", "attempts"),
    ),
    Rule(
        id="B3",
        class_name="illegal transition",
        predicate="the history follows the state machine, and its ends are final",
        kind="safety",
        known_as="dirty update",
        search=find_illegal_transitions,
        needs=("orders", "journal"),
    ),
    Rule(
        id="B4",
        class_name="lost update",
        predicate="status = the last line of the history, whose times never go back",
        kind="safety",
        known_as="lost update",
        search=find_lost_updates,
        needs=("orders", "journal"),
    ),
    Rule(
        id="B5",
        class_name="stuck order",
        predicate="CREATED and PENDING are left in time",
        kind="settle",
        known_as="stuck, in flight",
        search=find_stuck_orders,
    ),
)
