"""The ledger: one row an order with everything that any book says of it, and what belongs to no order at all.

An attempt that left no order has a row of its own. Books that could not be read are named in `missing`; a row whose
lines could belong to two orders says so in `ambiguous`, by book.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cached_property

import msgspec

from oddsock.clients.sockshop.books import CartLine, Customer, Notice, Order, OrderEvent, Owner, Shown, StatusChange
from oddsock.drill.course import Course
from oddsock.drill.evidence_files import NOT_TAKEN, Evidence
from oddsock.drill.grouping import ChargeGroup, Parcel
from oddsock.drill.operation import Attempt
from oddsock.drill.verdict import Finding
from oddsock.kit.clock import instant

PLACED = frozenset({"PAID", "SHIPPED", "DELIVERED"})
OPEN = frozenset({"CREATED", "PENDING"})
FAILED = frozenset({"PAYMENT_FAILED", "CANCELLED"})

LEDGER_BOOKS = ("orders", "journal", "charges", "shipments", "notices", "shown", "carts")
"""The books an order stands in; one that cannot be read leaves a row without findings indeterminate."""

SIDE_BOOKS = ("customers", "owners", "order_events")
"""Books that single checks read beside; without one those checks say nothing, and the rows stay what they are."""

NOT_KEPT = "the shop keeps no such book"
"""How the reason of a missing book begins when the shop has none at all, as against one that does not answer."""

NO_SUCH_PATH = re.compile(r"\bHTTP 40[45]\b")
"""What a service without the book answers to the one who asks for it."""


def is_never_kept(reason: str) -> bool:
    """Whether a book is missing because the shop has none, and not because it could not be read.

    >>> is_never_kept("/charges of payment at http://x does not answer: HTTP 404."), is_never_kept("refused")
    (True, False)
    """
    return reason.startswith(NOT_KEPT) or bool(NO_SUCH_PATH.search(reason))


ANYTHING = ""
"""Among the items that a customer tried to order: whatever it was."""


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """What orders that were set aside as being in good order (drill/sieve) still mean for the checks of the others.

    *labels* their pages showed, in small letters; whether shipping was told what a parcel holds or where it goes; when
    each customer's page was read at the earliest; and, reckoned when it is asked for, when each last tried each item.
    """

    labels: frozenset[str] = frozenset()
    tells_parcels: bool = False
    read_at: dict[str, str] = {}
    tried_at: Callable[[], dict[str, dict[str, datetime]]] = dict


class Row(msgspec.Struct, kw_only=True, dict=True):
    """One order with its attempts, or an attempt without an order; *claimant* names the attempt of a surplus order.

    drill/posting fills it; after that nobody changes it.
    """

    order_id: str
    order: Order | None
    attempts: list[Attempt] = []
    history: list[StatusChange] = []
    charges: list[ChargeGroup] = []
    parcels: list[Parcel] = []
    notices: list[Notice] = []
    shown: list[Shown] = []
    shown_before: list[Shown] = []  # what the same pages showed when earlier evidence was taken
    events: list[OrderEvent] = []
    cart: list[CartLine] = []
    claimant: str = ""
    before_window: bool = False
    before_drill: bool = False
    synthetic: bool = False
    ambiguous: dict[str, str] = {}

    @property
    def ref(self) -> str:
        """What a person calls this row: the order's id, else the attempt's."""
        return self.order_id or (self.attempts[0].operation if self.attempts else "")

    @property
    def customer_id(self) -> str:
        """Whose it is, as the order says, else the attempt."""
        return self.order.customer_id if self.order else (self.attempts[0].customer_id if self.attempts else "")

    @property
    def status(self) -> str:
        """The order's status now; empty without an order, or where the shop keeps none."""
        return self.order.status if self.order else ""

    def is_sure_of(self, *books: str) -> bool:
        """Whether no line of *books* could as well belong to another row."""
        return not self.ambiguous or not any(book in self.ambiguous for book in books)

    @property
    def is_placed(self) -> bool:
        """Whether the order stands as bought."""
        return self.status in PLACED and not self.is_withdrawn

    @property
    def is_failed(self) -> bool:
        """Whether the order ended without being bought."""
        return self.status in FAILED

    @property
    def was_placed(self) -> bool:
        """Whether the order ever stood as bought."""
        return self.status in PLACED or any(change.status in PLACED for change in self.history)

    @property
    def is_withdrawn(self) -> bool:
        """Whether this is the drill's own test order, paid and given back in full."""
        return self.synthetic and any(c.of_kind("refund") for c in self.charges) and not self.live_charges

    @cached_property
    def live_charges(self) -> list[ChargeGroup]:
        """The charges that still hold money."""
        return [charge for charge in self.charges if charge.is_live]

    @cached_property
    def net_cents(self) -> int:
        """What the customer has paid for this row and not got back."""
        return sum(charge.net_cents for charge in self.charges)

    @cached_property
    def live_parcels(self) -> list[Parcel]:
        """The parcels nobody recalled."""
        return [parcel for parcel in self.parcels if parcel.is_live]

    @property
    def is_declined(self) -> bool:
        """Whether payment declined it and holds no money for it."""
        return any(charge.of_kind("decline") for charge in self.charges) and not self.live_charges

    @property
    def is_compensating(self) -> bool:
        """Whether somebody began to undo it: a refund, a void or a recalled parcel."""
        undone = any(charge.of_kind("refund") or charge.of_kind("void") for charge in self.charges)
        return undone or any(not parcel.is_live for parcel in self.parcels)

    @property
    def is_given_away(self) -> bool:
        """Whether all money went back and a parcel is on its way all the same."""
        refunded = any(charge.of_kind("refund") for charge in self.charges)
        return refunded and not self.live_charges and bool(self.live_parcels)

    @property
    def late_charges(self) -> list[ChargeGroup]:
        """The charges that hold money and took it after the order was cancelled."""
        if self.status != "CANCELLED" or not self.charges:
            return []
        ended_at = next((change.at for change in reversed(self.history) if change.status == "CANCELLED"), "")
        return [c for c in self.live_charges if ended_at and any(line.at > ended_at for line in c.of_kind("capture"))]

    @property
    def last_notice(self) -> Notice | None:
        """The last mail about this order."""
        return self.notices[-1] if self.notices else None


def label_of(shown: Shown) -> str:
    """The label that a page showed, in small letters."""
    return shown.label.strip().lower()


class Ledger(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All rows of one phase, the orphans that belong to none, and which books are *missing* and why."""

    phase: str
    taken_at: str
    evidence: Evidence
    course: Course
    attempts: list[Attempt]
    rows: list[Row]
    orphan_charges: list[ChargeGroup]
    orphan_parcels: list[Parcel]
    orphan_notices: list[Notice]
    missing: dict[str, str]
    before: Evidence | None = None
    found: list[Finding] = []  # what all other checks found, for the checks about mending
    found_before: list[Finding] | None = None  # the same in the evidence before the mend
    wanted_again: list[str] = []  # keys that were carried out and that a second mend still asks for
    aside: Aside = Aside()

    @property
    def is_open(self) -> bool:
        """Whether the fault still holds, so that nothing can be expected to have settled."""
        return self.phase == "during"

    @cached_property
    def lost_books(self) -> dict[str, str]:
        """The books that exist and could not be read."""
        lost = {book: why for book, why in self.missing.items() if not is_never_kept(why)}
        return {book: why for book, why in lost.items() if book not in SIDE_BOOKS}

    @property
    def lost_side_books(self) -> dict[str, str]:
        """The books from beside that exist, were asked for and could not be read."""
        lost = {book: why for book, why in self.missing.items() if book in SIDE_BOOKS and why != NOT_TAKEN}
        return {book: why for book, why in lost.items() if not is_never_kept(why)}

    @cached_property
    def unsure_rows(self) -> list[Row]:
        """The rows with a line that could as well belong to another."""
        return [row for row in self.rows if row.ambiguous]

    @cached_property
    def _orders(self) -> list[tuple[Row, Order]]:
        return [(row, row.order) for row in self.rows if row.order]

    @cached_property
    def _by_order(self) -> dict[str, Row]:
        return {row.order_id: row for row in reversed(self.rows) if row.order_id}

    @cached_property
    def _by_customer(self) -> dict[str, list[Attempt]]:
        tried: dict[str, list[Attempt]] = {}
        for attempt in self.attempts:
            tried.setdefault(attempt.customer_id, []).append(attempt)
        return tried

    @cached_property
    def customers(self) -> dict[str, Customer]:
        """Every customer of the user service by id."""
        return {customer.id: customer for customer in self.evidence.customers.rows}

    @cached_property
    def owners(self) -> dict[str, list[Owner]]:
        """The cards and addresses of each customer by the customer's id."""
        held: dict[str, list[Owner]] = {}
        for owner in self.evidence.owners.rows:
            held.setdefault(owner.customer_id, []).append(owner)
        return held

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every label that a page showed, in small letters."""
        return self.aside.labels | {label_of(shown) for shown in self.evidence.shown.rows}

    @cached_property
    def tells_parcels(self) -> bool:
        """Whether shipping was told the socks or the address of any parcel."""
        return self.aside.tells_parcels or any(
            line.lines is not None or line.address for line in self.evidence.shipments.rows
        )

    @cached_property
    def read_at(self) -> dict[str, str]:
        """When the page of each customer was read at the earliest, by the customer's id."""
        read = dict(self.aside.read_at)
        for one in self.evidence.shown.rows:
            read[one.customer_id] = min(one.at, read.get(one.customer_id, one.at))
        return read

    @cached_property
    def _tried_aside(self) -> dict[str, dict[str, datetime]]:
        return self.aside.tried_at()

    @cached_property
    def _tried_at(self) -> dict[str, dict[str, datetime]]:
        return {}

    def tried_at(self, customer_id: str) -> dict[str, datetime]:
        """When a customer who tried to order last began to, by item, and under ANYTHING whatever it was."""
        if customer_id not in self._tried_at:
            tried = dict(self._tried_aside.get(customer_id, {}))
            for attempt in self.attempts_of(customer_id):
                at = instant(attempt.invoked_at)
                for item in (ANYTHING, *(line.item_id for line in attempt.lines)):
                    tried[item] = max(at, tried.get(item, at))
            self._tried_at[customer_id] = tried
        return self._tried_at[customer_id]

    def row_of(self, order_id: str) -> Row | None:
        """The row of an order."""
        return self._by_order.get(order_id)

    def attempts_of(self, customer_id: str) -> list[Attempt]:
        """Every attempt of a customer, in the order they began."""
        return self._by_customer.get(customer_id, [])

    def orders(self, *books: str) -> list[tuple[Row, Order]]:
        """The rows that have an order, with it, and whose lines in *books* are surely their own."""
        if not books or not self.unsure_rows:
            return self._orders
        return [(row, order) for row, order in self._orders if row.is_sure_of(*books)]

    def username(self, customer_id: str) -> str:
        """The login name of a customer, else their id."""
        known = self.customers.get(customer_id)
        return known.username if known else customer_id
