"""The user book: customers, and in dialect `power` one address and one card each, under the customer's own id."""

import secrets
import sqlite3
from typing import TypeVar

import msgspec

from oddsock.kit import ids
from oddsock.kit.sqlite import Book
from oddsock.shop.user.entities import Address, Card, Customer, hashed

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL,
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, salt TEXT NOT NULL, password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS addresses(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, fields BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cards(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, fields BLOB NOT NULL);
"""

ENTITIES_MAX = 10_000
"""How many entities of one kind a list shows."""

SEEDS = (
    ("57a98d98e4b00679b4a830af", "Eve_Berger", "eve", "Eve", "Berger", "5953580604169678"),
    ("57a98d98e4b00679b4a830b2", "user", "password", "User", "Name", "5544154011345918"),
    ("57a98d98e4b00679b4a830b5", "user1", "password", "User1", "Name1", "0908415193175205"),
)
"""The original's three customers: id, login, password, names, card."""

T = TypeVar("T")


class DuplicateUsername(Exception):
    """A customer of that name exists."""


class NotFound(Exception):
    """No such entity."""


class UserBook:
    """The customers of the shop, in one SQLite file."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def seed(self) -> None:
        """Put the original's three customers into an empty book."""
        if self.customers():
            return
        for identity, username, password, first, last, card in SEEDS:
            self._insert(identity, username, password, f"{username.lower()}@example.com", first, last)
            self.put("cards", identity, Card(long_num=card, expires="08/19", ccv="678"))
            home = Address(street="Whitelees Road", number="246", city="Glasgow", postcode="G67 3DL", country="UK")
            self.put("addresses", identity, home)

    def register(self, username: str, password: str, email: str, first_name: str, last_name: str) -> str:
        """The id of a new customer; DuplicateUsername."""
        identity = ids.object_id()
        self._insert(identity, username, password, email, first_name, last_name)
        return identity

    def login(self, username: str, password: str) -> Customer | None:
        """The customer whose password that is, None when it is not; NotFound for an unknown name."""
        row = self._book.connection.execute("SELECT * FROM customers WHERE username=?", (username,)).fetchone()
        if row is None:
            raise NotFound(username)
        customer = _customer(row)
        return customer if secrets.compare_digest(customer.password, hashed(customer.salt, password)) else None

    def customer(self, identity: str) -> Customer:
        """The customer of that id; NotFound."""
        row = self._book.connection.execute("SELECT * FROM customers WHERE id=?", (identity,)).fetchone()
        if row is None:
            raise NotFound(identity)
        return _customer(row)

    def customers(self) -> list[Customer]:
        """Every customer, the eldest first."""
        rows = self._book.connection.execute("SELECT * FROM customers ORDER BY n LIMIT ?", (ENTITIES_MAX,))
        return [_customer(row) for row in rows]

    def put(self, table: str, identity: str, fields: Address | Card) -> None:
        """Set the one address or card (*table* `addresses` or `cards`) of customer *identity*."""
        with self._book.transaction() as rows:
            rows.execute(
                f"INSERT INTO {table}(id, fields) VALUES(?,?) ON CONFLICT(id) DO UPDATE SET fields=excluded.fields",
                (identity, msgspec.json.encode(fields)),
            )

    def get(self, table: str, identity: str, shape: type[T]) -> T:
        """The address or card under *identity*; NotFound."""
        row = self._book.connection.execute(f"SELECT fields FROM {table} WHERE id=?", (identity,)).fetchone()
        if row is None:
            raise NotFound(identity)
        return msgspec.json.decode(row["fields"], type=shape)

    def every(self, table: str, shape: type[T]) -> list[tuple[str, T]]:
        """Every address or card with its id."""
        rows = self._book.connection.execute(f"SELECT id, fields FROM {table} ORDER BY n LIMIT ?", (ENTITIES_MAX,))
        return [(row["id"], msgspec.json.decode(row["fields"], type=shape)) for row in rows]

    def delete(self, table: str, identity: str) -> None:
        """Delete a customer (with their address and card), an address or a card; NotFound."""
        with self._book.transaction() as rows:
            if rows.execute(f"DELETE FROM {table} WHERE id=?", (identity,)).rowcount == 0:
                raise NotFound(identity)
            if table == "customers":
                rows.execute("DELETE FROM addresses WHERE id=?", (identity,))
                rows.execute("DELETE FROM cards WHERE id=?", (identity,))

    def works(self) -> bool:
        """Whether the file can be read."""
        try:
            self._book.connection.execute("SELECT 1 FROM customers LIMIT 1").fetchone()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _insert(self, identity: str, username: str, password: str, email: str, first: str, last: str) -> None:
        salt = secrets.token_hex(20)
        values = (identity, username, email, first, last, salt, hashed(salt, password))
        try:
            with self._book.transaction() as rows:
                rows.execute(
                    "INSERT INTO customers(id, username, email, first_name, last_name, salt, password) "
                    "VALUES(?,?,?,?,?,?,?)",
                    values,
                )
        except sqlite3.IntegrityError as cause:
            raise DuplicateUsername(username) from cause


def _customer(row: sqlite3.Row) -> Customer:
    return Customer(
        id=row["id"],
        username=row["username"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        salt=row["salt"],
        password=row["password"],
    )
