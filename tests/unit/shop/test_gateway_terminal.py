"""payment behind a gateway: our gateway's real till in process, deaths and lost answers at every step."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.calls import RESET, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.gateway import book as gateway_book
from oddsock.shop.gateway.documents import Refund as GatewaysRefund
from oddsock.shop.gateway.documents import intent_document, refund_document
from oddsock.shop.gateway.intent import Intent as GatewaysIntent
from oddsock.shop.gateway.keys import Keys
from oddsock.shop.gateway.refusal import Refusal
from oddsock.shop.gateway.till import Till
from oddsock.shop.payment.book import SCHEMA, KeyReused, OverRefund, PaymentBook, Refund, UnknownCharge, WrongState
from oddsock.shop.payment.decision import Asked
from oddsock.shop.payment.gateway import GatewayRefund, GatewayRefused, Intent
from oddsock.shop.payment.gateway_terminal import GatewayTerminal
from oddsock.shop.payment.terminal import OwnTerminal
from oddsock.shop.webhooks.outbox import Outbox

BY = Correlation("00-a-b-01", "request-1", "order-1", "customer-1", "key-1")
KEYLESS = Correlation("00-a-b-01", "request-1", "order-1", "customer-1")


class Died(BaseException):
    """payment was killed here."""


@dataclass
class GatewayInProcess:
    """The gateway's own till and keys, called in process; *fate* is called before and after each call."""

    book: gateway_book.GatewayBook
    clock: ManualClock
    fate: Callable[[str], None] = lambda _place: None
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.till = Till(self.book, 10500)
        self.keys = Keys(self.book, self.clock)

    async def _call(self, name: str, key: str, text: str, act: Any) -> dict[str, Any]:
        self.calls.append(name)
        self.fate(f"before {name}")
        try:
            reply = await self.keys.once(key, name, text, act)
            document = msgspec.json.decode(reply.body)
            status = reply.status
        except Refusal as refusal:
            status, document = refusal.status, refusal.document()
        self.fate(f"after {name}")
        if status == 200:
            return dict(document)
        error = document["error"]
        if status == 402:
            return dict(error["payment_intent"])
        raise GatewayRefused(error.get("code", ""), error["message"])

    async def create(self, amount_cents: int, captures: bool, metadata: dict[str, str], key: str) -> Intent:
        """As over HTTP."""
        method = "automatic" if captures else "manual"
        values = {"amount": str(amount_cents), "currency": "usd", "capture_method": method}
        full = {**values, "payment_method": "pm_card_visa", "metadata": metadata}
        return await self._intent("create", key, str(full), lambda rows: self.till.create(rows, full))

    async def confirm(self, intent_id: str, key: str) -> Intent:
        """As over HTTP."""
        return await self._intent("confirm", key, intent_id, lambda rows: self.till.confirm(rows, intent_id, {}))

    async def capture(self, intent_id: str, amount_cents: int, key: str) -> Intent:
        """As over HTTP."""
        values = {"amount_to_capture": str(amount_cents)}
        return await self._intent("capture", key, intent_id, lambda rows: self.till.capture(rows, intent_id, values))

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """As over HTTP."""
        return await self._intent("cancel", key, intent_id, lambda rows: self.till.cancel(rows, intent_id, {}))

    async def intent(self, intent_id: str) -> Intent:
        """As over HTTP."""
        return await self._intent("read", "", "", lambda _rows: intent_document(self.book.intent(intent_id)))

    async def refund(self, intent_id: str, amount_cents: int, reason: str, key: str) -> GatewayRefund:
        """As over HTTP."""
        values = {"payment_intent": intent_id, "amount": str(amount_cents), "metadata": {"reason": reason}}
        made = await self._call("refund", key, str(values), lambda rows: self.till.refund(rows, values))
        return msgspec.convert(made, GatewayRefund)

    async def refunds(self, intent_id: str) -> list[GatewayRefund]:
        """As over HTTP."""
        rows = self.book.page(GatewaysRefund, 100, of=intent_id)
        return [msgspec.convert(refund_document(row), GatewayRefund) for row in rows]

    async def _intent(self, name: str, key: str, text: str, act: Any) -> Intent:
        return msgspec.convert(await self._call(name, key, text, act), Intent)

    def received_cents(self) -> int:
        """What was taken of cards, less what was given back."""
        rows = self.book.page(GatewaysIntent, 1000)
        return sum(row.amount_received - row.amount_refunded for row in rows)


@dataclass
class Bench:
    """payment and its gateway, each with a real book; `restart` is a kill -9 of payment and a new start."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.gateways_file = Book.open(self.folder / "gateway.sqlite", gateway_book.SCHEMA)
        self.gateway = GatewayInProcess(gateway_book.GatewayBook(self.gateways_file, self.clock), self.clock)
        self.start()

    def start(self) -> None:
        """Open payment's book."""
        self.file = Book.open(self.folder / "payment.sqlite", SCHEMA)
        self.outbox = Outbox(self.file, self.clock, random.Random(1))
        self.book = PaymentBook(self.file, self.clock, self.outbox)
        self.terminal = GatewayTerminal(self.book, self.gateway, OwnTerminal(self.book, 105.0), self.clock)

    def restart(self) -> None:
        """Kill payment and start it."""
        self.file.close()
        self.gateway.fate = lambda _place: None
        self.start()

    async def pay(self, by: Correlation = BY, cents: int = 2000) -> tuple[bool, str]:
        """Ask for an amount."""
        answer = await self.terminal.pay(Asked(cents / 100, cents, ""), by, f"f{cents}")
        return answer.authorised, answer.message

    async def hold(self) -> str:
        """Hold 20.00 and answer the charge's id."""
        return (await self.terminal.hold(Asked(20.0, 2000, ""), BY, "f")).charge_id

    def kinds(self) -> list[str]:
        """The kinds of payment's rows."""
        return [row.kind for row in self.book.page(0, 1000)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payment and its gateway."""
    made = Bench(tmp_path)
    yield made
    made.file.close()
    made.gateways_file.close()


def dies_at(place: str) -> Callable[[str], None]:
    """A fate that kills payment at *place*."""

    def fate(reached: str) -> None:
        if reached == place:
            raise Died

    return fate


def loses(*places: str) -> Callable[[str], None]:
    """A fate in which no answer comes at *places*."""

    def fate(reached: str) -> None:
        if reached in places:
            raise NoAnswer(RESET, "Connection reset")

    return fate


async def test_what_the_gateway_takes_is_in_payments_book_under_the_gateways_name(bench: Bench) -> None:
    assert await bench.pay() == (True, "Payment authorised")
    authorisation, capture = bench.book.page(0, 10)
    assert (authorisation.kind, capture.kind) == ("authorisation", "capture")
    assert authorisation.charge_id == capture.charge_id == authorisation.id
    assert authorisation.charge_id.startswith("pi_") and capture.id.startswith("ch_")
    assert (capture.order_id, capture.customer_id, capture.idempotency_key) == ("order-1", "customer-1", "key-1")


async def test_a_decline_has_the_words_that_payment_always_used(bench: Bench) -> None:
    assert await bench.pay(cents=12213) == (False, "Payment declined: amount exceeds 105.00")
    assert bench.kinds() == ["decline"]
    assert await bench.pay(cents=12213) == (False, "Payment declined: amount exceeds 105.00")
    assert bench.kinds() == ["decline"]


@pytest.mark.parametrize("place", [f"{when} {call}" for call in ("create", "confirm") for when in ("before", "after")])
async def test_a_death_at_any_step_and_the_key_again_are_one_charge(bench: Bench, place: str) -> None:
    bench.gateway.fate = dies_at(place)
    with pytest.raises(Died):
        await bench.pay()
    bench.restart()
    assert await bench.pay() == (True, "Payment authorised")
    assert bench.kinds() == ["authorisation", "capture"]
    assert bench.gateway.received_cents() == 2000


@pytest.mark.parametrize(
    ("place", "kinds", "cents"),
    [
        ("after create", [], 0),
        ("before confirm", [], 0),
        ("after confirm", ["authorisation", "capture"], 2000),
    ],
)
async def test_after_a_death_what_was_charged_is_written_down_and_what_was_not_never_is(
    bench: Bench, place: str, kinds: list[str], cents: int
) -> None:
    bench.gateway.fate = dies_at(place)
    with pytest.raises(Died):
        await bench.pay(KEYLESS)
    bench.restart()
    assert await bench.terminal.look_up_open() == 0
    assert (bench.kinds(), bench.gateway.received_cents()) == (kinds, cents)
    assert await bench.terminal.look_up_open() == 0
    assert bench.kinds() == kinds


async def test_a_key_whose_payment_was_given_up_begins_anew_and_charges_once(bench: Bench) -> None:
    bench.gateway.fate = loses("before confirm")
    with pytest.raises(NoAnswer):
        await bench.pay()
    bench.gateway.fate = lambda _place: None
    assert await bench.terminal.look_up_open() == 0
    assert await bench.pay() == (True, "Payment authorised")
    assert bench.gateway.received_cents() == 2000


async def test_while_the_gateway_is_away_an_ask_stays_open(bench: Bench) -> None:
    bench.gateway.fate = loses("after confirm", "before read")
    with pytest.raises(NoAnswer):
        await bench.pay()
    assert await bench.terminal.look_up_open() == 1
    bench.gateway.fate = lambda _place: None
    assert await bench.terminal.look_up_open() == 0
    assert bench.kinds() == ["authorisation", "capture"]


async def test_a_key_with_another_amount_is_refused_and_without_one_every_call_charges(bench: Bench) -> None:
    await bench.pay()
    with pytest.raises(KeyReused):
        await bench.pay(cents=2100)
    await bench.pay(KEYLESS)
    await bench.pay(KEYLESS)
    assert bench.gateway.received_cents() == 6000


async def test_a_key_has_its_answer_while_the_gateway_is_away(bench: Bench) -> None:
    await bench.pay()
    bench.gateway.fate = loses("before read", "before create", "before confirm")
    assert await bench.pay() == (True, "Payment authorised")


async def test_held_money_is_captured_once_and_refunded_at_the_gateway(bench: Bench) -> None:
    charge_id = await bench.hold()
    assert (bench.kinds(), bench.gateway.received_cents()) == (["authorisation"], 0)
    key = Correlation(idempotency_key="c")
    charge, is_new = await bench.terminal.capture(charge_id, 0, key, "f")
    assert (charge.amount_cents, charge.order_id, is_new) == (2000, "order-1", True)
    assert await bench.terminal.capture(charge_id, 0, key, "f") == (charge, False)
    with pytest.raises(WrongState):
        await bench.terminal.void(charge_id, "", Correlation(idempotency_key="v"), "f")
    refund = Refund(charge_id, 1500, "part")
    for is_new in (True, False):
        assert (await bench.terminal.refund(refund, Correlation(idempotency_key="r"), "f"))[1] is is_new
    with pytest.raises(OverRefund):
        await bench.terminal.refund(refund, Correlation(idempotency_key="r2"), "f")
    assert bench.gateway.received_cents() == 500
    assert bench.book.left_cents(charge_id) == 500


@pytest.mark.parametrize("place", ["before capture", "after capture"])
async def test_a_lost_answer_to_a_capture_is_asked_for_again_under_its_key(bench: Bench, place: str) -> None:
    charge_id = await bench.hold()
    bench.gateway.fate = loses(place)
    with pytest.raises(NoAnswer):
        await bench.terminal.capture(charge_id, 0, Correlation(idempotency_key="c"), "f")
    bench.restart()
    await bench.terminal.capture(charge_id, 0, Correlation(idempotency_key="c"), "f")
    assert (bench.kinds(), bench.gateway.received_cents()) == (["authorisation", "capture"], 2000)


async def test_held_money_is_let_go_once(bench: Bench) -> None:
    charge_id = await bench.hold()
    assert (await bench.terminal.void(charge_id, "not shipped", Correlation(idempotency_key="v"), "f"))[1]
    assert not (await bench.terminal.void(charge_id, "not shipped", Correlation(idempotency_key="w"), "f"))[1]
    with pytest.raises(WrongState):
        await bench.terminal.capture(charge_id, 0, Correlation(idempotency_key="c"), "f")
    assert bench.kinds() == ["authorisation", "void"]


async def test_what_was_charged_before_the_gateway_was_set_is_refunded_by_payment_itself(bench: Bench) -> None:
    own = OwnTerminal(bench.book, 105.0)
    await own.pay(Asked(20.0, 2000, ""), KEYLESS, "f")
    charge_id = bench.book.page(0, 10)[-1].charge_id
    await bench.terminal.refund(Refund(charge_id, 2000, ""), Correlation(idempotency_key="r"), "f")
    assert bench.gateway.calls == []
    assert bench.book.left_cents(charge_id) == 0


async def test_what_was_done_at_the_gateway_itself_is_learnt_once(bench: Bench) -> None:
    await bench.pay()
    charge_id = bench.book.page(0, 1)[0].charge_id
    await bench.gateway.refund(charge_id, 700, "by hand", "by-hand")
    for _ in range(2):
        await bench.terminal.learn(charge_id)
    assert bench.kinds() == ["authorisation", "capture", "refund"]
    assert bench.book.left_cents(charge_id) == 1300


async def test_a_payment_that_the_book_has_lost_is_learnt_with_its_order(bench: Bench) -> None:
    made = await bench.gateway.create(2000, True, {"order_id": "order-9", "customer_id": "c"}, "k")
    await bench.gateway.confirm(made.id, "k2")
    await bench.terminal.learn(made.id)
    assert [(row.kind, row.order_id) for row in bench.book.page(0, 9)] == [
        ("authorisation", "order-9"),
        ("capture", "order-9"),
    ]
    with pytest.raises(UnknownCharge):
        await bench.terminal.learn("pi_none")


async def test_learning_of_an_open_ask_ends_it(bench: Bench) -> None:
    bench.gateway.fate = loses("after confirm")
    with pytest.raises(NoAnswer):
        await bench.pay()
    (ask,) = bench.book.asks.open()
    await bench.terminal.learn(ask.intent_id)
    assert bench.book.asks.open() == []
    calls = len(bench.gateway.calls)
    assert await bench.pay() == (True, "Payment authorised")
    assert len(bench.gateway.calls) == calls


async def test_every_new_row_is_told_once(bench: Bench) -> None:
    await bench.pay()
    await bench.pay()
    bodies = [msgspec.json.decode(webhook.body) for webhook in bench.outbox.due()]
    assert [body["type"] for body in bodies] == ["payment.authorisation", "payment.capture"]
    assert {body["data"]["order_id"] for body in bodies} == {"order-1"}
