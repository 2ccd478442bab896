"""Mending a shop on paper: once, twice, and killed between any two steps; the end is the same and nobody pays twice."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from oddsock.clients.kubernetes.objects import Deployment
from oddsock.clients.mail import NoticeMail
from oddsock.clients.sockshop.books import CartLine, Customer, Notice, Order
from oddsock.clients.sockshop.doors import Answer
from oddsock.clients.sockshop.shop import Health
from oddsock.drill.account import account_books
from oddsock.drill.case import Case
from oddsock.drill.course import read_course
from oddsock.drill.course_files import read_mend_lines
from oddsock.drill.mend import MendResult, apply_mend
from oddsock.drill.mend_action import MendOptions, MendPlan
from oddsock.drill.mend_plan import plan_mend
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Unreachable

T = TypeVar("T")

LIMIT_CENTS = 10500


class Killed(BaseException):
    """kill -9 of whoever mends."""


class PaperShop:
    """A shop and its cluster over the books of a world; *kill_at* is the call at which the mender dies."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.kill_at: tuple[int, str] | None = None  # call number, before or after its effect
        self.calls = 0
        self.retry = True
        self.away: set[str] = set()
        self.shown = "label"
        self.answers: dict[str, Answer] = {}
        self.replicas = {"orders": 1, "payment": 1, "shipping": 1, "front-end": 1}
        self.now_s = 3000.0

    async def _step(self, service: str, effect: Callable[[], T]) -> T:
        self.calls += 1
        if self.kill_at == (self.calls, "before"):
            raise Killed
        if service in self.away:
            raise Unreachable(service, "http://x", "Connection refused")
        answer = effect()
        if self.kill_at == (self.calls, "after"):
            raise Killed
        return answer

    def _once(self, key: str, act: Callable[[], Answer]) -> Answer:
        if key not in self.answers:
            self.answers[key] = act()
        return self.answers[key]

    async def deployment(self, name: str) -> Deployment | None:
        """Always settled."""
        n = self.replicas.get(name, 0)
        return Deployment(name=name, replicas=n, ready=n, available=n, updated=n)

    async def env(self, name: str) -> dict[str, str]:
        """What the front-end shows."""
        return await self._step(name, lambda: {"SHOWN": self.shown})

    async def set_env(self, name: str, values: dict[str, str | None]) -> None:
        """Changes what the front-end shows."""
        await self._step(name, lambda: setattr(self, "shown", values["SHOWN"]))

    async def health(self, service: str) -> list[Health]:
        """Well, unless away."""
        return await self._step(service, lambda: [Health(service=service, status="OK")])

    async def known_orders(self) -> list[Order]:
        """The orders book."""
        return await self._step("orders", lambda: list(self.world.rows["orders"]))

    async def notices(self) -> list[Notice]:
        """The mailbox."""
        return await self._step("mailbox", lambda: list(self.world.rows["notices"]))

    async def customers(self) -> list[Customer]:
        """The customers."""
        return await self._step("user", lambda: list(self.world.rows["customers"]))

    async def carts(self, customer_ids: list[str]) -> list[CartLine]:
        """Their carts."""
        lines = self.world.rows["carts"]
        return await self._step("carts", lambda: [c for c in lines if c.customer_id in customer_ids])

    async def supports_retry(self) -> bool:
        """As told."""
        return self.retry

    async def retry_order(self, order_id: str, key: str) -> Answer:
        """As the incident-3 profile does it, under its key."""
        return await self._step("orders", lambda: self._once(key, lambda: self._retry(order_id, key)))

    def _retry(self, order_id: str, key: str) -> Answer:
        order = self.world.order(order_id)
        if order.status not in ("PAYMENT_FAILED", "PENDING", "CREATED", "PAID"):
            return Answer(409, b"{}", "")
        if order.status != "PAID":
            self.world.status(order_id, "PENDING", self.now_s)
            if order.total_cents > LIMIT_CENTS:
                self.world.money("decline", f"d-{order_id}", order.total_cents, order_id, idempotency_key=key)
                self.world.status(order_id, "CANCELLED", self.now_s)
                self.world.change("orders", order_id, reason="payment_declined")
                return Answer(200, b"{}", "")
            self.world.charge(order_id, at_s=self.now_s, idempotency_key=key)
            self.world.status(order_id, "PAID", self.now_s)
        self.world.ship(order_id, at_s=self.now_s)
        return Answer(200, b"{}", "")

    async def cancel_order(self, order_id: str, reason: str, key: str) -> Answer:
        """Cancelled."""

        def cancel() -> Answer:
            self.world.status(order_id, "CANCELLED", self.now_s)
            self.world.change("orders", order_id, reason=reason)
            return Answer(200, b"{}", "")

        return await self._step("orders", lambda: self._once(key, cancel))

    async def refund(self, charge_id: str, amount_cents: int, reason: str, key: str) -> Answer:
        """Refunded once a key."""
        order_id = next(line.order_id for line in self.world.rows["charges"] if line.charge_id == charge_id)

        def give() -> Answer:
            self.world.money("refund", charge_id, amount_cents, order_id, self.now_s, idempotency_key=key)
            return Answer(201, b"{}", "")

        return await self._step("payment", lambda: self._once(key, give))

    async def recall(self, shipment_id: str, key: str) -> Answer:
        """Recalled once."""
        order_id = next(line.order_id for line in self.world.rows["shipments"] if line.shipment_id == shipment_id)

        def call_back() -> Answer:
            self.world.ship(order_id, "recalled", shipment_id=shipment_id, named=False)
            return Answer(200, b"{}", "")

        return await self._step("shipping", lambda: self._once(key, call_back))

    async def remove_cart_line(self, customer_id: str, item_id: str) -> Answer:
        """Out of the cart."""

        def remove() -> Answer:
            self.world.drop("carts", lambda c: (c.customer_id, c.item_id) == (customer_id, item_id))
            return Answer(202, b"", "")

        return await self._step("carts", remove)

    async def mail(self, notice: NoticeMail) -> None:
        """Into the mailbox, one a Message-ID."""

        def keep() -> None:
            if all(known.message_id != notice.message_id for known in self.world.rows["notices"]):
                self.world.notice(notice.order_id, notice.event, self.now_s)

        await self._step("mailbox", keep)

    def render(self) -> None:
        """Every customer's page, read again."""
        self.world.drop("shown")
        labels = {"PAYMENT_FAILED": "Payment failed", "CANCELLED": "Cancelled", "PAID": "Paid", "PENDING": "Pending"}
        for order in self.world.rows["orders"]:
            parcels = [p for p in self.world.rows["shipments"] if p.order_id == order.id]
            is_live = bool(parcels) and parcels[-1].event != "recalled"
            label = "Shipped" if is_live or self.shown == "label" else labels[order.status]
            self.world.show(order.id, label, self.now_s)


class Bench:
    """A case, a world and its paper shop."""

    def __init__(self, home: Path, world: Any) -> None:
        self.world = world
        self.shop = PaperShop(world)
        self.clock = ManualClock(datetime(2025, 10, 30, 9, tzinfo=UTC))
        self.case = Case.create(home, "test", self.clock)
        self.case.unlock()
        self.before = world.evidence("after-heal")

    def read_again(self) -> None:
        """Take the evidence after the mend."""
        self.shop.render()
        self.world.before = self.before
        self.world.mended = read_course([], self.mend_lines()).mended

    def mend_lines(self) -> list[dict[str, Any]]:
        """The mend journal."""
        return read_mend_lines(self.case.path / "mend.jsonl")

    def plan(self, phase: str = "after-mend", **options: Any) -> MendPlan:
        """The plan for the evidence as it is now."""
        self.read_again()
        chosen = MendOptions(**({"replay": "all"} | options))
        books = self.world.books(phase)
        return plan_mend(account_books(books), books.ledger, chosen)

    def apply(self, plan: MendPlan) -> Awaitable[MendResult]:
        """Carry it out."""
        return apply_mend(self.case, self.shop, self.shop, plan, self.clock, self.shop.mail)

    def books(self) -> bytes:
        """What every book holds, without the numbers and ids that a rerun may change."""
        return msgspec.json.encode({book: len(rows) for book, rows in self.world.rows.items()})


@pytest.fixture
def bench(tmp_path: Path, incident: Any) -> Bench:
    """The incident after the heal."""
    return Bench(tmp_path, incident)


def ends(world: Any) -> dict[str, tuple[str, str]]:
    """Status and mails of the five."""
    told = {n.order_id: n.event for n in world.rows["notices"]}
    return {o.id: (o.status, told.get(o.id, "")) for o in world.rows["orders"] if o.id.startswith("eb4")}


MENDED = {
    "eb4a": ("PAID", "paid"),
    "eb4b": ("PAID", "paid"),
    "eb4c": ("PAID", "paid"),
    "eb4d": ("CANCELLED", "declined"),
    "eb4e": ("PAID", "paid"),
}


def assert_mended(bench: Bench) -> None:
    """Nothing is odd, four are paid once, one is declined and everybody was told; mending again is nothing."""
    bench.read_again()
    books = bench.world.books("after-mend")
    account = account_books(books)
    assert (account.odd, account.odd_by_class) == (0, {})
    assert account.indeterminate == 0 and account.carried_over == 1
    assert account.carried_over_by_class == {"untold failure": 1}
    assert ends(bench.world) == MENDED
    captures = [line for line in bench.world.rows["charges"] if line.kind == "capture" and "eb4" in line.order_id]
    assert sorted(line.order_id for line in captures) == ["eb4a", "eb4b", "eb4c", "eb4e"]
    assert sum(line.amount_cents for line in captures) == 25209
    assert [c for c in bench.world.rows["carts"] if c.item_id in ("colourful", "crossed")] == []
    assert {check.id: check.verdict for check in account.checks}["M1"] == "ok"
    assert plan_mend(account, books.ledger, MendOptions(replay="all")).is_empty


async def test_the_incident_is_mended_four_paid_one_declined_all_told_nothing_odd(bench: Bench) -> None:
    result = await bench.apply(bench.plan("after-heal"))
    assert result.is_whole and result.changed == 5 + 5 + 2 + 1
    assert_mended(bench)


async def test_mending_again_changes_nothing(bench: Bench) -> None:
    plan = bench.plan("after-heal")
    await bench.apply(plan)
    books = bench.books()
    again = await bench.apply(bench.plan())
    assert again.results == [] and bench.books() == books


async def test_the_very_same_plan_carried_out_twice_has_one_effect(bench: Bench) -> None:
    plan = bench.plan("after-heal")
    await bench.apply(plan)
    books = bench.books()
    bench.shop.answers.clear()  # even where the shop has forgotten its keys
    again = await bench.apply(plan)
    assert again.changed == 0 and {each.result for each in again.results} == {"already"}
    assert bench.books() == books
    assert_mended(bench)


async def steps_of_a_whole_mend(tmp_path: Path, world: Any) -> int:
    """How many calls a mend makes that nobody kills."""
    bench = Bench(tmp_path / "whole", world)
    await bench.apply(bench.plan("after-heal"))
    return bench.shop.calls


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_at_any_call_and_run_again_it_ends_the_same(moment: str, tmp_path: Path, incident: Any) -> None:
    rows = {book: list(lines) for book, lines in incident.rows.items()}
    calls = await steps_of_a_whole_mend(tmp_path, incident)
    assert calls > 30
    for n in range(1, calls + 1):
        incident.rows = {book: list(lines) for book, lines in rows.items()}
        incident.mended = incident.before = None
        bench = Bench(tmp_path / f"killed-{n}", incident)
        bench.shop.kill_at = (n, moment)
        with pytest.raises(Killed):
            await bench.apply(bench.plan("after-heal"))
        bench.shop.kill_at = None
        await bench.apply(bench.plan())
        assert_mended(bench)


async def test_every_action_is_on_disk_before_it_happens_and_after(bench: Bench) -> None:
    await bench.apply(bench.plan("after-heal"))
    lines = bench.mend_lines()
    assert lines[0]["kind"] == "plan" and lines[0]["replay"] == "all"
    pairs = list(zip(lines[1::2], lines[2::2], strict=True))
    assert all((a["kind"], b["kind"]) == ("intent", "result") and a["key"] == b["key"] for a, b in pairs)
    assert len(pairs) == 13


async def test_a_torn_last_line_of_the_journal_is_cut_before_the_next_is_written(bench: Bench) -> None:
    (bench.case.path / "mend.jsonl").write_text('{"kind":"intent","key":"me')
    await bench.apply(bench.plan("after-heal"))
    assert bench.mend_lines()[0]["kind"] == "plan"
    assert_mended(bench)


async def test_a_service_that_is_scaled_away_stops_the_mend_before_anything_happens(bench: Bench) -> None:
    bench.shop.replicas["payment"] = 0
    with pytest.raises(CannotRun, match=r"payment is not running.*heal"):
        await bench.apply(bench.plan("after-heal"))
    assert ends(bench.world)["eb4a"] == ("PAYMENT_FAILED", "")


async def test_an_unhealthy_service_stops_the_mend_before_anything_happens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ill(service: str) -> list[Health]:
        return [Health(service=f"{service}-db", status="err")]

    monkeypatch.setattr(bench.shop, "health", ill)
    with pytest.raises(CannotRun, match="orders-db: err"):
        await bench.apply(bench.plan("after-heal"))


async def test_a_shop_that_lost_its_retry_is_never_charged_and_the_action_failed(bench: Bench) -> None:
    bench.shop.retry = False
    charges = len(bench.world.rows["charges"])
    result = await bench.apply(bench.plan("after-heal"))
    assert len(bench.world.rows["charges"]) == charges
    assert all("not possible here" in each.sentence for each in result.with_result("failed"))
    assert len(result.with_result("failed")) == 5 and len(result.with_result("skipped")) == 7


async def test_a_mailbox_that_is_away_fails_the_mails_and_the_next_mend_sends_them(bench: Bench) -> None:
    bench.shop.away.add("mailbox")
    result = await bench.apply(bench.plan("after-heal"))
    assert {each.kind for each in result.with_result("failed")} == {"notice"} and not result.is_whole
    bench.shop.away.clear()
    await bench.apply(bench.plan())
    assert_mended(bench)


async def test_a_cart_line_the_customer_changed_meanwhile_is_left_alone(bench: Bench) -> None:
    plan = bench.plan("after-heal")
    bench.world.drop("carts")
    bench.world.cart("Rayaan", "colourful", 3)
    await bench.apply(plan)
    assert [(c.item_id, c.quantity) for c in bench.world.rows["carts"]] == [("colourful", 3)]


async def test_under_ask_without_an_answer_no_suspected_reattempt_is_charged(bench: Bench) -> None:
    await bench.apply(bench.plan("after-heal", replay="ask"))
    assert {o for o, (status, _) in ends(bench.world).items() if status == "PAID"} == {"eb4a", "eb4b"}
    bench.read_again()
    account = bench.world.account("after-mend")
    assert account.odd == 3 and account.odd_by_class == {"untold failure": 3}


async def test_latest_collects_what_the_report_says_it_would(bench: Bench) -> None:
    await bench.apply(bench.plan("after-heal", replay="latest"))
    bench.read_again()
    account = bench.world.account("after-mend")
    captures = [x for x in bench.world.rows["charges"] if x.kind == "capture" and "eb4" in x.order_id]
    assert sum(line.amount_cents for line in captures) == 14711
    assert (account.odd, account.odd_by_class) == (0, {})


async def test_doubles_orphans_and_failed_charges_are_refunded_and_then_nothing_is_odd(
    tmp_path: Path, clean: Any
) -> None:
    clean.charge("o1")
    clean.charge("ghost", 1500)
    clean.fail("o9", 300, label="Payment failed")
    clean.log_failures()
    clean.charge("o9")
    bench = Bench(tmp_path, clean)
    bench.shop.shown = "order"
    await bench.apply(bench.plan("after-heal"))
    bench.read_again()
    account = bench.world.account("after-mend")
    assert (account.odd, account.odd_by_class) == (0, {})
    assert bench.plan().is_empty


async def test_an_order_changed_behind_the_mends_back_is_found(bench: Bench) -> None:
    await bench.apply(bench.plan("after-heal"))
    bench.world.change("orders", "paid1", address="elsewhere")
    bench.read_again()
    account = bench.world.account("after-mend")
    assert {check.id: check.verdict for check in account.checks}["M2"] == "odd"
