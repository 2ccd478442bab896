"""Rows of a ledger as a page has them: attempt, order, charges, parcels, notices and pages side by side, with the class
and the witnesses of what is odd. Every attempt has a row, with an order or without; what belongs to none comes last.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import CartLine, Charge, Notice, Order, OrderEvent, Shipment, Shown, StatusChange
from oddsock.console.cases.reading import Reckoned
from oddsock.drill.case import Case
from oddsock.drill.evidence_files import latest_logs
from oddsock.drill.ledger import Row
from oddsock.drill.operation import Attempt
from oddsock.drill.verdict import Finding, Outcome
from oddsock.kit.errors import UsageError

OUTCOMES = ("odd", "indeterminate", "not-placed", "balanced", "carried-over")
LOG_LINES_MAX = 200
LOG_BYTES_MAX = 100_000_000


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger: *ref* is what a person and an address call it; *outcome* one of OUTCOMES."""

    ref: str
    order_id: str
    customer: str
    placed_at: str
    outcome: str
    headline: str
    reason: str
    synthetic: bool
    findings: list[Finding]
    status: str
    total_cents: int | None
    attempts: list[Attempt]
    captured_cents: int
    refunded_cents: int
    declined: bool
    charges: int
    parcels: list[str]
    notices: list[str]
    shown: list[str]


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the books hold of one row."""

    line: OrderLine
    order: Order | None
    items: list[dict[str, Any]]
    charges: list[Charge]
    shipments: list[Shipment]
    notices: list[Notice]
    shown: list[Shown]
    journal: list[StatusChange]
    events: list[OrderEvent]
    cart: list[CartLine]
    span: tuple[str, str]
    """The first and the last instant that any of them has."""


def list_order_lines(reckoned: Reckoned) -> list[OrderLine]:
    """A line for every row of the ledger in its order, then one for each thing odd that belongs to none."""
    ledger, outcomes = reckoned.books.ledger, reckoned.account.outcomes
    lines = [_line(row, outcome, ledger.username) for row, outcome in zip(ledger.rows, outcomes, strict=False)]
    return lines + [_orphan(outcome) for outcome in outcomes[len(ledger.rows) :]]


def choose(lines: Iterable[OrderLine], outcome: str, class_name: str, text: str) -> list[OrderLine]:
    """Those of *outcome* and *class_name* in which *text* is found; an empty wish leaves all.

    UsageError for an outcome that there is not.
    """
    if outcome and outcome not in OUTCOMES:
        raise UsageError(f"outcome cannot be {outcome!r}.", f"It is one of {', '.join(OUTCOMES)}.")
    wanted = text.strip().lower()
    return [
        line
        for line in lines
        if (not outcome or line.outcome == outcome)
        and (not class_name or any(finding.class_name == class_name for finding in line.findings))
        and (not wanted or wanted in _searched(line))
    ]


def _searched(line: OrderLine) -> str:
    parts = [line.ref, line.order_id, line.customer, line.status, line.headline, *line.parcels, *line.shown]
    return " ".join([*parts, *(attempt.operation for attempt in line.attempts)]).lower()


def find_order(reckoned: Reckoned, ref: str) -> OrderPage | None:
    """Everything of the row that *ref* means, an order's id or an attempt's; None when there is none."""
    ledger = reckoned.books.ledger
    for row, outcome in zip(ledger.rows, reckoned.account.outcomes, strict=False):
        if ref in (row.order_id, row.ref) or any(ref == attempt.operation for attempt in row.attempts):
            names = {sock.id: sock.name for sock in ledger.evidence.catalogue.rows}
            return _page(row, _line(row, outcome, ledger.username), names)
    return None


def _line(row: Row, outcome: Outcome, username: Any) -> OrderLine:
    order = row.order
    return OrderLine(
        ref=row.ref,
        order_id=row.order_id,
        customer=(order.username if order else "") or str(username(row.customer_id)),
        placed_at=order.placed_at if order else row.attempts[0].invoked_at if row.attempts else "",
        outcome="carried-over" if outcome.carried_over else outcome.kind,
        headline=outcome.headline,
        reason=outcome.reason,
        synthetic=outcome.synthetic,
        findings=outcome.findings,
        status=row.status,
        total_cents=order.total_cents if order else row.attempts[0].total_cents if row.attempts else None,
        attempts=row.attempts,
        captured_cents=sum(charge.captured_cents for charge in row.charges),
        refunded_cents=sum(charge.sum_of("refund") for charge in row.charges),
        declined=any(charge.of_kind("decline") for charge in row.charges),
        charges=len(row.charges),
        parcels=[f"{parcel.shipment_id} {parcel.lines[-1].event}" for parcel in row.parcels],
        notices=[notice.event or notice.subject for notice in row.notices],
        shown=list(dict.fromkeys(shown.label for shown in row.shown)),
    )


def _orphan(outcome: Outcome) -> OrderLine:
    return OrderLine(
        ref="",
        order_id=outcome.order_id,
        customer="",
        placed_at="",
        outcome="odd",
        headline=outcome.headline,
        reason="",
        synthetic=False,
        findings=outcome.findings,
        status="",
        total_cents=None,
        attempts=[],
        captured_cents=0,
        refunded_cents=0,
        declined=False,
        charges=0,
        parcels=[],
        notices=[],
        shown=[],
    )


def _page(row: Row, line: OrderLine, names: Mapping[str, str]) -> OrderPage:
    charges = [one for charge in row.charges for one in charge.lines]
    shipments = [one for parcel in row.parcels for one in parcel.lines]
    instants = [at for attempt in row.attempts for at in (attempt.invoked_at, attempt.completed_at) if at]
    for book in (row.history, charges, shipments, row.notices, row.events):
        instants += [one.at for one in book if one.at]
    if row.order is not None:
        items = [(one.item_id, one.quantity, one.unit_cents) for one in row.order.lines]
    else:
        items = [(one.item_id, one.quantity, one.unit_cents) for attempt in row.attempts[:1] for one in attempt.lines]
    return OrderPage(
        line=line,
        order=row.order,
        items=[{"name": names.get(item, item), "quantity": count, "unit_cents": cents} for item, count, cents in items],
        charges=charges,
        shipments=shipments,
        notices=row.notices,
        shown=row.shown,
        journal=row.history,
        events=row.events,
        cart=row.cart,
        span=(min(instants, default=""), max(instants, default="")),
    )


def trace_of(attempt: Attempt) -> str:
    """The trace id in an attempt's `traceparent`, empty when it has none."""
    parts = attempt.traceparent.split("-")
    return parts[1] if len(parts) > 2 and re.fullmatch(r"[0-9a-f]{32}", parts[1]) else ""


def find_log_lines(case: Case, words: Iterable[str]) -> list[dict[str, str]]:
    """The lines of the kept logs that hold one of *words*, by pod, LOG_LINES_MAX at most. Not for the loop."""
    wanted = [word.encode() for word in words if word]
    found: list[dict[str, str]] = []
    left = LOG_BYTES_MAX
    for pod, path in latest_logs(case).items():
        for line in _lines(path, left):
            if any(word in line for word in wanted):
                found.append({"pod": pod, "line": line.decode(errors="replace").rstrip()})
                if len(found) >= LOG_LINES_MAX:
                    return found
        left -= min(left, path.stat().st_size)
    return found


def _lines(path: Path, size: int) -> list[bytes]:
    with path.open("rb") as lines:
        return lines.read(size).splitlines()
