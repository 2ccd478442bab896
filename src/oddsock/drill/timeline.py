"""The timeline: one list of what happened, merged from the customers' history, the fault journal, the cluster's events,
and the shop's own books, each row with the source it comes from.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from oddsock.drill.evidence_files import Evidence
from oddsock.drill.history import Entry
from oddsock.drill.operation import Attempt
from oddsock.kit.clock import instant

Kind = Literal["fault", "heal", "attempt", "answer", "status", "money", "parcel", "notice", "event", "step"]

# In one and the same millisecond a cause stands before its effect.
_ORDER: dict[str, int] = {
    kind: rank
    for rank, kind in enumerate(
        ["fault", "heal", "event", "attempt", "status", "money", "parcel", "notice", "answer", "step"]
    )
}
_DOING: dict[str, dict[str, str]] = {
    "fault": {"invoke": "begins", "ok": "in force", "unknown": "may be in force", "fail": "refused", "note": "noted"},
    "heal": {"invoke": "begins", "ok": "healed", "unknown": "may be healed", "fail": "not healed", "note": "noted"},
}
_STEP_VERBS = {
    "drill",
    "mend_plan",
    "steady_state",
    "evidence",
    "restore",
    "health",
    "test_order",
    "abort",
    "mend",
    "settle",
    "checks",
}
_MAIN_STEPS = {"restore", "health", "test_order", "abort", "mend"}


class TimelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened at *at*, *plan_s* plan seconds after the fault; *main* rows are the short timeline."""

    at: str
    plan_s: float | None
    kind: Kind
    what: str
    source: str
    main: bool
    order_id: str = ""
    customer: str = ""
    cents: int | None = None
    status: str = ""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What a timeline is merged from; *target* is the deployment the fault is about, *origin* when it struck."""

    history: list[Entry]
    attempts: list[Attempt]
    undo: list[dict[str, Any]]
    evidence: list[Evidence]  # oldest first; the latest that was read wins, its books hold the earlier ones
    order_of_attempt: dict[str, str]
    customer_of_order: dict[str, str]
    cents_of_order: dict[str, int]
    target: str
    origin: str
    speed: float


def build_timeline(book: Book) -> list[TimelineRow]:
    """Every row of *book* in order of time; rows of one instant stand cause before effect."""
    rows = [*_faults(book), *_customers(book), *_steps(book), *_events(book), *_books(book)]
    origin = instant(book.origin) if book.origin else None
    rows.sort(key=lambda row: (instant(row.at), _ORDER[row.kind], row.source))
    return [msgspec.structs.replace(row, plan_s=_plan_s(row.at, origin, book.speed)) for row in rows]


def _plan_s(at: str, origin: datetime | None, speed: float) -> float | None:
    return None if origin is None else round((instant(at) - origin).total_seconds() * speed, 1)


def _row(at: str, kind: Kind, what: str, source: str, main: bool = False, **more: Any) -> TimelineRow:
    return TimelineRow(at=at, plan_s=None, kind=kind, what=what, source=source, main=main, **more)


def _spell_change(value: dict[str, Any]) -> str:
    was, now = value.get("was"), value.get("now")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return ""
    return ", ".join(f"{name} {was[name]} → {now[name]}" for name in was if name in now and was[name] != now[name])


def _faults(book: Book) -> Iterator[TimelineRow]:
    for entry in book.history:
        if entry.verb not in ("inject", "heal"):
            continue
        kind: Kind = "fault" if entry.verb == "inject" else "heal"
        name = f"{entry.value.get('fault', entry.actor.partition(':')[2])} on {entry.value.get('target', '?')}"
        change = _spell_change(entry.value)
        what = f"{name}: {_DOING[kind][entry.kind]}" + (f", {change}" if change and entry.kind == "ok" else "")
        yield _row(entry.at, kind, what, f"history.jsonl n={entry.n}", main=entry.kind in ("ok", "unknown", "fail"))
    for line in book.undo:
        if line.get("kind") == "undo":
            yield _row(
                str(line.get("at", "")),
                "fault",
                f"Undo of {line.get('id', 'the fault')} is on disk, before the fault acts",
                f"undo.jsonl id={line.get('id', '')}",
            )
        elif line.get("kind") == "healed":
            yield _row(
                str(line.get("at", "")),
                "heal",
                f"{line.get('id', 'The fault')} healed: {line.get('result', '')}",
                f"undo.jsonl id={line.get('id', '')}",
            )


def _customers(book: Book) -> Iterator[TimelineRow]:
    for entry in book.history:
        if entry.verb == "register" and entry.kind == "ok":
            name = entry.actor.partition(":")[2]
            yield _row(entry.at, "answer", f"{name} registered", f"history.jsonl n={entry.n}", main=True, customer=name)
    invoked = {entry.operation: entry.n for entry in book.history if entry.kind == "invoke"}
    for attempt in book.attempts:
        order_id = book.order_of_attempt.get(attempt.operation, attempt.order_id)
        source = f"history.jsonl n={invoked.get(attempt.operation, '?')} {attempt.operation}"
        test = "Test order" if attempt.synthetic else "Order"
        yield _row(
            attempt.invoked_at,
            "attempt",
            f"{test} placement attempted",
            source,
            main=True,
            order_id=order_id,
            customer=attempt.username,
            cents=attempt.total_cents,
            status=_status_after(book, order_id, attempt),
        )
        if attempt.completed_at:
            answer = f"HTTP {attempt.http_status}" if attempt.http_status else attempt.error or "no answer"
            seen = f"“{attempt.message}”" if attempt.message else "nothing"
            yield _row(
                attempt.completed_at,
                "answer",
                f"Customer got {answer} and saw {seen}",
                source,
                order_id=order_id,
                customer=attempt.username,
                status=attempt.end,
            )


def _status_after(book: Book, order_id: str, attempt: Attempt) -> str:
    """The last status the order had before its customer got an answer."""
    journal = _latest(book.evidence, "journal")
    until = instant(attempt.completed_at) if attempt.completed_at else None
    status = ""
    for change in journal:
        if change.order_id == order_id and (until is None or instant(change.at) <= until):
            status = change.status
    return status


def _latest(evidence: Iterable[Evidence], name: str) -> list[Any]:
    rows: list[Any] = []
    for phase in evidence:
        taken = getattr(phase, name)
        if taken.present:
            rows = taken.rows
    return rows


def _steps(book: Book) -> Iterator[TimelineRow]:
    for entry in book.history:
        if entry.verb not in _STEP_VERBS or (entry.kind == "invoke" and entry.verb != "abort"):
            continue
        words = entry.verb.replace("_", " ").capitalize()
        said = (entry.value.get(name) for name in ("sentence", "text", "phase", "service", "order_id"))
        told = next((str(part) for part in said if part), "")
        what = f"{words}: {told}" if told else words
        yield _row(
            entry.at,
            "step",
            what if entry.kind in ("ok", "note") else f"{what} ({entry.kind})",
            f"history.jsonl n={entry.n}",
            main=entry.verb in _MAIN_STEPS,
        )


def _events(book: Book) -> Iterator[TimelineRow]:
    """Events of the cluster since the history began: what happened to the target, and every warning."""
    since = instant(book.history[0].at) if book.history else None
    for event in _latest(book.evidence, "events"):
        at, name = str(event.get("at") or ""), str(event.get("name") or "")
        ours = bool(book.target) and (name == book.target or name.startswith(f"{book.target}-"))
        warning = event.get("type") == "Warning"
        if not at or since is None or instant(at) < since or not (ours or warning):
            continue
        reason = str(event.get("reason") or "")
        yield _row(
            at,
            "event",
            f"{reason} {event.get('kind', '')}/{name}: {event.get('message', '')}"
            + ("" if instant(at).microsecond else " (to the second)"),
            f"events {reason} {name}",
            main=ours and reason == "ScalingReplicaSet",
        )


def _books(book: Book) -> Iterator[TimelineRow]:
    attempted = {order_id for order_id in book.order_of_attempt.values() if order_id}
    for change in _latest(book.evidence, "journal"):
        known = change.order_id in attempted
        retried = bool(change.idempotency_key)
        yield _row(
            change.at,
            "status",
            f"Order came into {change.status}" + (f" because of {change.cause}" if change.cause else ""),
            f"journal seq={change.seq}",
            main=known and retried and change.status in ("PAID", "CANCELLED"),
            **_order(book, change.order_id),
            status=change.status,
        )
    for charge in _latest(book.evidence, "charges"):
        what = f"Payment: {charge.kind}" + (f" ({charge.message})" if charge.message else "")
        more = {**_order(book, charge.order_id), "cents": charge.amount_cents}
        yield _row(charge.at, "money", what, f"charges seq={charge.seq}", main=charge.kind == "refund", **more)
    for parcel in _latest(book.evidence, "shipments"):
        more = _order(book, parcel.order_id)
        what = f"Shipment {parcel.shipment_id} {parcel.event}"
        yield _row(parcel.at, "parcel", what, f"shipments seq={parcel.seq}", **more)
    for notice in _latest(book.evidence, "notices"):
        more = _order(book, notice.order_id)
        what = f"Notice “{notice.subject}” reached the mailbox"
        yield _row(notice.at, "notice", what, f"notices seq={notice.seq}", **more)


def _order(book: Book, order_id: str) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "customer": book.customer_of_order.get(order_id, ""),
        "cents": book.cents_of_order.get(order_id),
    }
