"""What the runs share: a clock whose time passes only when everybody waits, and a toy shop without a network."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.sockshop.books import (
    CartLine,
    Charge,
    Customer,
    Line,
    Notice,
    Order,
    OrderEvent,
    Owner,
    Shipment,
    Shown,
    Sock,
    StatusChange,
)
from oddsock.clients.sockshop.browser import VANISHED, Browser, Page, Reply
from oddsock.clients.sockshop.doors import Answer, FixedDoors
from oddsock.clients.sockshop.shop import Health, Shop
from oddsock.drill.access import Access
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.customers import people
from oddsock.drill.history import Entry
from oddsock.drill.plan import Plan
from oddsock.drill.shopper import Sessions
from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import Unreachable

SPEED = 30.0
IDLE_ROUNDS = 60
"""Turns of the loop after which nobody is expected to do anything without time passing."""

SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox")


class VirtualClock:
    """Time that jumps to the next sleeper when nobody has anything else to do."""

    def __init__(self, speed: float = SPEED) -> None:
        self.speed = speed
        self._passed_s = 0.0
        self._asked = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._driver: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        """The report's 08:24 and what passed since, a millisecond later each time: no two instants are one."""
        self._asked += 1
        return datetime(2025, 10, 30, 8, 24, tzinfo=UTC) + timedelta(seconds=self._passed_s, milliseconds=self._asked)

    def monotonic(self) -> float:
        """Wall seconds that passed."""
        return self._passed_s

    async def sleep(self, plan_s: float) -> None:
        """Wait until the others let *plan_s* plan seconds pass."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # At least a microsecond: less may vanish in the sum, and whoever sleeps until an instant would never see it.
        wakes_at_s = self._passed_s + max(plan_s / self.speed, 1e-6)
        heapq.heappush(self._sleepers, (wakes_at_s, next(self._numbers), woken))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.ensure_future(self._drive())
        await woken

    async def _drive(self) -> None:
        while self._sleepers:
            for _ in range(IDLE_ROUNDS):
                await asyncio.sleep(0)
            wakes_at_s, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._passed_s = max(self._passed_s, wakes_at_s)
                woken.set_result(None)


class ToyShop:
    """All books of a shop in memory; payment answers while the cluster has replicas of it."""

    def __init__(self, cluster: MemoryCluster, clock: Clock) -> None:
        self.cluster = cluster
        self.clock = clock
        self.socks = [
            Sock(id="sock-holy", name="Holy Cringle Socks", price_cents=9999),
            Sock(id="sock-colourful", name="Colourful Socks", price_cents=1500),
            Sock(id="sock-crossed", name="Crossed Socks", price_cents=1715),
        ]
        self.customers: dict[str, Customer] = {}
        self.passwords: dict[str, str] = {}
        self.cards: dict[str, str] = {}
        self.carts: dict[str, dict[str, int]] = {}
        self.orders: dict[str, Order] = {}
        self.journal: list[StatusChange] = []
        self.charges: list[Charge] = []
        self.shipments: list[Shipment] = []
        self.notices: list[Notice] = []
        self.away: set[str] = set()
        self.slow_checkout_plan_s = 0.0

    def need(self, service: str) -> None:
        """Unreachable when *service* is away."""
        if service in self.away or not self.cluster.counts.get(service):
            raise Unreachable(service, f"http://{service}", "Connection refused")

    def lines(self, customer_id: str) -> list[Line]:
        """A customer's cart."""
        prices = {sock.id: sock.price_cents for sock in self.socks}
        held = self.carts.get(customer_id, {})
        return [Line(item_id=item, quantity=count, unit_cents=prices[item]) for item, count in held.items()]

    def set_status(self, order: Order, status: str, cause: str = "", request_id: str = "", **more: str | None) -> Order:
        """Append to the journal and change the order."""
        fields = {name: getattr(order, name) for name in Order.__struct_fields__}
        changed = Order(**{**fields, "status": status, **more})
        self.orders[order.id] = changed
        seq = len(self.journal) + 1
        at = iso(self.clock.now())
        self.journal.append(
            StatusChange(seq=seq, order_id=order.id, status=status, at=at, cause=cause, request_id=request_id)
        )
        return changed

    def place(self, customer: Customer, lines: list[Line], request_id: str) -> Order:
        """Orders' profile incident-3, up to the call of payment."""
        total = sum(line.quantity * line.unit_cents for line in lines) + 499
        order = Order(
            id=f"{len(self.orders) + 1:024x}",
            customer_id=customer.id,
            username=customer.username,
            status="CREATED",
            total_cents=total,
            total_wire=total / 100,
            lines=lines,
            shipment_id=None,
            placed_at=iso(self.clock.now()),
        )
        self.set_status(order, "CREATED", request_id=request_id)
        return self.set_status(order, "PENDING")

    def pay_and_ship(self, order: Order) -> Order:
        """Capture and parcel, or PAYMENT_FAILED when payment is away."""
        try:
            self.need("payment")
        except Unreachable:
            return self.set_status(order, "PAYMENT_FAILED", "Connection refused")
        at, seq = iso(self.clock.now()), len(self.charges) + 1
        for kind in ("authorisation", "capture"):
            self.charges.append(
                Charge(
                    seq=seq,
                    id=f"c{seq}-{kind}",
                    charge_id=f"c{seq}",
                    kind=kind,
                    amount_cents=order.total_cents,
                    at=at,
                    customer_id=order.customer_id,
                    order_id=order.id,
                )
            )
        parcel = f"p-{order.id}"
        for event in ("accepted", "dispatched"):
            self.shipments.append(
                Shipment(seq=len(self.shipments) + 1, shipment_id=parcel, event=event, at=at, order_id=order.id)
            )
        return self.set_status(order, "PAID", shipment_id=parcel)

    def cancel(self, order_id: str) -> None:
        """Refund, recall, CANCELLED."""
        for capture in [line for line in self.charges if line.order_id == order_id and line.kind == "capture"]:
            seq = len(self.charges) + 1
            fields = {name: getattr(capture, name) for name in Charge.__struct_fields__}
            self.charges.append(Charge(**{**fields, "seq": seq, "id": f"r{seq}", "kind": "refund"}))
        parcel = f"p-{order_id}"
        self.shipments.append(
            Shipment(
                seq=len(self.shipments) + 1,
                shipment_id=parcel,
                event="recalled",
                at=iso(self.clock.now()),
                order_id=order_id,
            )
        )
        self.set_status(self.orders[order_id], "CANCELLED", reason="test order")


class FakeShop(Shop):
    """The operator's view of a toy shop."""

    def __init__(self, toy: ToyShop) -> None:
        self.toy = toy
        self.cancellable = True

    async def close(self) -> None:
        """Nothing to let go."""

    async def orders(self) -> list[Order]:
        self.toy.need("orders")
        return list(self.toy.orders.values())

    async def journal(self) -> list[StatusChange]:
        self.toy.need("orders")
        return list(self.toy.journal)

    async def charges(self) -> list[Charge]:
        self.toy.need("payment")
        return list(self.toy.charges)

    async def shipments(self) -> list[Shipment]:
        self.toy.need("shipping")
        return list(self.toy.shipments)

    async def notices(self) -> list[Notice]:
        self.toy.need("mailbox")
        return list(self.toy.notices)

    async def waiting_notices(self) -> int:
        return 0

    async def carts(self, customer_ids: Iterable[str]) -> list[CartLine]:
        self.toy.need("carts")
        return [
            CartLine(customer_id=who, item_id=line.item_id, quantity=line.quantity, unit_cents=line.unit_cents)
            for who in customer_ids
            for line in self.toy.lines(who)
        ]

    async def customers(self) -> list[Customer]:
        self.toy.need("user")
        return list(self.toy.customers.values())

    async def owners(self) -> list[Owner]:
        self.toy.need("user")
        return [Owner(customer_id=f"id-{who}", card_last_four=card[-4:]) for who, card in self.toy.cards.items()]

    async def events(self) -> list[OrderEvent]:
        raise Unreachable("/events of orders", "http://toy", "HTTP 404")

    async def catalogue(self) -> list[Sock]:
        self.toy.need("catalogue")
        return list(self.toy.socks)

    async def health(self, service: str) -> list[Health]:
        self.toy.need(service)
        return [Health(service=service, status="OK")]

    async def supports_retry(self) -> bool:
        self.toy.need("orders")
        return True

    async def remove_cart_line(self, customer_id: str, item_id: str) -> Answer:
        self.toy.carts.get(customer_id, {}).pop(item_id, None)
        return Answer(202, b"", "toy")

    async def retry_order(self, order_id: str, key: str) -> Answer:
        self.toy.pay_and_ship(self.toy.set_status(self.toy.orders[order_id], "PENDING"))
        return Answer(200, b"{}", "toy")

    async def cancel_order(self, order_id: str, reason: str, key: str) -> Answer:
        if not self.cancellable:
            return Answer(405, b"", "toy")
        self.toy.cancel(order_id)
        return Answer(200, b"{}", "toy")


class FakeBrowser(Browser):
    """A customer's view of a toy shop; `toy` is set by the fixture on a subclass."""

    toy: ToyShop

    def __init__(self, door: ServiceDoor, username: str, clock: Clock | None = None, call_s_max: float = 1.0) -> None:
        super().__init__(door, username, clock, call_s_max)
        self.checkouts = 0

    async def register(self, password: str, first_name: str = "", last_name: str = "", email: str = "") -> Reply:
        if self.username in self.toy.passwords:
            return Reply(outcome="unknown", http_status=500, error="E11000 duplicate key")
        self.customer_id = f"id-{self.username}"
        self.toy.passwords[self.username] = password
        self.toy.customers[self.username] = Customer(id=self.customer_id, username=self.username, email=email)
        return Reply(outcome="ok", http_status=200, id=self.customer_id)

    async def login(self, password: str) -> Reply:
        if self.toy.passwords.get(self.username) != password:
            return Reply(outcome="fail", http_status=401)
        self.customer_id = f"id-{self.username}"
        return Reply(outcome="ok", http_status=200)

    async def add_address(self, number: str, street: str, city: str, postcode: str, country: str) -> Reply:
        return Reply(outcome="ok", http_status=200)

    async def add_card(self, number: str, expires: str, ccv: str) -> Reply:
        self.toy.cards[self.username] = number
        return Reply(outcome="ok", http_status=200)

    async def socks(self) -> list[Sock]:
        self.toy.need("catalogue")
        return list(self.toy.socks)

    async def add_to_cart(self, item_id: str, quantity: int = 1) -> Reply:
        held = self.toy.carts.setdefault(self.customer_id, {})
        held[item_id] = quantity if quantity != 1 else held.get(item_id, 0) + 1
        return Reply(outcome="ok", http_status=201)

    async def remove(self, item_id: str) -> Reply:
        self.toy.carts.get(self.customer_id, {}).pop(item_id, None)
        return Reply(outcome="ok", http_status=202)

    async def clear_cart(self) -> Reply:
        self.toy.carts.pop(self.customer_id, None)
        return Reply(outcome="ok", http_status=202)

    async def cart(self) -> list[Line]:
        self.toy.need("carts")
        return self.toy.lines(self.customer_id)

    async def checkout(
        self, request_id: str = "", traceparent: str = "", order_token: str = "", vanishes: bool = False
    ) -> Reply:
        if not self.customer_id:
            return Reply(outcome="fail", told="error", message="You must be logged in to place an order.")
        if self.toy.slow_checkout_plan_s:
            await self.toy.clock.sleep(self.toy.slow_checkout_plan_s)
        order = self.toy.place(self.toy.customers[self.username], await self.cart(), request_id)
        order = self.toy.pay_and_ship(order)
        if vanishes:
            return Reply(outcome="unknown", error=VANISHED)
        if order.status != "PAID":
            return Reply(outcome="unknown", http_status=500, error="no payment", cart_after=await self.cart())
        await self.clear_cart()
        return Reply(
            outcome="ok",
            http_status=201,
            told="confirmation",
            message="Order placed.",
            order_id=order.id,
            total_wire=order.total_wire,
            cart_after=[],
        )

    async def read_orders_page(self) -> Page:
        mine = [order for order in self.toy.orders.values() if order.customer_id == self.customer_id]
        at = iso(self.toy.clock.now())
        shown = [Shown(order_id=one.id, customer_id=self.customer_id, label="Shipped", at=at) for one in mine]
        return Page(html=f"<html>{self.toy.cards.get(self.username, '')}</html>", shown=shown)


class Watcher:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.steps: list[tuple[int, int]] = []
        self.broken = asyncio.Event()
        self.on_line: Callable[[int], object] = lambda count: None

    def event(self, entry: Entry) -> None:
        """Remember it; *broken* is set when a fault of the main clock took effect."""
        self.entries.append(entry)
        if entry.verb == "inject" and entry.kind == "ok" and entry.phase == "main":
            self.broken.set()
        self.on_line(len(self.entries))

    def progress(self, done: int, total: int) -> None:
        """Remember it."""
        self.steps.append((done, total))


class World:
    """A toy shop on a cluster in memory, a clock, and a case to write into."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(
            dict.fromkeys(SERVICES, 1), clock=self.clock, annotations={"oddsock.dev/drills": "allowed"}
        )
        self.toy = ToyShop(self.cluster, self.clock)
        self.shop = FakeShop(self.toy)
        self.watcher = Watcher()
        self.cases: list[Case] = []
        self.case = self.make_case()

    def make_case(self) -> Case:
        """A fresh, locked case."""
        meta = ClusterMeta(server=self.cluster.server)
        self.cases.append(Case.create(self.home, "toy", self.clock, cluster=meta, speed=SPEED))
        return self.cases[-1]

    def access(self, plan: Plan) -> Access:
        """The way to the toy shop."""
        browser = type("ToyBrowser", (FakeBrowser,), {"toy": self.toy})
        doors = FixedDoors({"front-end": "http://toy"})
        return Access(self.shop, Sessions(people(plan), doors, self.clock, browser))

    def lines(self, verb: str, *kinds: str) -> list[Entry]:
        """The history's lines of *verb*."""
        return [one for one in self.case.history if one.verb == verb and (not kinds or one.kind in kinds)]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Makes worlds that share one home; their cases are unlocked at the end."""
    made: list[World] = []

    def make() -> World:
        made.append(World(tmp_path))
        return made[-1]

    yield make
    for world in made:
        for case in world.cases:
            case.unlock()


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    """One world."""
    return make_world()
