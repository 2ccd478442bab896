"""G: what must add up over all books together."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from oddsock.clients.sockshop.books import Order
from oddsock.drill.checks.check import Doubt, Moot, Odd, Rule, Said
from oddsock.drill.checks.telemetry import FAILED_LINE, find_miscounts
from oddsock.drill.grouping import ChargeGroup
from oddsock.drill.ledger import PLACED, Ledger
from oddsock.drill.verdict import Witness
from oddsock.kit.clock import instant
from oddsock.kit.money import dollars

LINE_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d[.,]\d{3})")


def _raw_cents(groups: list[ChargeGroup]) -> int:
    return sum(group.captured_cents - group.sum_of("refund") for group in groups)


def _due_cents(orders: list[Order]) -> int:
    return sum(order.total_cents for order in orders if order.status in PLACED)


def find_unexplained_sums(ledger: Ledger) -> Iterator[Said]:
    """G1: money over all books, less what the single orders' differences explain."""
    if not all(row.is_sure_of("charges") for row in ledger.rows):
        return
    lines = ledger.evidence.charges.rows
    taken = sum(line.amount_cents for line in lines if line.kind == "capture")
    given = sum(line.amount_cents for line in lines if line.kind == "refund")
    due = _due_cents(ledger.evidence.orders.rows)
    held = _raw_cents([charge for row in ledger.rows for charge in row.charges]) + _raw_cents(ledger.orphan_charges)
    explained = held - _due_cents([row.order for row in ledger.rows if row.order])
    if rest := taken - given - due - explained:
        yield Odd(
            sentence=f"Captures less refunds are {dollars(taken - given)}, paid orders are {dollars(due)}, and "
            f"{dollars(rest)} of the difference belongs to no order.",
            witnesses=[
                Witness(book="charges", ref="all", text=f"captured {dollars(taken)}, refunded {dollars(given)}"),
                Witness(book="orders", ref="all", text=f"paid or later: {dollars(due)}"),
            ],
        )


def find_unaccounted_attempts(ledger: Ledger) -> Iterator[Said]:
    """G2: an attempt that stands in no row, or in two."""
    counted = Counter(attempt.operation for row in ledger.rows for attempt in row.attempts)
    made = {attempt.operation for attempt in ledger.attempts}
    for operation in sorted(made | counted.keys()):
        if counted[operation] != 1 or operation not in made:
            yield Odd(
                attempt=operation,
                sentence=f"Attempt {operation} is counted {counted[operation]} times.",
                witnesses=[Witness(book="attempts", ref=operation, text=f"in {counted[operation]} rows")],
            )


class _Log:
    """What the kept logs of the orders pods say: how often each payment failed, and which times they cover."""

    def __init__(self, pods: dict[str, list[str]]) -> None:
        self.failures: Counter[str] = Counter()
        self._spans: list[tuple[datetime, datetime]] = []
        for lines in pods.values():
            times = [instant(f"{t[1]}T{t[2].replace(',', '.')}Z") for line in lines if (t := LINE_TIME.match(line))]
            if times:
                self._spans.append((min(times), max(times)))
            self.failures.update(failed[1] for line in lines if (failed := FAILED_LINE.search(line)))

    def covers(self, at: str) -> bool:
        """Whether *at* lies between the first and the last line of some pod's log."""
        return any(first <= instant(at) <= last for first, last in self._spans)


def find_disagreeing_evidence(ledger: Ledger) -> Iterator[Said]:
    """G3: the journal, the API, the log and telemetry do not count the same."""
    yield from find_miscounts(ledger)
    journal = ledger.evidence.journal.rows
    listed = {order.id for order in ledger.evidence.orders.rows}
    tried = {row.order_id for row in ledger.rows if row.attempts}
    for order_id in sorted({change.order_id for change in journal} - listed - tried):
        yield Odd(
            order_id=order_id,
            sentence=f"The journal has order {order_id}, the orders book has not.",
            witnesses=[Witness(book="journal", ref=order_id, text="known"), Witness(book="orders", ref="", text="not")],
        )
    if not ledger.course.log_lines:
        yield Doubt(reason="no log of the orders service was kept")
        return
    log = _Log(ledger.course.log_lines)
    failed = [change for change in journal if change.status == "PAYMENT_FAILED"]
    failed_at: dict[str, list[str]] = {}
    for change in failed:
        failed_at.setdefault(change.order_id, []).append(change.at)
    written = Counter(change.order_id for change in failed)
    for order_id in sorted(written.keys() | (log.failures.keys() & {change.order_id for change in journal})):
        if written[order_id] == log.failures[order_id]:
            continue
        if not all(log.covers(at) for at in failed_at.get(order_id, [])):
            yield Doubt(reason=f"the log of the time when order {order_id} failed was not kept")
            continue
        yield Odd(
            order_id=order_id,
            sentence=f"That the payment of order {order_id} failed is {written[order_id]} times in the journal and "
            f"{log.failures[order_id]} times in the log.",
            witnesses=[
                Witness(book="journal", ref=order_id, text=f"PAYMENT_FAILED {written[order_id]} times"),
                Witness(book="logs", ref=order_id, text=f"{log.failures[order_id]} lines"),
            ],
        )


def find_report_differences(ledger: Ledger) -> Iterator[Said]:
    """G4: a figure of the report that does not recompute; `oddsock report --verify` hands them in."""
    if ledger.course.report_differences is None:
        yield Moot(reason="no report was verified against this evidence; `oddsock report --verify` does it")
        return
    for difference in ledger.course.report_differences:
        yield Odd(sentence=difference, witnesses=[Witness(book="report", ref="report.json", text=difference)])


SUMS = (
    Rule(
        id="G1",
        class_name="books do not sum",
        predicate="captures - refunds = totals of paid orders, but for what single orders explain",
        kind="settle",
        known_as="bank invariant (wrong total)",
        search=find_unexplained_sums,
        needs=("orders", "charges"),
    ),
    Rule(
        id="G2",
        class_name="unaccounted attempt",
        predicate="attempts = balanced + odd + not placed + indeterminate, each once",
        kind="safety",
        known_as="total-queue balance",
        search=find_unaccounted_attempts,
        needs=("attempts",),
    ),
    Rule(
        id="G3",
        class_name="evidence disagrees",
        predicate="counts by log = by telemetry = by API = by journal",
        kind="settle",
        known_as="three-way reconciliation",
        search=find_disagreeing_evidence,
        needs=("orders", "journal"),
    ),
    Rule(
        id="G4",
        class_name="report disagrees",
        predicate="each figure of the report recomputes from the evidence",
        kind="safety",
        moot_when="no report was recomputed",
        search=find_report_differences,
        needs=(),
    ),
)
