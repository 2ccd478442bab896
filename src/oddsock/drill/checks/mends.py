"""M: mending itself. These read what all other checks found, before the mend and after it."""

from collections.abc import Iterator

from oddsock.drill.checks.check import Moot, Odd, Rule, Said
from oddsock.drill.evidence_files import Evidence
from oddsock.drill.ledger import Ledger
from oddsock.drill.verdict import Witness

NOT_MENDED = "nothing was mended before this evidence was taken"


def find_repeated_mends(ledger: Ledger) -> Iterator[Said]:
    """M1: something carried out twice, or carried out and still asked for by a second mend."""
    if ledger.course.mended is None or ledger.phase != "after-mend":
        yield Moot(reason=NOT_MENDED)
        return
    repeated = [key for key, times in ledger.course.mended.times_done.items() if times > 1]
    for key in sorted({*repeated, *ledger.wanted_again}):
        yield Odd(
            sentence=f"Mending again is not nothing: {key} was carried out and would be again.",
            witnesses=[Witness(book="mend", ref=key, text=f"{ledger.course.mended.times_done.get(key, 0)} times done")],
        )


def _lines_by_order(evidence: Evidence) -> dict[str, list[object]]:
    """Everything the shop's own books hold of each order, book after book."""
    held: dict[str, list[object]] = {}
    for order in evidence.orders.rows:
        held.setdefault(order.id, []).append(order)
    for book in (evidence.journal, evidence.charges, evidence.shipments):
        for line in book.rows:
            held.setdefault(line.order_id, []).append(line)
    return held


def find_odd_mends(ledger: Ledger) -> Iterator[Said]:
    """M2: an order nobody mended is not what it was, or one is odd in a way it was not before."""
    mended, before = ledger.course.mended, ledger.before
    if mended is None or before is None or ledger.phase != "after-mend":
        yield Moot(reason=NOT_MENDED)
        return
    known = {order.id for order in before.orders.rows}
    was, now = _lines_by_order(before), _lines_by_order(ledger.evidence)
    for row, order in ledger.orders():
        is_touched = order.id in mended.order_ids or order.id not in known or row.synthetic
        if not is_touched and was.get(order.id) != now.get(order.id):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} was not to be mended, and is not what it was.",
                witnesses=[
                    Witness(book="orders", ref=order.id, text="not the same lines as before the mend"),
                    Witness(book="mend", ref="", text="no action on it"),
                ],
            )
    if ledger.found_before is None:
        return
    old = {(finding.check, finding.order_id, finding.attempt) for finding in ledger.found_before}
    for finding in ledger.found:
        if finding.order_id in known and (finding.check, finding.order_id, finding.attempt) not in old:
            yield Odd(
                order_id=finding.order_id,
                attempt=finding.attempt,
                sentence=f"The mend made order {finding.order_id} odd: {finding.class_name}.",
                witnesses=finding.witnesses,
            )


def label_carried_over(ledger: Ledger) -> Iterator[Said]:
    """M3: what was odd before the fault began; a label, counted apart."""
    classes_of: dict[str, list[str]] = {}
    for found in ledger.found:
        classes_of.setdefault(found.order_id, []).append(found.class_name)
    for row in ledger.rows:
        classes = classes_of.get(row.order_id, []) if row.order_id else []
        if row.before_window and classes and row.order:
            yield Odd(
                order_id=row.order_id,
                sentence=f"Order {row.order_id} of {row.order.placed_at} was odd before the fault began: "
                f"{', '.join(dict.fromkeys(classes))}.",
                witnesses=[Witness(book="orders", ref=row.order_id, text=f"placed at {row.order.placed_at}")],
            )


MENDS = (
    Rule(
        id="M1",
        class_name="mend not idempotent",
        predicate="mending twice = mending once",
        kind="safety",
        known_as="fixpoint",
        moot_when="nothing was mended",
        search=find_repeated_mends,
        needs=(),
    ),
    Rule(
        id="M2",
        class_name="mend makes odd",
        predicate="nothing new is odd; orders that were not mended are equal to the byte",
        kind="safety",
        moot_when="nothing was mended",
        search=find_odd_mends,
    ),
    Rule(
        id="M3",
        class_name="carried over",
        predicate="what was odd before the fault window is labelled so and counted apart",
        kind="label",
        known_as="pre-existing",
        search=label_carried_over,
    ),
)
