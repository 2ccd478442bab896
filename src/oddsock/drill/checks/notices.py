"""N: what customers were told. Told = the confirmation or error they saw when ordering, or a mail about the order.

The drill's own test customer is left out: nobody reads its mail.
"""

from collections import Counter
from collections.abc import Iterator
from email.utils import parseaddr

from oddsock.drill.checks.attempts import is_false_failure
from oddsock.drill.checks.check import Doubt, Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_notices, see_order
from oddsock.drill.ledger import OPEN, Ledger, Row

FAILURE_EVENTS = frozenset({"declined", "failed", "cancelled", "refunded"})
"""The mails that tell a customer that an order was not bought after all."""


def false_notice(row: Row) -> str:
    """What the last mail says that is not so; empty when it is true, or there is none."""
    said = [notice.event for notice in row.notices if notice.event != "delayed"]
    last = said[-1] if said else ""
    is_refunded = any(charge.of_kind("refund") for charge in row.charges)
    if last == "paid" and (row.is_failed or row.status in OPEN):
        return "that it is paid"
    if last in FAILURE_EVENTS - {"refunded"} and row.is_placed:
        return f"that it is {last}"
    if last == "refunded" and row.is_placed and not is_refunded:
        return "that it is refunded"
    return ""


def find_untold_failures(ledger: Ledger) -> Iterator[Said]:
    """N1: the order failed, and its customer was never told."""
    for row, order in ledger.orders("attempts"):
        if not row.is_failed or row.synthetic or false_notice(row):
            continue
        told = any(notice.event in FAILURE_EVENTS for notice in row.notices)
        # A confirmation told for an order that was never accepted is a dishonest response (A6), not silence.
        told_at_once = [
            a for a in row.attempts if a.told == "error" or (a.told == "confirmation" and a.http_status != 202)
        ]
        seen = not row.was_placed and bool(told_at_once)
        if told or seen:
            continue
        if row.attempts:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and its customer was never told.",
                witnesses=[see_order(row), *see_attempts(row.attempts), *see_notices(row.notices)],
            )
        elif not row.before_drill:
            yield Doubt(reason="nobody recorded what its customer saw when ordering", order_id=order.id)


def find_untold_successes(ledger: Ledger) -> Iterator[Said]:
    """N2: the order is bought, and its customer got no confirmation."""
    for row, order in ledger.orders("attempts"):
        if not row.attempts or not row.is_placed or row.synthetic or is_false_failure(row) or false_notice(row):
            continue
        told = any(attempt.told == "confirmation" for attempt in row.attempts)
        if not told and not any(notice.event == "paid" for notice in row.notices):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and its customer got no confirmation.",
                witnesses=[see_order(row), *see_attempts(row.attempts), *see_notices(row.notices)],
            )


def find_false_notices(ledger: Ledger) -> Iterator[Said]:
    """N3: the last mail about an order says what is not so."""
    for row, order in ledger.orders():
        if (claim := false_notice(row)) and not row.synthetic:
            yield Odd(
                order_id=order.id,
                sentence=f"The last mail about order {order.id} says {claim}; the order is {order.status}.",
                witnesses=[see_order(row), *see_notices(row.notices)],
            )
    for notice in ledger.orphan_notices:
        yield Odd(
            order_id=notice.order_id,
            sentence=f"A mail tells {notice.to} about order {notice.order_id}, which does not exist.",
            witnesses=see_notices([notice]),
        )


def find_repeated_notices(ledger: Ledger) -> Iterator[Said]:
    """N4: the same news about an order, mailed more than once."""
    for row, order in ledger.orders():
        if len(row.notices) < 2 or row.synthetic:
            continue
        repeated = [event for event, times in Counter(n.event for n in row.notices).items() if times > 1]
        if repeated:
            yield Odd(
                order_id=order.id,
                sentence=f"The customer of order {order.id} was told more than once that it is {repeated[0]}.",
                witnesses=see_notices(notice for notice in row.notices if notice.event in repeated),
            )


def find_misdirected_notices(ledger: Ledger) -> Iterator[Said]:
    """N5: a mail about an order, to somebody who did not place it."""
    for row, order in ledger.orders():
        if not row.notices:
            continue
        owner = ledger.customers.get(order.customer_id)
        if owner is None or not owner.email:
            yield Doubt(reason=f"the user service tells no address of mail for customer {order.customer_id}")
            continue
        astray = [n for n in row.notices if parseaddr(n.to)[1].lower() != owner.email.lower()]
        if astray:
            yield Odd(
                order_id=order.id,
                sentence=f"A mail about order {order.id} went to {astray[0].to}, and its customer is {owner.email}.",
                witnesses=[see_order(row), *see_notices(astray)],
            )


NOTICES = (
    Rule(
        id="N1",
        class_name="untold failure",
        predicate="failed or declined => the customer was told",
        kind="settle",
        known_as="silent failure",
        search=find_untold_failures,
        needs=("orders", "attempts", "notices"),
        may_lack=("attempts", "notices"),
    ),
    Rule(
        id="N2",
        class_name="untold success",
        predicate="PAID => a confirmation",
        kind="settle",
        known_as="missing confirmation",
        search=find_untold_successes,
        needs=("orders", "attempts", "notices"),
        may_lack=("notices",),
    ),
    Rule(
        id="N3",
        class_name="false notice",
        predicate="the last mail about an order agrees with the final truth",
        kind="settle",
        known_as="false positive notice",
        search=find_false_notices,
        needs=("orders", "notices"),
    ),
    Rule(
        id="N4",
        class_name="repeated notice",
        predicate="one mail an order and event",
        kind="safety",
        known_as="duplicate",
        search=find_repeated_notices,
        needs=("orders", "notices"),
    ),
    Rule(
        id="N5",
        class_name="misdirected notice",
        predicate="a mail about an order goes to its customer",
        kind="safety",
        search=find_misdirected_notices,
        needs=("orders", "notices", "customers"),
    ),
)
