"""Exports: every order, and every order that failed in the window, as CSV and JSON; then read back and counted.

The hand-written incident's own export was an empty file that nobody noticed, so an export here is only done when the
file on disk, read again, holds as many orders as the account expects.
"""

import csv
import io
from pathlib import Path
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Order
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, write_whole
from oddsock.kit.mask import mask_cards

FORMAT = "oddsock.dev/orders-export/v1"
NAMES = ("orders", "failed-orders")
SUFFIXES = ("json", "csv")

COLUMNS = (
    "id",
    "customer_id",
    "username",
    "placed_at",
    "status",
    "status_at_failure",
    "reason",
    "total_cents",
    "total_wire",
    "shipment_id",
    "lines",
    "card_last_four",
)

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One exported file: the rows it must have, the rows it has (None: there is no such file), and why it fails."""

    name: str
    expected: int
    found: int | None
    problem: str

    @property
    def passed(self) -> bool:
        """Whether the file is there and holds exactly what it must."""
        return not self.problem


def export_row(order: Order, at_failure: Order | None) -> dict[str, Any]:
    """One order as an export holds it; *at_failure* is the same order as it was before it was mended."""
    return {
        "id": order.id,
        "customer_id": order.customer_id,
        "username": order.username,
        "placed_at": order.placed_at,
        "status": order.status,
        "status_at_failure": at_failure.status if at_failure else "",
        "reason": order.reason,
        "total_cents": order.total_cents,
        "total_wire": order.total_wire,
        "shipment_id": order.shipment_id,
        "lines": msgspec.to_builtins(order.lines),
        "card_last_four": order.card_last_four[-4:],
    }


def render_export(rows: list[dict[str, Any]], suffix: str) -> str:
    """The text of an export as json or csv, cards masked."""
    if suffix == "json":
        document = {"format": FORMAT, "count": len(rows), "orders": rows}
        return mask_cards(msgspec.json.format(msgspec.json.encode(document)).decode()) + "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        lines = "; ".join(f"{line['quantity']} x {line['item_id']} @ {line['unit_cents']}" for line in row["lines"])
        writer.writerow({name: _cell(value) for name, value in {**row, "lines": lines}.items()})
    return mask_cards(out.getvalue())


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_exports(folder: Path, exports: dict[str, list[dict[str, Any]]]) -> None:
    """Write each of *exports* (name to rows) into *folder* in both formats; CannotRun when the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in exports.items():
            for suffix in SUFFIXES:
                write_whole(folder / f"{name}.{suffix}", render_export(rows, suffix))
    except OSError as cause:
        raise explain_disk(cause, folder) from cause


def check_exports(folder: Path, expected: dict[str, list[str]]) -> list[ExportCheck]:
    """Read every export back and hold it against the order ids it must have; any difference is a problem in words."""
    return [
        _check(folder / f"{name}.{suffix}", f"exports/{name}.{suffix}", ids)
        for name, ids in expected.items()
        for suffix in SUFFIXES
    ]


def _check(path: Path, name: str, ids: list[str]) -> ExportCheck:
    if not path.exists():
        return ExportCheck(name=name, expected=len(ids), found=None, problem=f"{name} was not written")
    try:
        found = _read_ids(path)
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as cause:
        return ExportCheck(name=name, expected=len(ids), found=0, problem=f"{name} cannot be read: {cause!r}")
    problem = ""
    if len(found) != len(ids):
        emptiness = "is empty" if not found else f"holds {len(found)} orders"
        problem = f"{name} {emptiness}, expected are {len(ids)}"
    elif sorted(found) != sorted(ids):
        problem = f"{name} holds other orders than expected: {', '.join(sorted(set(found) ^ set(ids)))}"
    return ExportCheck(name=name, expected=len(ids), found=len(found), problem=problem)


def _read_ids(path: Path) -> list[str]:
    if path.suffix == ".json":
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        ids = [str(row["id"]) for row in document["orders"]]
        if document["count"] != len(ids):
            raise ValueError(f"count says {document['count']}, there are {len(ids)}")
        return ids
    with path.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"its columns are {reader.fieldnames}")
        return [row["id"] for row in reader]


def require_exports(checks: list[ExportCheck]) -> None:
    """Do nothing when every export is whole; CannotRun naming each that is not."""
    if problems := [check.problem for check in checks if check.problem]:
        raise CannotRun(f"The export failed its check: {'; '.join(problems)}.", "Look at the case's evidence/ folder.")
