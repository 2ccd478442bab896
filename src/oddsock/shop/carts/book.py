"""The carts' book: which lines stand in whose cart. The price is the one the front-end sent, as in the original."""

import sqlite3

import msgspec

from oddsock.kit import ids
from oddsock.kit.sqlite import Book

SCHEMA = """
CREATE TABLE IF NOT EXISTS carts(customer_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS items(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL, item_id TEXT NOT NULL,
  quantity INTEGER NOT NULL, unit_price REAL NOT NULL);
CREATE INDEX IF NOT EXISTS items_of_customer ON items(customer_id);
"""


class Item(msgspec.Struct, rename="camel"):
    """A line of a cart as the wire shows it."""

    id: str
    item_id: str
    quantity: int
    unit_price: float


class NoSuchItem(Exception):
    """The cart holds no such item."""


class CartsBook:
    """The carts of the shop, in one SQLite file."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def open_cart(self, customer_id: str) -> None:
        """Make the cart of *customer_id* when it is missing."""
        with self._book.transaction() as rows:
            self._open(rows, customer_id)

    def delete_cart(self, customer_id: str) -> None:
        """Delete the cart and its lines; one that never existed is fine."""
        with self._book.transaction() as rows:
            rows.execute("DELETE FROM items WHERE customer_id=?", (customer_id,))
            rows.execute("DELETE FROM carts WHERE customer_id=?", (customer_id,))

    def merge(self, session_id: str, customer_id: str) -> None:
        """Put the session's lines behind the customer's, equal items not joined, and drop the session's cart."""
        if session_id == customer_id:
            return
        with self._book.transaction() as rows:
            self._open(rows, customer_id)
            rows.execute("UPDATE items SET customer_id=? WHERE customer_id=?", (customer_id, session_id))
            rows.execute("DELETE FROM carts WHERE customer_id=?", (session_id,))

    def items(self, customer_id: str) -> list[Item]:
        """The lines of a cart in the order they came."""
        found = self._book.connection.execute("SELECT * FROM items WHERE customer_id=? ORDER BY n", (customer_id,))
        return [Item(row["id"], row["item_id"], row["quantity"], row["unit_price"]) for row in found]

    def item(self, customer_id: str, item_id: str) -> Item:
        """The first line of *item_id*; NoSuchItem."""
        for item in self.items(customer_id):
            if item.item_id == item_id:
                return item
        raise NoSuchItem(item_id)

    def add(self, customer_id: str, item_id: str, quantity: int, unit_price: float) -> Item:
        """Add a line; when the item is there already its quantity grows by one, whatever was posted."""
        try:
            present = self.item(customer_id, item_id)
        except NoSuchItem:
            line = Item(ids.object_id(), item_id, quantity, unit_price)
            with self._book.transaction() as rows:
                self._open(rows, customer_id)
                rows.execute(
                    "INSERT INTO items VALUES(NULL,?,?,?,?,?)", (line.id, customer_id, item_id, quantity, unit_price)
                )
            return line
        self._set_quantity(present.id, present.quantity + 1)
        return msgspec.structs.replace(present, quantity=present.quantity + 1)

    def change(self, customer_id: str, item_id: str, quantity: int) -> None:
        """Set the quantity of a line; NoSuchItem."""
        self._set_quantity(self.item(customer_id, item_id).id, quantity)

    def remove(self, customer_id: str, item_id: str) -> None:
        """Take a line out; NoSuchItem."""
        line = self.item(customer_id, item_id)
        with self._book.transaction() as rows:
            rows.execute("DELETE FROM items WHERE id=?", (line.id,))

    def works(self) -> bool:
        """Whether the file can be read."""
        try:
            self._book.connection.execute("SELECT 1 FROM items LIMIT 1").fetchone()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _open(self, rows: sqlite3.Connection, customer_id: str) -> None:
        rows.execute("INSERT INTO carts VALUES(?) ON CONFLICT DO NOTHING", (customer_id,))

    def _set_quantity(self, line_id: str, quantity: int) -> None:
        with self._book.transaction() as rows:
            rows.execute("UPDATE items SET quantity=? WHERE id=?", (quantity, line_id))
