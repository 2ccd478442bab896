"""V3 to V5: a customer's pages over time, what they leave out, and the amounts on them."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta

from oddsock.clients.sockshop.books import Shown
from oddsock.drill.checks.check import Moot, Odd, Rule, Said
from oddsock.drill.checks.views import MEANING
from oddsock.drill.checks.witnesses import see_attempts, see_history, see_order, see_parcels, see_shown
from oddsock.drill.ledger import Ledger, Row, label_of
from oddsock.kit.clock import instant, iso
from oddsock.kit.money import dollars

PAGE_S_MAX = 20.0
"""How long before its book was complete a page may have been read, in wall seconds."""

LATER = {"paid": frozenset({"PAID", "SHIPPED", "DELIVERED"})}
"""The labels that stay true in later statuses: an order that is shipped is still paid."""


def _places(row: Row, shown: Shown) -> list[float]:
    """Where in the order's history the label was true, in ascending order; none when it never was."""
    label = label_of(shown)
    if label == "shipped":
        left = any(p.is_live and p.lines[0].at <= shown.at for p in row.parcels)
        return [n + 0.5 for n, change in enumerate(row.history) if change.status == "PAID"] if left else []
    statuses = LATER.get(label) or MEANING.get(label, frozenset())
    return [float(n) for n, change in enumerate(row.history) if change.status in statuses]


def _steps_back(row: Row, views: list[Shown]) -> tuple[Shown, Shown] | None:
    """The first view, with the one before it, that shows what the order had left when the earlier one was shown."""
    reached, before = 0.0, None
    for shown in views:
        places = _places(row, shown)
        if not places:
            continue
        n = bisect_left(places, reached)
        if n == len(places) and before is not None:
            return before, shown
        reached, before = places[min(n, len(places) - 1)], shown
    return None


def find_backwards_views(ledger: Ledger) -> Iterator[Said]:
    """V3: the page shows a status that the customer had already seen the order leave."""
    if ledger.labels <= {"shipped"}:
        yield Moot(reason="every order is shown as Shipped: a constant label goes neither on nor back")
        return
    for row, order in ledger.orders():
        if row.synthetic or not row.shown or not (row.shown_before or len(row.shown) > 1):
            continue
        views = sorted([*row.shown_before, *row.shown], key=lambda one: one.at)
        if back := _steps_back(row, views):
            yield Odd(
                order_id=order.id,
                sentence=f'The page showed order {order.id} as "{back[0].label}" and after that as "{back[1].label}".',
                witnesses=[see_order(row), *see_shown(back), *see_history(row.history), *see_parcels(row.parcels)],
            )


def _read_since(ledger: Ledger) -> tuple[dict[str, str], str]:
    """When each customer's page was read, by the customer's id, and an instant before which none was."""
    read = ledger.read_at
    taken_at = ledger.evidence.shown.taken_at
    earliest = iso(instant(taken_at) - timedelta(seconds=PAGE_S_MAX)) if taken_at else ""
    return read, min([earliest, *read.values()]) if taken_at else ""


def find_unlisted_orders(ledger: Ledger) -> Iterator[Said]:
    """V4: the customer was told the order's id, and the page that was read later does not list it."""
    read, earliest = _read_since(ledger)
    pages = ledger.evidence.pages
    if not pages:
        yield Moot(reason="no page of any customer was opened")
        return
    for row, order in ledger.orders("attempts"):
        if row.shown or row.synthetic:
            continue
        known = [
            a
            for a in row.attempts
            if a.end == "ok" and a.order_id == order.id and a.username in pages and a.completed_at
            if a.completed_at < read.get(a.customer_id, earliest)
        ]
        if known:
            yield Odd(
                order_id=order.id,
                sentence=f"{known[0].username} was told of order {order.id}, and their page does not list it.",
                witnesses=[see_order(row), *see_attempts(known)],
            )


def find_wrong_amounts(ledger: Ledger) -> Iterator[Said]:
    """V5: the amount on the page is not the order's total."""
    for row, order in ledger.orders():
        wrong = [s for s in row.shown if s.amount_cents is not None and s.amount_cents != order.total_cents]
        if wrong and not row.synthetic:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} costs {dollars(order.total_cents)}, and its customer is shown "
                f"{dollars(wrong[0].amount_cents or 0)}.",
                witnesses=[see_order(row), *see_shown(wrong)],
            )


PAGES = (
    Rule(
        id="V3",
        class_name="backwards view",
        predicate="from one look at the page to the next, no status goes back",
        kind="safety",
        known_as="monotonic reads",
        moot_when="every page shows the constant label",
        search=find_backwards_views,
        needs=("orders", "shown", "journal"),
    ),
    Rule(
        id="V4",
        class_name="missing in list",
        predicate="an order that its customer was told of is on their page",
        kind="safety",
        known_as="read your writes",
        moot_when="no customer's page was opened",
        search=find_unlisted_orders,
        needs=("orders", "attempts", "shown"),
    ),
    Rule(
        id="V5",
        class_name="wrong amount shown",
        predicate="the amount shown = total",
        kind="safety",
        search=find_wrong_amounts,
        needs=("orders", "shown"),
    ),
)
