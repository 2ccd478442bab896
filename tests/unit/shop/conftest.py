"""A shop without sockets: real books on a temporary disk, payment and shipping called in process, and fate."""

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.clients.mail import NoticeMail
from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.calls import BROKEN, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.orders import book as orders_book
from oddsock.shop.orders import gateway, parcels, sqlite_store
from oddsock.shop.orders.assembly import Assembly, Doors, assemble
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order, total_of
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.status import Status
from oddsock.shop.payment import book as payment_book
from oddsock.shop.payment.decision import Asked, decide, read_request
from oddsock.shop.shipping import book as shipping_book

LIMIT = 105.0


class Died(BaseException):
    """The process was killed at this step."""


@dataclass
class Fate:
    """Counts the steps of a process and kills it at step *dies_at* (from 1; 0 never)."""

    dies_at: int = 0
    steps: int = 0

    def step(self) -> None:
        """One more step."""
        self.steps += 1
        if self.steps == self.dies_at:
            raise Died


class Mortal:
    """Anything whose every call has a step before and a step after it."""

    def __init__(self, target: object, fate: Fate) -> None:
        self._target = target
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if not callable(method):
            return method
        if inspect.iscoroutinefunction(method):

            async def later(*arguments: Any, **named: Any) -> Any:
                self._fate.step()
                outcome = await method(*arguments, **named)
                self._fate.step()
                return outcome

            return later

        def now(*arguments: Any, **named: Any) -> Any:
            self._fate.step()
            outcome = method(*arguments, **named)
            self._fate.step()
            return outcome

        return now


@dataclass
class PaymentInProcess:
    """Payment's real book and decision behind the calls that orders makes.

    *lost* answers never arrive; while there is a *cause* nobody is there.
    """

    book: payment_book.PaymentBook
    lost: int = 0
    cause: NoAnswer | None = None
    calls: int = 0
    can_hold: bool = True
    capture_cause: NoAnswer | None = None
    captures_lost: int = 0

    async def authorise(self, order: Order, by: Correlation) -> gateway.Authorisation:
        """As over HTTP."""
        asked, fingerprint = self._asked(order, by)
        decided = self.book.settle(asked, decide(asked.amount, LIMIT), by, fingerprint)
        self._arrives()
        return gateway.Authorisation(decided.authorised, decided.message)

    async def hold(self, order: Order, by: Correlation) -> gateway.Held | None:
        """As over HTTP."""
        if not self.can_hold:
            return None
        asked, fingerprint = self._asked(order, by)
        held = self.book.hold(asked, decide(asked.amount, LIMIT), by, fingerprint)
        self._arrives()
        return gateway.Held(held.authorised, held.message, held.charge_id)

    def _asked(self, order: Order, by: Correlation) -> tuple[Asked, str]:
        self.calls += 1
        self._is_there()
        body = msgspec.json.encode({"amount": order.total, "card": order.card, "customer": {"id": None}})
        return read_request(body), payment_book.fingerprint_of(body, by.order_id)

    async def capture(self, charge_id: str, order_id: str, by: Correlation) -> None:
        """As over HTTP; there is a cause, and there are lost answers, of captures alone."""
        self._is_there()
        if self.capture_cause is not None:
            raise self.capture_cause
        try:
            self.book.capture(charge_id, 0, by, charge_id)
        except payment_book.WrongState as cause:
            if not any(one.charge_id == charge_id for one in (await self.standing(order_id, by)).captures):
                raise NoAnswer(BROKEN, "payment holds the money no more", status=gateway.GONE) from cause
        if self.captures_lost:
            self.captures_lost -= 1
            raise NoAnswer(TIMED_OUT, "Read timed out")

    async def void(self, charge_id: str, reason: str, by: Correlation) -> None:
        """As over HTTP."""
        self._is_there()
        self.book.void(charge_id, reason, Correlation(idempotency_key=f"{by.idempotency_key}:{charge_id}"), charge_id)
        self._arrives()

    async def standing(self, order_id: str, by: Correlation) -> gateway.Standing:
        """As over HTTP."""
        self._is_there()
        return gateway.standing_of(self.book.page(0, 1000, order_id))

    async def refund(self, capture: gateway.Capture, reason: str, by: Correlation) -> None:
        """As over HTTP."""
        self._is_there()
        refund = payment_book.Refund(capture.charge_id, capture.left_cents, reason)
        keyed = Correlation(idempotency_key=f"{by.idempotency_key}:{capture.charge_id}:{capture.left_cents}")
        self.book.refund(refund, keyed, capture.charge_id)
        self._arrives()

    def _is_there(self) -> None:
        if self.cause is not None:
            raise self.cause

    def _arrives(self) -> None:
        if self.lost:
            self.lost -= 1
            raise NoAnswer(TIMED_OUT, "Read timed out")


@dataclass
class ShippingInProcess:
    """Shipping's real book behind the calls that orders makes; *lost* answers never arrive."""

    book: shipping_book.ShippingBook
    lost: int = 0
    named: int = 0
    cause: NoAnswer | None = None

    async def ship(self, order: Order, by: Correlation) -> str:
        """As over HTTP: a new id for every call."""
        if self.cause is not None:
            raise self.cause
        self.named += 1
        parcel, _ = self.book.accept(f"parcel-{self.named}", order.customer_id, by)
        if self.lost:
            self.lost -= 1
            raise NoAnswer(TIMED_OUT, "Read timed out")
        return parcel.shipment_id

    async def live_shipments(self, order_id: str, by: Correlation) -> list[str]:
        """As over HTTP."""
        if self.cause is not None:
            raise self.cause
        return parcels.live_shipments(self.book.page(0, 1000, order_id))

    async def recall(self, shipment_id: str, by: Correlation) -> None:
        """As over HTTP."""
        self.book.recall(shipment_id, by)


@dataclass
class ShopInProcess:
    """orders, payment and shipping over books in *folder*; `restart` is a kill -9 of orders and a new start."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    switches: dict[str, bool] = field(default_factory=dict)
    price: float = 15.0
    mails: list[NoticeMail] = field(default_factory=list)
    _open: list[Book] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.payment = PaymentInProcess(
            payment_book.PaymentBook(self._book("payment", payment_book.SCHEMA), self.clock)
        )
        self.shipping = ShippingInProcess(
            shipping_book.ShippingBook(self._book("shipping", shipping_book.SCHEMA), self.clock)
        )
        self.book = self._orders()

    def _orders(self) -> orders_book.OrdersBook:
        return orders_book.OrdersBook(
            sqlite_store.SqliteStore(self._book("orders", sqlite_store.SCHEMA)), self.clock, None, **self.switches
        )

    def _book(self, name: str, schema: str) -> Book:
        book = Book.open(self.folder / f"{name}.sqlite", schema)
        self._open.append(book)
        return book

    async def restart(self) -> None:
        """Open the book of orders anew, as a new process would."""
        await self.book.close()
        self._open.pop()
        self.book = self._orders()

    def desk(self, fate: Fate | None = None) -> Desk:
        """What checkout, retry and cancel work with; with *fate* every call of it may be the last."""
        parts: list[Any] = [self.book, self.payment, self.shipping]
        if fate is not None:
            parts = [Mortal(part, fate) for part in parts]
        return Desk(parts[0], parts[1], parts[2], Narration(SpringLog("orders", 8080, self.clock)), self.clock)

    def assemble(self, fate: Fate | None = None, **switches: Any) -> Assembly:
        """orders over these books with *switches* on; with *fate* any call of store or service may be the last."""
        parts: list[Any] = [self.book.store, self.payment, self.shipping]
        if fate is not None:
            parts = [Mortal(part, fate) for part in parts]
        doors = Doors(self, parts[1], parts[2])
        narration = Narration(SpringLog("orders", 8080, self.clock))
        return assemble(parts[0], doors, narration, self.clock, Remedies(**switches), send=self.mail)

    async def mail(self, notice: NoticeMail) -> None:
        """The mailbox takes a mail."""
        self.mails.append(notice)

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """A cart with one sock at `price`."""
        items = [Item("i", "sock", 1, self.price)]
        card = Card(long_num="5953580604169678", ccv="678")
        return Basket(links.customer_id, Customer(first_name="Rayaan"), Address(), card, items, "rayaan@example.org")

    async def settle(self, made: Assembly, turns: int = 50) -> None:
        """Carry errands out and bring letters until nothing is left to do, the clock moved on as it needs."""
        for _ in range(turns):
            if made.queue is not None:
                await made.queue.turn()
                await made.queue.settle()
            if made.postman is not None:
                await made.postman.turn()
            parked, _dead = await self.book.store.errand_counts()
            if not parked and not await self.book.store.letters_waiting("notice"):
                return
            self.clock.advance(5.0)
        raise AssertionError("it does not settle")

    def told(self, order_id: str) -> list[str]:
        """Which events a mailbox that keeps one mail a Message-ID has of an order, in order."""
        kept = {mail.message_id: mail.event for mail in self.mails if mail.order_id == order_id}
        return list(kept.values())

    async def place(self, price: float = 15.0, identity: str = "690320eae2c84800016ceb4b") -> Order:
        """An order of one sock at *price*, CREATED."""
        items = [Item(id="i", item_id="sock", quantity=1, unit_price=price)]
        total, total_cents = total_of(items, float32_totals=True)
        order = Order(
            id=identity,
            customer_id="customer-1",
            customer=Customer(first_name="Rayaan"),
            address=Address(street="Road"),
            card=Card(long_num="5953580604169678", ccv="678"),
            items=items,
            total=total,
            total_cents=total_cents,
            placed_at="2025-10-30T08:24:46.328+0000",
            status=Status.CREATED,
        )
        await self.book.create(order, Step("checkout", Correlation()))
        return order

    async def bring_to(self, order: Order, *statuses: Status, cause: str = "") -> Order:
        """The order moved through *statuses*."""
        for status in statuses:
            order = await self.book.move(order, status, Step("checkout", Correlation()), cause)
        return order

    async def statuses(self, order_id: str) -> list[str]:
        """What the journal says of an order."""
        return [change.status for change in await self.book.journal(0, 1000, order_id)]

    def kinds(self, order_id: str) -> list[str]:
        """What payment's book says of an order."""
        return [charge.kind for charge in self.payment.book.page(0, 1000, order_id)]

    def events(self, order_id: str) -> list[str]:
        """What shipping's book says of an order."""
        return [shipment.event for shipment in self.shipping.book.page(0, 1000, order_id)]

    async def close(self) -> None:
        """Let every file go."""
        await self.book.close()
        self._open.pop()
        for book in self._open:
            book.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopInProcess]:
    """A shop without sockets."""
    made = ShopInProcess(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def new_fate() -> Callable[[int], Fate]:
    """Makes a fate that kills at a step."""
    return Fate


@pytest.fixture
def died() -> type[Died]:
    """What a killed process raises."""
    return Died
