"""A small shop on paper: balanced orders to plant odd rows in, and the incident of the report, as evidence in memory.

`world` is an empty one; `world.buy(...)` adds an order that every book agrees on; `world.fail(...)` one as the outage
left it. Everything can be changed, dropped or added afterwards, and `world.account(phase)` is the reckoning.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.clients.sockshop.books import (
    CartLine,
    Charge,
    Customer,
    Line,
    Notice,
    Order,
    OrderEvent,
    Shipment,
    Shown,
    StatusChange,
)
from oddsock.drill.account import Books, account_evidence, judge_ledger
from oddsock.drill.course import CartChange, Course, Mended
from oddsock.drill.evidence_files import CLUSTER_BOOKS, SHOP_BOOKS, BookEvidence, Evidence
from oddsock.drill.ledger import Ledger
from oddsock.drill.operation import Attempt, WantedLine
from oddsock.drill.posting import build_ledger
from oddsock.drill.telemetry_figures import STEPS
from oddsock.drill.telemetry_files import CLUSTER_EVENTS, HEARTBEAT, ORDERS_LINES, TARGET_LINES, Answer
from oddsock.drill.telemetry_span import Span
from oddsock.drill.verdict import Account
from oddsock.kit.clock import iso
from oddsock.kit.money import SHIPPING_CENTS

START = datetime(2025, 10, 30, 8, 0, tzinfo=UTC)
HOLY, COLOURFUL, CROSSED = "holy", "colourful", "crossed"
PRICES = {HOLY: 9999, COLOURFUL: 1500, CROSSED: 1715}
BOOKS = (
    "orders",
    "journal",
    "charges",
    "shipments",
    "notices",
    "shown",
    "carts",
    "customers",
    "owners",
    "order_events",
)
NO_EVENTS = "/orders/1/events of orders at http://o does not answer: HTTP 404."


class World:
    """The books as lists, and what the history knows."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {book: [] for book in BOOKS}
        self.missing: dict[str, str] = {"order_events": NO_EVENTS}
        self.shown_before: list[Shown] = []
        self.are_pages_kept = True
        self.attempts: list[Attempt] = []
        self.cart_changes: list[CartChange] = []
        self.window_from_s: float | None = 100.0
        self.taken_at_s = 1000.0
        self.log_lines: dict[str, list[str]] = {"orders-1": []}
        self.mended: Mended | None = None
        self.report_differences: list[str] | None = []
        self.before: Evidence | None = None
        self.span: Span | None = None
        self.answers: dict[str, Answer] = {}
        self._seq = 0

    # --- time and numbers

    def at(self, plan_s: float) -> str:
        """The instant *plan_s* seconds after the drill began."""
        return iso(START + timedelta(seconds=plan_s))

    def seq(self) -> int:
        """The next number of any book."""
        self._seq += 1
        return self._seq

    # --- whole orders

    def buy(self, order_id: str, at_s: float = 200.0, *, socks: dict[str, int] | None = None, **how: Any) -> str:
        """A bought order on which every book agrees; returns its id."""
        socks = socks or {HOLY: 1}
        self.try_order(order_id, at_s, socks, end="ok", http_status=201, told="confirmation", **how)
        self.status(order_id, "PAID", at_s + 0.5)
        self.charge(order_id, at_s=at_s + 0.4)
        self.ship(order_id, at_s=at_s + 0.6)
        self.show(order_id, "Shipped")
        return order_id

    def fail(self, order_id: str, at_s: float = 200.0, *, socks: dict[str, int] | None = None, **how: Any) -> str:
        """An order as the outage leaves it: PAYMENT_FAILED, no shipment, told nothing, shown "Shipped"."""
        socks = socks or {HOLY: 1}
        answer: dict[str, Any] = {"end": "unknown", "http_status": 500, "told": "nothing"} | how
        label = answer.pop("label", "Shipped")
        self.try_order(order_id, at_s, socks, **answer)
        self.status(order_id, "PAYMENT_FAILED", at_s + 0.5, cause="Connection refused")
        self.show(order_id, label)
        return order_id

    def try_order(self, order_id: str, at_s: float, socks: dict[str, int], **how: Any) -> Attempt:
        """An attempt, and the order it made as CREATED and PENDING (none when *order_id* is empty)."""
        username = how.pop("username", "Rayaan")
        wanted = [WantedLine(item_id=i, quantity=q, unit_cents=PRICES[i], name=i) for i, q in socks.items()]
        total = sum(line.quantity * line.unit_cents for line in wanted) + SHIPPING_CENTS
        attempt = self.attempt(at_s, username=username, lines=wanted, total_cents=total, order_id=order_id, **how)
        if order_id:
            self.rows["orders"].append(
                Order(
                    id=order_id,
                    customer_id=f"c-{username}",
                    username=username,
                    status="CREATED",
                    total_cents=total,
                    total_wire=total / 100,
                    lines=[line.as_line() for line in wanted],
                    shipment_id=None,
                    placed_at=self.at(at_s + 0.1),
                )
            )
            ids = {"request_id": attempt.request_id, "traceparent": attempt.traceparent}
            self.status(order_id, "CREATED", at_s + 0.1, **ids)
            self.status(order_id, "PENDING", at_s + 0.2, **ids)
        return attempt

    def attempt(self, at_s: float, **fields: Any) -> Attempt:
        """What one customer tried and got; an answer that is not ok names no order."""
        n = len(self.attempts) + 1
        username = fields.get("username", "Rayaan")
        if not any(customer.username == username for customer in self.rows["customers"]):
            self.rows["customers"].append(
                Customer(id=f"c-{username}", username=username, email=f"{username}@example.test")
            )
        wanted = fields.get("lines", [])
        defaults: dict[str, Any] = {
            "operation": f"a{n:04d}",
            "username": username,
            "customer_id": f"c-{username}",
            "lines": wanted,
            "total_cents": 0,
            "request_id": f"r{n}",
            "traceparent": f"00-{n:032x}-{n:016x}-01",
            "synthetic": False,
            "phase": "main",
            "plan_s": at_s,
            "invoked_at": self.at(at_s),
            "completed_at": self.at(at_s + 1),
            "cart_after": [] if fields.get("end") == "ok" else list(wanted),
        }
        whole = defaults | fields
        if whole["end"] != "ok":
            whole["order_id"] = ""
        attempt = Attempt(**whole)
        self.attempts.append(attempt)
        return attempt

    # --- single lines

    def status(self, order_id: str, status: str, at_s: float, cause: str = "", **fields: Any) -> None:
        """The order comes into *status*: one journal line, and the order shows it."""
        self.rows["journal"].append(
            StatusChange(seq=self.seq(), order_id=order_id, status=status, at=self.at(at_s), cause=cause, **fields)
        )
        self.change("orders", order_id, status=status)

    def charge(self, order_id: str, cents: int | None = None, at_s: float = 0.0, **fields: Any) -> str:
        """An authorisation and its capture, of the total unless *cents* says otherwise; returns the charge id."""
        order = self.order(order_id)
        due = order.total_cents if cents is None and order else cents or 0
        charge_id = str(fields.pop("charge_id", f"ch{self.seq()}"))
        for kind in ("authorisation", "capture"):
            self.money(kind, charge_id, due, order_id, at_s, **fields)
        return charge_id

    def money(
        self, kind: str, charge_id: str, cents: int, order_id: str = "", at_s: float = 0.0, **fields: Any
    ) -> None:
        """One line of payment's book."""
        seq = self.seq()
        self.rows["charges"].append(
            Charge(
                seq=seq,
                id=f"l{seq}",
                charge_id=charge_id,
                kind=kind,
                amount_cents=cents,
                at=self.at(at_s),
                order_id=order_id,
                **fields,
            )
        )

    def ship(self, order_id: str, *events: str, at_s: float = 0.0, shipment_id: str = "", named: bool = True) -> str:
        """A parcel with its events; the order names it unless *named* is false."""
        shipment_id = shipment_id or f"s{self.seq()}"
        for event in events or ("accepted", "queued", "dispatched"):
            self.rows["shipments"].append(
                Shipment(seq=self.seq(), shipment_id=shipment_id, event=event, at=self.at(at_s), order_id=order_id)
            )
        if named and self.order(order_id):
            self.change("orders", order_id, shipment_id=shipment_id)
        return shipment_id

    def notice(self, order_id: str, event: str, at_s: float = 900.0) -> None:
        """A mail about the order."""
        self.rows["notices"].append(
            Notice(
                seq=self.seq(),
                message_id=f"<{event}.{order_id}@oddsock.sock-shop>",
                to=self._email_of(order_id),
                subject="",
                event=event,
                order_id=order_id,
                at=self.at(at_s),
            )
        )

    def _email_of(self, order_id: str) -> str:
        order = self.order(order_id)
        return next(
            (c.email for c in self.rows["customers"] if order and c.id == order.customer_id), "who@example.test"
        )

    def source_events(self) -> None:
        """What event sourcing would have kept of every order there is."""
        self.missing.pop("order_events")
        events = self.rows["order_events"]

        def tell(order: Order, kind: str, at: str, data: dict[str, Any]) -> None:
            events.append(OrderEvent(seq=self.seq(), order_id=order.id, kind=kind, at=at, data=data))

        for order in self.rows["orders"]:
            items = [
                {"itemId": x.item_id, "quantity": x.quantity, "unitPrice": x.unit_cents / 100} for x in order.lines
            ]
            whole = {"customer_id": order.customer_id, "total_cents": order.total_cents, "items": items}
            history = [change for change in self.rows["journal"] if change.order_id == order.id]
            tell(order, "created", history[0].at, {"order": {**whole, "status": "CREATED", "shipment_id": None}})
            for change in history[1:]:
                tell(order, "moved", change.at, {"status": change.status, "reason": "", "shipment_id": None})
            if order.shipment_id:
                tell(order, "shipped", history[-1].at, {"shipment_id": order.shipment_id})

    def show(self, order_id: str, label: str, at_s: float = 1000.0) -> None:
        """The customer's page shows *label*."""
        self.rows["shown"].append(Shown(order_id=order_id, customer_id="", label=label, at=self.at(at_s)))

    def cart(self, username: str, item_id: str, quantity: int = 1) -> None:
        """A line stands in the cart."""
        self.rows["carts"].append(
            CartLine(customer_id=f"c-{username}", item_id=item_id, quantity=quantity, unit_cents=PRICES[item_id])
        )

    def line(self, item_id: str, quantity: int = 1) -> Line:
        """A line of an order."""
        return Line(item_id=item_id, quantity=quantity, unit_cents=PRICES[item_id])

    # --- changes

    def order(self, order_id: str) -> Order | None:
        """The order as its book has it."""
        return next((order for order in self.rows["orders"] if order.id == order_id), None)

    def change(self, book: str, ref: str, **fields: Any) -> None:
        """Change every line of *book* about order *ref*."""
        self.rows[book] = [
            msgspec.structs.replace(row, **fields)
            if ref in (getattr(row, "id", None), getattr(row, "order_id", None))
            else row
            for row in self.rows[book]
        ]

    def change_attempt(self, n: int, **fields: Any) -> None:
        """Change the attempt at index *n*."""
        self.attempts[n] = msgspec.structs.replace(self.attempts[n], **fields)

    def drop(self, book: str, unwanted: Callable[[Any], bool] = lambda row: True) -> None:
        """Take lines out of a book."""
        self.rows[book] = [row for row in self.rows[book] if not unwanted(row)]

    # --- the reckoning

    def log_failures(self) -> None:
        """Write the log lines that the orders service would have written for its failed payments."""
        self.log_lines = {
            "orders-1": [
                f"{c.at[:10]} {c.at[11:23]}  WARN [orders,,,] 1 --- [p-nio-80-exec-1] w.w.s.o.c.OrdersController : "
                f"Order {c.order_id} status updated to PAYMENT_FAILED due to: {c.cause}"
                for c in self.rows["journal"]
                if c.status == "PAYMENT_FAILED"
            ]
        }

    def ship_telemetry(self) -> None:
        """Put into telemetry what an outage of payment from 100 to 900 s leaves there."""
        self.span = Span(
            from_at=self.at(100), held_at=self.at(101), healing_at=self.at(890), to_at=self.at(900), target="payment",
            takes_all=True,
        )  # fmt: skip
        failed = [change for change in self.rows["journal"] if change.status == "PAYMENT_FAILED"]
        lines = [{"at": c.at, "message": step.format(id=c.order_id)} for c in failed for step in STEPS]
        title = "Deployment sock-shop/payment: ScalingReplicaSet"
        events = [
            {"at": self.at(100), "title": title, "text": "Scaled down replica set payment-1 to 0 from 1"},
            {"at": self.at(890), "title": title, "text": "Scaled up replica set payment-1 to 1 from 0"},
        ]
        beats: list[dict[str, Any]] = [
            {"row": "beat", "caught_up": True},
            {"row": "lines", "service": "sock-shop-orders", "lines": 9},
        ]
        rows = {ORDERS_LINES: lines, CLUSTER_EVENTS: events, TARGET_LINES: [], HEARTBEAT: beats}
        self.answers = {name: Answer(id=name, kind="log", rows=kept) for name, kept in rows.items()}

    def evidence(self, phase: str = "after-heal") -> Evidence:
        """All books as *phase* kept them."""
        books: dict[str, Any] = {
            name: BookEvidence(
                book=name,
                phase=phase,
                rows=[] if name in self.missing else list(self.rows.get(name, [])),
                taken_at=self.at(self.taken_at_s),
                missing=self.missing.get(name),
            )
            for name in SHOP_BOOKS + CLUSTER_BOOKS
        }
        kept = {customer.username: Path("pages") for customer in self.rows["customers"]} if self.are_pages_kept else {}
        return Evidence(phase=phase, pages=kept, **books)

    def course(self) -> Course:
        """What the history knows."""
        return Course(
            attempts=list(self.attempts),
            started_at=self.at(0),
            window_from_at="" if self.window_from_s is None else self.at(self.window_from_s),
            cart_changes=list(self.cart_changes),
            log_lines=self.log_lines,
            mended=self.mended,
            report_differences=self.report_differences,
            span=self.span,
            answers=self.answers,
            shown=self.shown_before,
        )

    def books(self, phase: str = "after-heal") -> Books:
        """The ledger, judged."""
        return judge_ledger(build_ledger(self.evidence(phase), self.course(), self.before))

    def ledger(self, phase: str = "after-heal") -> Ledger:
        """The ledger, with what the checks found in it."""
        return self.books(phase).ledger

    def account(self, phase: str = "after-heal") -> Account:
        """The whole account."""
        return account_evidence(self.evidence(phase), self.course(), self.before)


@pytest.fixture
def open_world() -> Callable[[], World]:
    """Opens empty shops."""
    return World


@pytest.fixture
def world() -> World:
    """An empty shop."""
    return World()


@pytest.fixture
def clean(world: World) -> World:
    """Three orders in the window, of two customers, on which all books agree."""
    world.buy("o1", 200, socks={HOLY: 1})
    world.buy("o2", 240, socks={CROSSED: 2}, username="parvaiz")
    world.buy("o3", 280, socks={COLOURFUL: 1, CROSSED: 1})
    return world


@pytest.fixture
def incident(world: World) -> World:
    """The report's incident after the heal: two PAID and one failed before, five in the window, one test order."""
    world.window_from_s, world.taken_at_s = 1440, 2000
    world.buy("paid1", 10, socks={CROSSED: 1}, phase="lead")
    world.buy("paid2", 20, socks={COLOURFUL: 1}, phase="lead")
    world.fail("old", 30, socks={HOLY: 1}, phase="lead")
    world.fail("eb4a", 1486, socks={HOLY: 1})
    world.fail("eb4b", 1514, socks={COLOURFUL: 1})
    world.fail("eb4c", 1600, socks={HOLY: 1}, username="parvaiz")
    world.fail("eb4d", 1699, socks={HOLY: 1, CROSSED: 1}, username="parvaiz")
    world.fail("eb4e", 1712, socks={CROSSED: 1}, username="parvaiz")
    world.cart("Rayaan", COLOURFUL)
    world.cart("parvaiz", CROSSED)
    world.buy("test", 1800, socks={CROSSED: 1}, username="oddsock-test-order", synthetic=True)
    world.status("test", "CANCELLED", 1810, cause="test order")
    world.change("orders", "test", reason="test order")
    charge = next(line for line in world.rows["charges"] if line.order_id == "test")
    world.money("refund", charge.charge_id, charge.amount_cents, "test", 1810)
    parcel = next(line for line in world.rows["shipments"] if line.order_id == "test")
    world.ship("test", "recalled", shipment_id=parcel.shipment_id, at_s=1810)
    world.log_failures()
    return world
