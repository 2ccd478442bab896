"""The port of the orders' store: what orders needs of whatever keeps them (SQLite: `sqlite_store`).

Every write is durable when its call returns. A change of an order is one transaction: the order's row, its line in
the journal, its events, letters, marks and errand, or nothing. Reads see every write that returned before them.
"""

from collections.abc import Sequence
from typing import Protocol

from oddsock.clients.sockshop.books import StatusChange
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Change, Errand, Letter, Mark, OrderEvent


class OrdersStore(Protocol):
    """The orders of a shop; *is_shared* says whether other processes may work on the same orders."""

    is_shared: bool

    async def create(self, *changes: Change) -> None:
        """Store a new order with its first *changes*, all of them or none.

        KeyTaken, KeyReused when the key of its request stands for something else by now.
        """
        ...

    async def apply(self, change: Change) -> None:
        """Write *change*; Superseded when the stored revision is not the one before the change's."""
        ...

    async def order(self, order_id: str) -> Order:
        """The order of that id; UnknownOrder."""
        ...

    async def orders(self, first: int, rows_max: int, newest_first: bool = False) -> list[Order]:
        """*rows_max* orders from position *first* (from 0), in the order they were stored or against it."""
        ...

    async def orders_of(self, customer_id: str, rows_max: int, newest_first: bool = False) -> list[Order]:
        """Up to *rows_max* orders of one customer."""
        ...

    async def count(self) -> int:
        """How many orders there are."""
        ...

    async def journal(self, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
        """Up to *rows_max* lines of the journal behind seq *after*, of one order when *order_id* is given."""
        ...

    async def events(self, after: int, rows_max: int, order_id: str = "") -> list[OrderEvent]:
        """Up to *rows_max* events behind seq *after*, of one order when *order_id* is given."""
        ...

    async def marks(self, order_id: str) -> list[Mark]:
        """The saga's journal of one order, oldest first."""
        ...

    async def open_key(self, key: str, kind: str, order_id: str) -> None:
        """Keep that *kind* (retry or cancel) of *order_id* began under *key*; KeyReused for another order or kind."""
        ...

    async def is_key_open(self, key: str) -> bool:
        """Whether something began under *key*, ended or not."""
        ...

    async def key_answer(self, key: str, kind: str, order_id: str) -> Order | None:
        """The final answer stored under *key*, None while there is none; KeyReused."""
        ...

    async def close_key(self, key: str, order: Order) -> None:
        """Store *order* as the final answer under *key*."""
        ...

    async def request_order(self, key: str, fingerprint: str) -> str:
        """The id of the order that a request's *key* stands for, empty when it is new; KeyReused for another print."""
        ...

    async def put_errand(self, errand: Errand) -> None:
        """Keep *errand* in the place of its order's errand, its lease given back."""
        ...

    async def end_errand(self, order_id: str) -> None:
        """Nothing is to be done for the order any more."""
        ...

    async def errand(self, order_id: str) -> Errand | None:
        """The errand of an order."""
        ...

    async def errands(self, dead: bool, after: str, rows_max: int) -> list[Errand]:
        """Up to *rows_max* errands by order id behind *after*: the dead letters, or the others."""
        ...

    async def errand_counts(self) -> tuple[int, int]:
        """How many errands are parked and how many are dead letters."""
        ...

    async def adopt_unfinished(self, untouched_since: str, errand: Errand) -> int:
        """Give each order that is CREATED, PENDING, or PAID without a shipment, has no errand and was not touched
        after *untouched_since* an errand like *errand*; answers how many."""
        ...

    async def claim(self, holder: str, now: str, lease_until: str, rows_max: int) -> list[Errand]:
        """Lend up to *rows_max* errands that are due at *now* and in nobody's hands to *holder* until *lease_until*;
        no two holders get the same one."""
        ...

    async def hasten(self, now: str) -> int:
        """Make every errand that waits in nobody's hands due at *now*; answers how many."""
        ...

    async def give_back(self, holder: str) -> int:
        """Take every lease of another holder away (a store of one process: they are dead); answers how many."""
        ...

    async def claim_letters(self, kind: str, holder: str, now: str, lease_until: str, rows_max: int) -> list[Letter]:
        """Lend up to *rows_max* letters that are due: of each order the oldest only, so that none overtakes another."""
        ...

    async def settle_letters(self, ids: Sequence[int], at: str) -> None:
        """The letters were delivered."""
        ...

    async def postpone_letter(self, letter_id: int, due_at: str) -> None:
        """The letter was not delivered; it is due again at *due_at*."""
        ...

    async def letters_waiting(self, kind: str) -> int:
        """How many letters of *kind* are not delivered yet."""
        ...

    def works(self) -> bool:
        """Whether the store can be read."""
        ...

    async def close(self) -> None:
        """Let the store go."""
        ...
