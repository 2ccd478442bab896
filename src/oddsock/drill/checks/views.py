"""V: what a customer's own page shows, against what is so. "Shipped" is true exactly when a parcel is on its way."""

from collections.abc import Iterator
from itertools import pairwise

from oddsock.clients.sockshop.books import Order, Shown
from oddsock.drill.checks.check import Doubt, Moot, Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_history, see_order, see_parcels, see_shown
from oddsock.drill.ledger import Ledger, Row, label_of
from oddsock.kit.clock import instant

STALE_S_MAX = 2.0
"""How long a page may still show a status that was left, in wall seconds."""

MEANING: dict[str, frozenset[str]] = {
    "created": frozenset({"CREATED"}),
    "pending": frozenset({"PENDING"}),
    "paid": frozenset({"PAID"}),
    "payment failed": frozenset({"PAYMENT_FAILED"}),
    "cancelled": frozenset({"CANCELLED"}),
    "delivered": frozenset({"DELIVERED"}),
}
"""Each label, in small letters, and the statuses of which it is true; "shipped" is judged by the parcels."""


def _has_parcel(ledger: Ledger, row: Row, order: Order) -> bool:
    """Whether a parcel is on its way; where the shop keeps no book of them, whether the order names one."""
    return bool(order.shipment_id) if "shipments" in ledger.missing else bool(row.live_parcels)


def _is_true(ledger: Ledger, row: Row, order: Order, shown: Shown) -> bool | None:
    label = label_of(shown)
    if label == "shipped":
        return _has_parcel(ledger, row, order)
    if label not in MEANING:
        return None
    return bool(MEANING[label] & {order.status, *(change.status for change in row.history)})


def find_false_statuses(ledger: Ledger) -> Iterator[Said]:
    """V1: the page shows a status the order never had, or Shipped without a parcel."""
    for row, order in ledger.orders("shipments"):
        if row.synthetic or not order.status:
            continue
        if not row.shown and not row.before_drill:
            # Only the drill's own customers' pages can be opened; whose else's order it is stays as it is.
            yield Doubt(reason="no page was read that shows it", order_id=order.id if row.attempts else "")
        for shown in row.shown:
            truth = _is_true(ledger, row, order, shown)
            if truth is None:
                yield Doubt(reason=f'the page shows "{shown.label}", which names no status', order_id=order.id)
            elif not truth:
                yield Odd(
                    order_id=order.id,
                    sentence=f'Order {order.id} is {order.status}, and its customer is shown "{shown.label}".',
                    witnesses=[see_order(row), *see_shown([shown]), *see_parcels(row.parcels)],
                )
                break


def _left_at(row: Row, statuses: frozenset[str]) -> str:
    """When the order last left one of *statuses*; empty when it never did."""
    return next((new.at for old, new in reversed(list(pairwise(row.history))) if old.status in statuses), "")


def find_stale_statuses(ledger: Ledger) -> Iterator[Said]:
    """V2: the page shows a status that was left a while ago."""
    if ledger.labels <= {"shipped"}:
        yield Moot(reason="every order is shown as Shipped: a constant label has no age")
    for row, order in ledger.orders():
        for shown in row.shown:
            statuses = MEANING.get(label_of(shown), frozenset())
            left_at = _left_at(row, statuses)
            if not left_at or order.status in statuses or row.synthetic:
                continue
            late_s = (instant(shown.at) - instant(left_at)).total_seconds()
            if late_s > STALE_S_MAX:
                yield Odd(
                    order_id=order.id,
                    sentence=f'Order {order.id} is {order.status}, and is shown "{shown.label}", which it left '
                    f"{late_s:.1f} s before.",
                    witnesses=[see_order(row), *see_shown([shown]), *see_history(row.history)],
                )
                break


VIEWS = (
    Rule(
        id="V1",
        class_name="false status",
        predicate="the status shown was one of the order's; Shipped <=> a parcel is on its way",
        kind="safety",
        known_as="dirty or garbage read",
        search=find_false_statuses,
        needs=("orders", "shown", "shipments", "journal"),
        may_lack=("shipments", "journal"),
    ),
    Rule(
        id="V2",
        class_name="stale status",
        predicate="the status shown is the present one, or was left at most 2 s ago",
        kind="safety",
        known_as="stale (set-full)",
        moot_when="every page shows the constant label",
        search=find_stale_statuses,
        needs=("orders", "shown", "journal"),
    ),
)
