"""K: what is left in the cart. Not bought, and the cart is kept; bought, and it is emptied."""

from collections.abc import Iterator

from oddsock.clients.sockshop.books import CartLine
from oddsock.drill.checks.check import Doubt, Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_order
from oddsock.drill.ledger import ANYTHING, Ledger, Row
from oddsock.drill.operation import Attempt
from oddsock.drill.verdict import Witness
from oddsock.kit.clock import instant

ADD = frozenset({"add"})


def see_cart(lines: list[CartLine]) -> list[Witness]:
    """What stands in the cart."""
    seen = [Witness(book="carts", ref=f"{c.customer_id}/{c.item_id}", text=f"{c.quantity} in the cart") for c in lines]
    return seen or [Witness(book="carts", ref="", text="the cart is empty")]


def lines_left(ledger: Ledger, row: Row) -> list[CartLine]:
    """The cart lines that the row's last attempt ordered and that nobody touched or tried to order since."""
    if not row.attempts or not row.cart or "carts" in ledger.missing:
        return []
    attempt = row.attempts[-1]
    if ledger.course.changed_cart_since(attempt.username, attempt.invoked_at, ADD):
        return []
    tried_at, began_at = ledger.tried_at(attempt.customer_id), instant(attempt.invoked_at)
    tried_again = {item for item, at in tried_at.items() if at > began_at}
    gone = set()
    if attempt.cart_after is not None:
        gone = {line.item_id for line in attempt.lines} - {line.item_id for line in attempt.cart_after}
    wanted = {line.item_id: line.quantity for line in attempt.lines}
    return [
        line
        for line in row.cart
        if wanted.get(line.item_id) == line.quantity and line.item_id not in tried_again | gone
    ]


def _tried_later(ledger: Ledger, attempt: Attempt) -> bool:
    return ledger.tried_at(attempt.customer_id)[ANYTHING] > instant(attempt.invoked_at)


def _lost(ledger: Ledger, row: Row, attempt: Attempt) -> list[str] | None:
    """The socks of *attempt* that are gone from the cart; None when nobody can tell."""
    wanted = {line.item_id: line.quantity for line in attempt.lines}
    if attempt.cart_after is not None:
        kept = {line.item_id: line.quantity for line in attempt.cart_after}
    else:
        moved_on = ledger.course.changed_cart_since(attempt.username, attempt.invoked_at)
        if moved_on or not wanted or "carts" in ledger.missing or _tried_later(ledger, attempt):
            return None
        kept = {line.item_id: line.quantity for line in row.cart}
    return [item for item, quantity in wanted.items() if kept.get(item, 0) < quantity]


def find_lost_carts(ledger: Ledger) -> Iterator[Said]:
    """K1: nothing was bought, and the cart is not what it was."""
    for row in ledger.rows:
        is_unbought = row.is_failed and not row.was_placed
        is_without = row.order is None and all(attempt.end != "ok" for attempt in row.attempts)
        if row.synthetic or not (is_unbought or is_without) or not row.is_sure_of("attempts"):
            continue
        for attempt in row.attempts:
            # A shop that took the order on took the cart with it; that it came to nothing later is told by a notice.
            if attempt.end == "ok":
                continue
            lost = _lost(ledger, row, attempt)
            if lost is None:
                yield Doubt(reason=f"nobody read the cart of {attempt.username} after attempt {attempt.operation}")
            elif lost:
                yield Odd(
                    order_id=row.order_id,
                    attempt=attempt.operation,
                    sentence=f"Attempt {attempt.operation} of {attempt.username} bought nothing, and "
                    f"{', '.join(lost)} left the cart.",
                    witnesses=[see_order(row), *see_attempts([attempt]), *see_cart(row.cart)],
                )


def find_full_carts(ledger: Ledger) -> Iterator[Said]:
    """K2: bought, and still in the cart."""
    for row, order in ledger.orders("attempts"):
        if row.is_placed and not row.synthetic and (left := lines_left(ledger, row)):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and {len(left)} of its lines still stand in the cart.",
                witnesses=[see_order(row), *see_attempts(row.attempts), *see_cart(left)],
            )


CARTS = (
    Rule(
        id="K1",
        class_name="lost cart",
        predicate="order not placed => the cart is kept",
        kind="settle",
        known_as="lost update",
        search=find_lost_carts,
        needs=("orders", "attempts"),
    ),
    Rule(
        id="K2",
        class_name="cart left full",
        predicate="order placed => its lines are out of the cart",
        kind="settle",
        search=find_full_carts,
        needs=("orders", "attempts", "carts"),
    ),
)
