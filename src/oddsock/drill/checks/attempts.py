"""A: what customers tried, against the orders there are."""

from collections.abc import Iterator

from oddsock.drill.checks.check import Doubt, Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_charges, see_history, see_notices, see_order, see_parcels
from oddsock.drill.ledger import OPEN, Ledger, Row
from oddsock.drill.verdict import Witness


def find_lost_orders(ledger: Ledger) -> Iterator[Said]:
    """A1: the shop said yes, and the order is not there."""
    for row in ledger.rows:
        if row.order is None and row.is_sure_of("attempts"):
            for attempt in row.attempts:
                if attempt.end == "ok":
                    yield Odd(
                        attempt=attempt.operation,
                        order_id=row.order_id,
                        sentence=f"{attempt.username} was told that the order exists, and the orders book has none.",
                        witnesses=[*see_attempts([attempt]), see_order(row)],
                    )


def find_unexpected_orders(ledger: Ledger) -> Iterator[Said]:
    """A2: an order nobody tried to place."""
    for row, order in ledger.orders("attempts"):
        if not (row.attempts or row.claimant or row.before_drill):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} was placed at {order.placed_at}, and no attempt led to it.",
                witnesses=[see_order(row), *see_history(row.history)],
            )


def find_duplicate_orders(ledger: Ledger) -> Iterator[Said]:
    """A3: one attempt, two orders; or one form, of which two presses were taken for an order each."""
    by_operation = {attempt.operation: attempt for attempt in ledger.attempts}
    for row, order in ledger.orders("attempts"):
        if row.claimant:
            claimants = [by_operation[row.claimant]]
            yield Odd(
                order_id=order.id,
                sentence=f"Attempt {row.claimant} made a second order, {order.id}.",
                witnesses=[see_order(row), *see_attempts(claimants), *see_history(row.history)],
            )
    for rows in _rows_by_form(ledger).values():
        first = rows[0]
        for row in rows[1:]:
            yield Odd(
                order_id=row.order_id,
                sentence=f"Order {row.order_id} was placed by another press of the form of order {first.order_id}.",
                witnesses=[see_order(first), see_order(row), *see_attempts([*first.attempts, *row.attempts])],
            )


def _rows_by_form(ledger: Ledger) -> dict[str, list[Row]]:
    """The orders that were bought by the presses of each form whose button was pressed again, the first one first."""
    by_form: dict[str, list[Row]] = {}
    for row, _ in ledger.orders("attempts"):
        # An order that failed before its customer pressed again is no second one.
        if row.is_placed and not row.synthetic and not row.claimant:
            for form in {attempt.form for attempt in row.attempts if attempt.form}:
                by_form.setdefault(form, []).append(row)
    return {form: sorted(rows, key=_pressed_at) for form, rows in by_form.items()}


def _pressed_at(row: Row) -> tuple[str, str]:
    return min(attempt.invoked_at for attempt in row.attempts), row.order_id


def is_false_failure(row: Row) -> bool:
    """Whether nobody who tried was told that it worked, although it did."""
    if not row.attempts or not row.is_placed or row.synthetic:
        return False
    if any(attempt.end == "ok" or attempt.told == "confirmation" for attempt in row.attempts):
        return False
    return not any(notice.event == "paid" for notice in row.notices)


def find_false_failures(ledger: Ledger) -> Iterator[Said]:
    """A4: a failed or unanswered attempt, a paid order, and nobody said so."""
    for row, order in ledger.orders("attempts"):
        if is_false_failure(row):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, its customer saw it fail and was not told otherwise.",
                witnesses=[see_order(row), *see_attempts(row.attempts), *see_notices(row.notices)],
            )


def find_unresolved_attempts(ledger: Ledger) -> Iterator[Said]:
    """A5: an attempt without a known end whose order began and is neither there nor gone."""
    for row in ledger.rows:
        if row.order is None and row.history and row.is_sure_of("attempts"):
            for attempt in row.attempts:
                if attempt.end == "unknown":
                    yield Odd(
                        attempt=attempt.operation,
                        order_id=row.order_id,
                        sentence=f"The journal knows order {row.order_id} of attempt {attempt.operation}, the orders "
                        "book does not: it is neither placed nor not placed.",
                        witnesses=[*see_attempts([attempt]), *see_history(row.history), see_order(row)],
                    )


def find_dishonest_responses(ledger: Ledger) -> Iterator[Said]:
    """A6: a 2xx for an order that was never accepted, a 202 for one that was never pending."""
    for row, order in ledger.orders("attempts"):
        for attempt in row.attempts:
            if attempt.end != "ok":
                continue
            was_open = order.status in OPEN or any(change.status in OPEN for change in row.history)
            # A 202 promises no more than that somebody works on it; that it fails later is for a mail to tell (N1).
            is_refused = row.is_failed and not row.was_placed and attempt.http_status != 202
            if is_refused or (attempt.http_status == 202 and not was_open):
                yield Odd(
                    order_id=order.id,
                    attempt=attempt.operation,
                    sentence=f"The shop answered {attempt.http_status} to an order that is {order.status}.",
                    witnesses=[*see_attempts([attempt]), see_order(row), *see_history(row.history)],
                )


def find_wrong_customers(ledger: Ledger) -> Iterator[Said]:
    """A7: the order, its charge or its parcel stands under another customer, or has another's card or address."""
    cards, addresses = _whose(ledger)
    for row, order in ledger.orders("attempts", "charges", "shipments"):
        attempts = [a for a in row.attempts if a.customer_id and a.customer_id != order.customer_id]
        charges = [c for c in row.charges if c.tie.customer_id not in ("", order.customer_id)]
        parcels = [p for p in row.parcels if p.tie.customer_id not in ("", order.customer_id)]
        of_others = [
            Witness(book="owners", ref=", ".join(sorted(whose)), text=f"{what} of this order")
            for what, whose in (
                (f"the card {order.card_last_four}", cards.get(order.card_last_four, set())),
                (f"the address {order.address}", addresses.get(order.address, set())),
            )
            # Whose book names no card or no address of the order's own customer may just have been read too early.
            if whose and order.customer_id not in whose and order.customer_id in ledger.owners
        ]
        if attempts or charges or parcels or of_others:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} stands under customer {order.customer_id}, other books name another.",
                witnesses=[
                    see_order(row),
                    *see_attempts(attempts),
                    *see_charges(charges),
                    *see_parcels(parcels),
                    *of_others,
                ],
            )
    if why := ledger.lost_side_books.get("owners"):
        yield Doubt(reason=f"whose the cards and addresses are: {why}")


def _whose(ledger: Ledger) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The customers under each card (its last four digits) and under each address."""
    cards: dict[str, set[str]] = {}
    addresses: dict[str, set[str]] = {}
    for owner in ledger.evidence.owners.rows:
        if owner.card_last_four:
            cards.setdefault(owner.card_last_four, set()).add(owner.customer_id)
        if owner.address:
            addresses.setdefault(owner.address, set()).add(owner.customer_id)
    return cards, addresses


ATTEMPTS = (
    Rule(
        id="A1",
        class_name="lost order",
        predicate="attempt ok => the orders book has its order",
        kind="safety",
        known_as="lost (set-full, total-queue)",
        search=find_lost_orders,
        needs=("attempts", "orders"),
    ),
    Rule(
        id="A2",
        class_name="unexpected order",
        predicate="every order has an attempt, or was there before the drill",
        kind="safety",
        known_as="unexpected, garbage read",
        search=find_unexpected_orders,
        needs=("attempts", "orders"),
    ),
    Rule(
        id="A3",
        class_name="duplicate order",
        predicate="one attempt, or one form however often its button is pressed => at most one order",
        kind="safety",
        known_as="duplicated",
        search=find_duplicate_orders,
        needs=("attempts", "orders", "journal"),
    ),
    Rule(
        id="A4",
        class_name="false failure",
        predicate="attempt fail or unknown => no paid order, or its customer was told later",
        kind="settle",
        known_as="recovered; indeterminate resolved ok",
        search=find_false_failures,
        needs=("attempts", "orders", "notices"),
        may_lack=("notices",),
    ),
    Rule(
        id="A5",
        class_name="unresolved attempt",
        predicate="every unknown attempt becomes placed or not placed",
        kind="settle",
        known_as="info",
        search=find_unresolved_attempts,
        needs=("attempts", "orders", "journal"),
    ),
    Rule(
        id="A6",
        class_name="dishonest response",
        predicate="2xx => the order was accepted; 202 only with a pending order",
        kind="safety",
        known_as="aborted read (G1a, loosely)",
        search=find_dishonest_responses,
        needs=("attempts", "orders", "journal"),
    ),
    Rule(
        id="A7",
        class_name="wrong customer",
        predicate="customer of the attempt = of the order = of its charge, its parcel, its card and its address",
        kind="safety",
        known_as="misattribution",
        search=find_wrong_customers,
        needs=("attempts", "orders", "charges", "shipments"),
        may_lack=("charges", "shipments"),
    ),
)
