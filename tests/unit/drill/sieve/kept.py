"""A world of lists as the folder of a case, and one random change to such a world."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.unit.drill.conftest import BOOKS

from oddsock.clients.sockshop.books import CartLine, Owner, Shown
from oddsock.drill.case import Case, CaseMeta
from oddsock.drill.evidence_files import SHOP_BOOKS
from oddsock.drill.history import Entry
from oddsock.drill.operation import Attempt, CheckoutEnd, CheckoutInvoke
from oddsock.drill.row_files import write_rows
from oddsock.drill.telemetry_files import write_answer

PHASE = "after-heal"


NEVER_EMPTY = ("at", "status_from", "placed_at", "invoked_at", "end", "told", "phase", "kind")
"""Fields of which an empty one would be no book but a damaged file."""


def keep(world: Any, folder: Path) -> Case:
    """The case of *world* in *folder*: history, logs, telemetry and the evidence of two phases."""
    (folder / "case.json").write_bytes(msgspec.json.encode(CaseMeta(name="made", plan="made", started_at=world.at(0))))
    case = Case(folder)
    taken_at = world.at(world.taken_at_s)
    for book in SHOP_BOOKS:
        rows, missing = world.rows.get(book, []), world.missing.get(book)
        _write(case, PHASE, book, [] if missing else rows, taken_at, missing)
    _write(case, "before", "shown", world.shown_before, world.at(1), None)
    for kind, names in (("logs", world.log_lines), ("pages", [c.username for c in world.rows["customers"]])):
        kept = case.evidence_dir(PHASE) / kind
        kept.mkdir()
        for name in names if kind == "logs" or world.are_pages_kept else ():
            text = "\n".join(world.log_lines[name]) if kind == "logs" else "a page"
            (kept / f"{name}.{'log' if kind == 'logs' else 'html'}").write_text(text)
    for name, answer in world.answers.items():
        write_answer(case, msgspec.structs.replace(answer, id=name))
    with (folder / "history.jsonl").open("wb") as history:
        for entry in entries(world):
            history.write(msgspec.json.encode(entry) + b"\n")
    return case


def _write(case: Case, phase: str, book: str, rows: list[Any], taken_at: str, missing: str | None) -> None:
    folder = case.evidence_dir(phase)
    folder.mkdir(parents=True, exist_ok=True)
    head = {"book": book, "phase": phase, "taken_at": taken_at, "source": "made", "missing": missing}
    write_rows(folder / f"{book}.json", head, rows)


def entries(world: Any) -> Iterator[Entry]:
    """The history of *world*: when the fault began, what was put into carts, and every attempt with its end."""
    blank = Entry(
        n=0, at=world.at(0), plan_s=0.0, phase="lead", kind="note", actor="runner", operation="r", verb="lead"
    )
    yield blank
    if world.window_from_s is not None:
        at = world.at(world.window_from_s)
        value = {"window_from_at": at, "target": "payment", "now": {"replicas": 0}}
        yield msgspec.structs.replace(blank, at=at, phase="main", kind="ok", verb="inject", value=value)
        yield msgspec.structs.replace(blank, at=world.at(890), phase="main", kind="invoke", verb="heal")
        yield msgspec.structs.replace(blank, at=world.at(900), phase="main", kind="ok", verb="heal")
    for change in world.cart_changes:
        actor = f"customer:{change.username}"
        # What another verb says may be spelt as a checkout's and mean something else.
        value = {"lines": 1} if world.window_from_s is None else {}
        yield msgspec.structs.replace(blank, at=change.at, kind="invoke", actor=actor, verb=change.verb, value=value)
    for attempt in world.attempts:
        begun = {"phase": attempt.phase, "operation": attempt.operation, "verb": "checkout"}
        yield msgspec.structs.replace(
            blank, at=attempt.invoked_at, kind="invoke", value=_taken(attempt, CheckoutInvoke), **begun
        )
        if attempt.completed_at:
            yield msgspec.structs.replace(
                blank, at=attempt.completed_at, kind=attempt.end, value=_taken(attempt, CheckoutEnd), **begun
            )


def _taken(attempt: Attempt, shape: Any) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.to_builtins(attempt)
    return {name: whole[name] for name in shape.__struct_fields__}


def change(world: Any, chance: Random) -> None:
    """Change one thing of *world* in one of many ways, some of which no shop could."""
    how = chance.choice((_set_field,) * 8 + (_repeat, _drop, _swap, _set_attempt, _set_attempt, _look, _beside, _lose))
    how(world, chance)


def _any_book(world: Any, chance: Random) -> list[Any]:
    held: list[list[Any]] = [rows for rows in world.rows.values() if rows]
    return chance.choice(held)


def _other_value(rows: list[Any], field: str, chance: Random) -> Any:
    """Another line's value of *field*, or one near it, of the same type."""
    value = getattr(chance.choice(rows), field)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.choice((-1, 0, 1))
    if isinstance(value, str):
        return chance.choice((value, value, value, value if field in NEVER_EMPTY else ""))
    return value


def _set_field(world: Any, chance: Random) -> None:
    rows = _any_book(world, chance)
    n = chance.randrange(len(rows))
    fields = rows[n].__struct_fields__
    ties = [name for name in fields if name.endswith(("id", "key", "parent", "seq"))]
    # What ties lines together is where two ways of judging could part.
    field = chance.choice(ties if ties and chance.random() < 0.6 else fields)
    rows[n] = msgspec.structs.replace(rows[n], **{field: _other_value(rows, field, chance)})


def _repeat(world: Any, chance: Random) -> None:
    rows = _any_book(world, chance)
    row = chance.choice(rows)
    if hasattr(row, "seq") and chance.random() < 0.7:
        row = msgspec.structs.replace(row, seq=world.seq())
    rows.append(row)


def _drop(world: Any, chance: Random) -> None:
    rows = _any_book(world, chance)
    rows.pop(chance.randrange(len(rows)))


def _swap(world: Any, chance: Random) -> None:
    rows = _any_book(world, chance)
    n, m = chance.randrange(len(rows)), chance.randrange(len(rows))
    if hasattr(rows[n], "seq") and chance.random() < 0.7:
        first, second = rows[n].seq, rows[m].seq
        rows[n], rows[m] = msgspec.structs.replace(rows[m], seq=first), msgspec.structs.replace(rows[n], seq=second)
    else:
        rows[n], rows[m] = rows[m], rows[n]


def _set_attempt(world: Any, chance: Random) -> None:
    n = chance.randrange(len(world.attempts))
    attempt = world.attempts[n]
    field = chance.choice([name for name in attempt.__struct_fields__ if name not in ("message", "error", "late_s")])
    value = _other_value(world.attempts, field, chance)
    if field == "cart_after":
        value = chance.choice((None, [], attempt.lines))
    world.attempts[n] = msgspec.structs.replace(attempt, **{field: value})


def _look(world: Any, chance: Random) -> None:
    order = chance.choice(world.rows["orders"])
    label, at_s = chance.choice(("Shipped", "Paid", "Pending", " shipped", "Cancelled")), chance.uniform(0, 1100)
    chance.choice((world.shown_before, world.rows["shown"])).append(
        Shown(order_id=order.id, customer_id=order.customer_id, label=label, at=world.at(at_s))
    )


def _beside(world: Any, chance: Random) -> None:
    order = chance.choice(world.rows["orders"])
    item = order.lines[0] if order.lines else world.line("holy")
    whose = chance.choice((order.customer_id, "c-somebody"))
    world.rows["carts"].append(_cart_line(whose, item))
    world.rows["owners"].append(Owner(customer_id=whose, card_last_four=order.card_last_four, address=order.address))
    if chance.random() < 0.3:
        world.log_lines.setdefault("orders-1", []).append(f"Order {order.id} status updated to PAYMENT_FAILED")


def _cart_line(customer_id: str, line: Any) -> CartLine:
    return CartLine(customer_id=customer_id, item_id=line.item_id, quantity=line.quantity, unit_cents=line.unit_cents)


def _lose(world: Any, chance: Random) -> None:
    book = chance.choice([book for book in BOOKS if book != "orders"])
    world.missing[book] = chance.choice(("no answer within 20 s", "GET /x answers HTTP 404."))
