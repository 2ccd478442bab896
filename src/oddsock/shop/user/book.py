"""The user book: customers, their addresses and their cards.

Dialect `power` keeps one address and one card a customer, under the customer's own id; dialect `weave` gives each an id
of its own and remembers whose it is, if anybody's. A book that was begun in one dialect can be read in the other.
"""

import secrets
import sqlite3
from typing import NamedTuple, TypeVar

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
CREATE TABLE IF NOT EXISTS owners(id TEXT PRIMARY KEY, customer_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS owners_of_customer ON owners(customer_id);
"""

ENTITIES_MAX = 10_000
"""How many entities of one kind a list shows."""


class Seed(NamedTuple):
    """One of the original's customers, with the ids that `weave` gives their address and card."""

    id: str
    username: str
    password: str
    first_name: str
    last_name: str
    address_id: str
    card_id: str
    card: str


SEEDS = (
    Seed(
        "57a98d98e4b00679b4a830af",
        "Eve_Berger",
        "eve",
        "Eve",
        "Berger",
        "57a98d98e4b00679b4a830ad",
        "57a98d98e4b00679b4a830ae",
        "5953580604169678",
    ),
    Seed(
        "57a98d98e4b00679b4a830b2",
        "user",
        "password",
        "User",
        "Name",
        "57a98d98e4b00679b4a830b0",
        "57a98d98e4b00679b4a830b1",
        "5544154011345918",
    ),
    Seed(
        "57a98d98e4b00679b4a830b5",
        "user1",
        "password",
        "User1",
        "Name1",
        "57a98d98e4b00679b4a830b3",
        "57a98d98e4b00679b4a830b4",
        "0908415193175205",
    ),
)
"""The original's three customers."""

T = TypeVar("T")


class DuplicateUsername(Exception):
    """A customer of that name exists."""


class NotFound(Exception):
    """No such entity."""


class UserBook:
    """The customers of the shop, in one SQLite file."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def seed(self, own_ids: bool = False) -> None:
        """Put the original's three customers into an empty book; with *own_ids* as `weave` keeps what is theirs."""
        if self.customers():
            return
        for one in SEEDS:
            email = f"{one.username.lower()}@example.com"
            self._insert(one.id, one.username, one.password, email, one.first_name, one.last_name)
            card = Card(long_num=one.card, expires="08/19", ccv="678")
            home = Address(street="Whitelees Road", number="246", city="Glasgow", postcode="G67 3DL", country="UK")
            if own_ids:
                self.add("addresses", one.id, home, one.address_id)
                self.add("cards", one.id, card, one.card_id)
            else:
                self.put("addresses", one.id, home)
                self.put("cards", one.id, card)

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

    def add(self, table: str, customer_id: str, fields: Address | Card, identity: str = "") -> str:
        """The id of one more address or card of *customer_id*, of nobody when that is empty; NotFound."""
        identity = identity or ids.object_id()
        with self._book.transaction() as rows:
            if customer_id and not rows.execute("SELECT 1 FROM customers WHERE id=?", (customer_id,)).fetchone():
                raise NotFound(customer_id)
            rows.execute(f"INSERT INTO {table}(id, fields) VALUES(?,?)", (identity, msgspec.json.encode(fields)))
            if customer_id:
                rows.execute("INSERT INTO owners VALUES(?,?)", (identity, customer_id))
        return identity

    def get(self, table: str, identity: str, shape: type[T]) -> T:
        """The address or card under *identity*; NotFound."""
        row = self._book.connection.execute(f"SELECT fields FROM {table} WHERE id=?", (identity,)).fetchone()
        if row is None:
            raise NotFound(identity)
        return msgspec.json.decode(row["fields"], type=shape)

    def every(self, table: str, shape: type[T], customer_id: str = "") -> list[tuple[str, T]]:
        """Every address or card with its id, the eldest first; only those of *customer_id* when it is given."""
        where, values = "", tuple[str, ...]()
        if customer_id:
            where = "WHERE id=? OR id IN (SELECT id FROM owners WHERE customer_id=?)"
            values = (customer_id, customer_id)
        rows = self._book.connection.execute(
            f"SELECT id, fields FROM {table} {where} ORDER BY n LIMIT ?", (*values, ENTITIES_MAX)
        )
        return [(row["id"], msgspec.json.decode(row["fields"], type=shape)) for row in rows]

    def delete(self, table: str, identity: str) -> None:
        """Delete a customer (with their addresses and cards), an address or a card; NotFound."""
        theirs = "id=? OR id IN (SELECT id FROM owners WHERE customer_id=?)"
        with self._book.transaction() as rows:
            if rows.execute(f"DELETE FROM {table} WHERE id=?", (identity,)).rowcount == 0:
                raise NotFound(identity)
            if table == "customers":
                rows.execute(f"DELETE FROM addresses WHERE {theirs}", (identity, identity))
                rows.execute(f"DELETE FROM cards WHERE {theirs}", (identity, identity))
            rows.execute("DELETE FROM owners WHERE id=? OR customer_id=?", (identity, identity))

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
