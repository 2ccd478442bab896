"""Shipping's book, which is its queue too: accepted, queued, dispatched, recalled; never rewritten.

A parcel stands in the queue while it is queued and neither dispatched nor recalled, so the queue survives every death.
"""

import sqlite3

import msgspec

from oddsock.clients.sockshop.books import Shipment
from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation

SCHEMA = """
CREATE TABLE IF NOT EXISTS shipments(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, shipment_id TEXT NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL,
  customer_id TEXT NOT NULL, order_id TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL,
  idempotency_key TEXT NOT NULL, UNIQUE (shipment_id, event));
CREATE INDEX IF NOT EXISTS shipments_of_order ON shipments(order_id);
CREATE INDEX IF NOT EXISTS shipments_of_customer ON shipments(customer_id);
CREATE UNIQUE INDEX IF NOT EXISTS one_shipment_a_key ON shipments(idempotency_key)
  WHERE event='accepted' AND idempotency_key<>'';
CREATE TRIGGER IF NOT EXISTS shipments_stay BEFORE UPDATE ON shipments
  BEGIN SELECT RAISE(ABORT, 'the book of shipments is append-only'); END;
CREATE TRIGGER IF NOT EXISTS shipments_last BEFORE DELETE ON shipments
  BEGIN SELECT RAISE(ABORT, 'the book of shipments is append-only'); END;
"""

_COLUMNS = "seq, shipment_id, event, at, customer_id, order_id, request_id, traceparent, idempotency_key"


class UnknownShipment(Exception):
    """No shipment of that id was accepted."""


class ShippingBook:
    """The shipments of the shop, in one SQLite file."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def accept(self, shipment_id: str, customer_id: str, by: Correlation) -> tuple[Shipment, bool]:
        """The accepted shipment and whether it is new; a key or an id that came before gives the first one back."""
        with self._book.transaction() as rows:
            known = rows.execute(
                "SELECT * FROM shipments WHERE event='accepted' AND (shipment_id=? OR (?<>'' AND idempotency_key=?)) "
                "ORDER BY seq LIMIT 1",
                (shipment_id, by.idempotency_key, by.idempotency_key),
            ).fetchone()
            if known is not None:
                return msgspec.convert(dict(known), Shipment), False
            for event in ("accepted", "queued"):
                self._append(rows, shipment_id, event, customer_id, by)
            row = rows.execute(
                "SELECT * FROM shipments WHERE shipment_id=? AND event='accepted'", (shipment_id,)
            ).fetchone()
        return msgspec.convert(dict(row), Shipment), True

    def queued(self, rows_max: int) -> list[Shipment]:
        """The parcels that wait, oldest first."""
        found = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM shipments AS parcel WHERE event='queued' AND NOT EXISTS (SELECT 1 FROM shipments "
            "WHERE shipment_id=parcel.shipment_id AND event IN ('dispatched','recalled')) ORDER BY seq LIMIT ?",
            (rows_max,),
        )
        return [msgspec.convert(dict(row), Shipment) for row in found]

    def dispatch(self, parcel: Shipment) -> None:
        """Take *parcel* out of the queue."""
        by = Correlation(parcel.traceparent, parcel.request_id, parcel.order_id, "", parcel.idempotency_key)
        with self._book.transaction() as rows:
            self._append(rows, parcel.shipment_id, "dispatched", parcel.customer_id, by)

    def recall(self, shipment_id: str, by: Correlation) -> Shipment:
        """The recall of *shipment_id*, written once; UnknownShipment."""
        with self._book.transaction() as rows:
            found = {
                row["event"]: row
                for row in rows.execute("SELECT * FROM shipments WHERE shipment_id=?", (shipment_id,)).fetchall()
            }
            if "accepted" not in found:
                raise UnknownShipment(shipment_id)
            if "recalled" not in found:
                known = found["accepted"]
                of_order = Correlation(by.traceparent, by.request_id, known["order_id"], "", by.idempotency_key)
                self._append(rows, shipment_id, "recalled", known["customer_id"], of_order)
            row = rows.execute(
                "SELECT * FROM shipments WHERE shipment_id=? AND event='recalled'", (shipment_id,)
            ).fetchone()
        return msgspec.convert(dict(row), Shipment)

    def page(self, after: int, rows_max: int, order_id: str = "", customer_id: str = "") -> list[Shipment]:
        """Up to *rows_max* rows behind seq *after*, of one order or one customer when given."""
        wheres, values = ["seq>?"], [after]
        bound: list[object] = [*values]
        for column, value in (("order_id", order_id), ("customer_id", customer_id)):
            if value:
                wheres.append(f"{column}=?")
                bound.append(value)
        found = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM shipments WHERE {' AND '.join(wheres)} ORDER BY seq LIMIT ?", (*bound, rows_max)
        )
        return [msgspec.convert(dict(row), Shipment) for row in found]

    def works(self) -> bool:
        """Whether the file can be read."""
        try:
            self._book.connection.execute("SELECT 1 FROM shipments LIMIT 1").fetchone()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _append(
        self, rows: sqlite3.Connection, shipment_id: str, event: str, customer_id: str, by: Correlation
    ) -> None:
        rows.execute(
            f"INSERT INTO shipments({_COLUMNS}) VALUES(NULL,?,?,?,?,?,?,?,?)",
            (
                shipment_id,
                event,
                iso(self._clock.now()),
                customer_id,
                by.order_id,
                by.request_id,
                by.traceparent,
                by.idempotency_key,
            ),
        )
