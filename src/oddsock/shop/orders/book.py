"""The book of orders: which changes an order may go through, and what each change writes beside the order.

The store keeps; the book decides: the state diagram, the line in the journal, the event, the letters a change owes its
customer, the end of an errand. All of one change is one transaction of the store.
"""

from dataclasses import replace

from oddsock.clients.sockshop.books import StatusChange
from oddsock.kit.clock import Clock, iso
from oddsock.shop.customer_texts import Charged
from oddsock.shop.orders import events, notices
from oddsock.shop.orders.order import Order, changed
from oddsock.shop.orders.records import Change, Errand, Mark, Request, Step
from oddsock.shop.orders.status import IllegalTransition, Status, check_transition
from oddsock.shop.orders.store import OrdersStore
from oddsock.shop.orders.tally import Tally

ENDED = frozenset({Status.CANCELLED, Status.DELIVERED})


class OrdersBook:
    """The orders of the shop over a *store*; *tally* counts what is committed.

    *has_history*: changes are kept as events. *has_notices*: the customer is owed a notice of each event.
    """

    def __init__(
        self,
        store: OrdersStore,
        clock: Clock,
        tally: Tally | None = None,
        has_history: bool = False,
        has_notices: bool = False,
    ) -> None:
        self.store = store
        self.has_history = has_history
        self._clock = clock
        self._tally = tally or Tally()
        self._has_notices = has_notices

    async def create(self, order: Order, step: Step) -> None:
        """Store a new order, CREATED."""
        check_transition(None, order.status)
        await self._insert(order, step, "")

    async def place(self, order: Order, step: Step, *marks: Mark, request: Request | None = None) -> Order:
        """Store a new order, CREATED and, before anything else can happen, PENDING: two lines, one flush.

        With *request* its key stands for the order from then on; KeyTaken, KeyReused.
        """
        check_transition(None, order.status)
        check_transition(order.status, Status.PENDING)
        pending, at = changed(order, status=Status.PENDING), iso(self._clock.now())
        first = Change(order=order, step=step, at=at, enters=True, request=request)
        second = Change(order=pending, step=step, at=at, enters=True, marks=marks)
        if self.has_history:
            first = replace(first, events=(events.created(order, step, at, ""),))
            second = replace(second, events=(events.moved(pending, step, at, ""),))
        await self.store.create(first, second)
        self._tally.stored(order.status)
        self._tally.entered(Status.PENDING)
        return pending

    async def save_last(self, order: Order, step: Step, cause: str) -> None:
        """Store a new order that is paid and shipped already: profile `upstream`; the journal gets one line, PAID."""
        if order.status is not Status.PAID or not order.shipment_id:
            raise IllegalTransition(None, order.status)
        await self._insert(order, step, cause)

    async def _insert(self, order: Order, step: Step, cause: str) -> None:
        at = iso(self._clock.now())
        kept = (events.created(order, step, at, cause),) if self.has_history else ()
        letters = notices.owed(order, at) if self._has_notices else ()
        await self.store.create(
            Change(order=order, step=step, at=at, cause=cause, enters=True, events=kept, letters=letters)
        )
        self._tally.stored(order.status)

    async def move(
        self,
        order: Order,
        status: Status,
        step: Step,
        cause: str = "",
        closes_key: bool = False,
        *,
        shipment_id: str | None = None,
        marks: tuple[Mark, ...] = (),
        errand: Errand | None = None,
        ends_errand: bool = False,
        event: str = "",
        charged: Charged = Charged.UNKNOWN,
    ) -> Order:
        """The order in *status* because of *cause*; IllegalTransition, Superseded.

        With *closes_key* the order is the final answer under the step's key. *shipment_id*, *marks* and *errand* are
        saved with the status; *ends_errand* takes the order's errand away. *event* is what the customer is told in
        place of what the status says, *charged* what is known of the money.
        """
        check_transition(order.status, status)
        failed = status in (Status.PAYMENT_FAILED, Status.CANCELLED)
        moved = changed(
            order,
            status=status,
            reason=cause if failed else "",
            shipment_id=shipment_id if shipment_id is not None else order.shipment_id,
        )
        at = iso(self._clock.now())
        ends = ends_errand or status in ENDED or moved.shipment_id is not None
        await self.store.apply(
            Change(
                order=moved,
                step=step,
                at=at,
                cause=cause,
                enters=True,
                events=(events.moved(moved, step, at, cause),) if self.has_history else (),
                letters=notices.owed(moved, at, event, charged) if self._has_notices else (),
                marks=marks,
                errand=errand,
                ends_errand=ends,
                closes_key=closes_key,
            )
        )
        self._tally.entered(status)
        return moved

    async def ship(self, order: Order, shipment_id: str, step: Step) -> Order:
        """The order with its shipment; the answer of the step's key, if it has one, is stored with it."""
        shipped = changed(order, shipment_id=shipment_id)
        at = iso(self._clock.now())
        kept = (events.shipped(shipped, step, at),) if self.has_history else ()
        await self.store.apply(Change(order=shipped, step=step, at=at, events=kept, ends_errand=True, closes_key=True))
        return shipped

    async def park(self, order: Order, errand: Errand, step: Step, marks: tuple[Mark, ...] = ()) -> Order:
        """The order with *errand* to be carried on with later; the first time its customer is owed a notice."""
        at = iso(self._clock.now())
        parked = changed(order)
        kept = (events.parked(parked, errand, step, at),) if self.has_history else ()
        is_late = self._has_notices and errand.stage == "finish" and not errand.dead
        charged = Charged.UNKNOWN if errand.uncertain else Charged.NO
        letters = notices.delayed(parked, at, charged) if is_late else ()
        await self.store.apply(
            Change(
                order=parked,
                step=step,
                at=at,
                cause=errand.cause,
                events=kept,
                letters=letters,
                marks=marks,
                errand=errand,
            )
        )
        return parked

    async def mark(self, order: Order, step: Step, *marks: Mark) -> Order:
        """The order with *marks* in its saga's journal."""
        marked = changed(order)
        await self.store.apply(Change(order=marked, step=step, at=iso(self._clock.now()), marks=marks))
        return marked

    async def open_key(self, key: str, kind: str, order_id: str) -> None:
        """Keep that *kind* (retry or cancel) of *order_id* began under *key*; KeyReused for another order or kind."""
        await self.store.open_key(key, kind, order_id)

    async def key_answer(self, key: str, kind: str, order_id: str) -> Order | None:
        """The final answer stored under *key*, None while there is none; KeyReused."""
        return await self.store.key_answer(key, kind, order_id)

    async def close_key(self, key: str, order: Order) -> None:
        """Store *order* as the final answer under *key*."""
        await self.store.close_key(key, order)

    async def order(self, order_id: str) -> Order:
        """The order of that id; UnknownOrder."""
        return await self.store.order(order_id)

    async def orders(self, first: int, rows_max: int, newest_first: bool = False) -> list[Order]:
        """*rows_max* orders from position *first* (from 0), in the order they were placed or against it."""
        return await self.store.orders(first, rows_max, newest_first)

    async def orders_of(self, customer_id: str, rows_max: int, newest_first: bool = False) -> list[Order]:
        """Up to *rows_max* orders of one customer."""
        return await self.store.orders_of(customer_id, rows_max, newest_first)

    async def count(self) -> int:
        """How many orders there are."""
        return await self.store.count()

    async def journal(self, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
        """A page of the journal."""
        return await self.store.journal(after, rows_max, order_id)

    def works(self) -> bool:
        """Whether the store can be read."""
        return self.store.works()

    async def close(self) -> None:
        """Let the store go."""
        await self.store.close()
