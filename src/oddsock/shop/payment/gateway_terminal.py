"""A gateway decides: each ask is on the disk before it goes out, and its outcome is written once, whoever learns of it.

An intent is created first, which moves no money, its name is kept, and only then is it confirmed. So whatever a death
or a lost answer leaves open can be looked up by that name: written down when it was charged, cancelled when it was not.
"""

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from oddsock.clients.sockshop.books import Charge
from oddsock.kit.clock import Clock
from oddsock.kit.ids import object_id
from oddsock.shop.calls import BROKEN, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.fault_points import reach
from oddsock.shop.payment.asks import Ask
from oddsock.shop.payment.book import Deed, KeyReused, PaymentBook, Refund, UnknownCharge, WrongState, of_charge
from oddsock.shop.payment.decision import Asked, Authorisation, Held
from oddsock.shop.payment.gateway import CANCELED, HELD, SUCCEEDED, GatewayRefund, GatewayRefused, Intent
from oddsock.shop.payment.terminal import OwnTerminal
from oddsock.shop.work import Work

LOOK_UP_PLAN_S = 2.0
"""How often asks without an outcome are looked up, in plan seconds."""

T = TypeVar("T")


class AsksGateway(Protocol):
    """What is needed of a gateway; errors as `payment.gateway.Gateway`."""

    async def create(self, amount_cents: int, captures: bool, metadata: dict[str, str], key: str) -> Intent:
        """A new intent."""
        ...

    async def confirm(self, intent_id: str, key: str) -> Intent:
        """The intent after its card was asked."""
        ...

    async def capture(self, intent_id: str, amount_cents: int, key: str) -> Intent:
        """The intent with its money taken."""
        ...

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """The intent canceled."""
        ...

    async def intent(self, intent_id: str) -> Intent:
        """The intent as it is now."""
        ...

    async def refund(self, intent_id: str, amount_cents: int, reason: str, key: str) -> GatewayRefund:
        """A new refund."""
        ...

    async def refunds(self, intent_id: str) -> list[GatewayRefund]:
        """The refunds of an intent."""
        ...


class GatewayTerminal:
    """Asks *gateway*; what was charged before it was set belongs to *own*."""

    def __init__(self, book: PaymentBook, gateway: AsksGateway, own: OwnTerminal, clock: Clock) -> None:
        self._book = book
        self._gateway = gateway
        self._own = own
        self._clock = clock
        self._work = Work()

    async def pay(self, asked: Asked, by: Correlation, fingerprint: str) -> Authorisation:
        """Authorise and capture in one step; KeyReused, NoAnswer."""
        held = await self._ask(asked, by, fingerprint, captures=True)
        return Authorisation(held.authorised, held.message)

    async def hold(self, asked: Asked, by: Correlation, fingerprint: str) -> Held:
        """Authorise and capture nothing; KeyReused, NoAnswer."""
        return await self._ask(asked, by, fingerprint, captures=False)

    async def _ask(self, asked: Asked, by: Correlation, fingerprint: str, captures: bool) -> Held:
        key = f"{'pay' if captures else 'hold'}:{by.idempotency_key or object_id()}"
        named = Correlation(
            by.traceparent, by.request_id, by.order_id, by.customer_id or asked.customer_id, by.idempotency_key
        )
        ask = Ask(key=key, amount_cents=asked.amount_cents, captures=captures, by=named, fingerprint=fingerprint)
        return await self._work.alone(key, self._carry_on(ask))

    async def _carry_on(self, wanted: Ask) -> Held:
        ask = self._book.asks.begin(wanted)
        if ask.fingerprint != wanted.fingerprint:
            raise KeyReused(wanted.by.idempotency_key)
        if ask.state == "closed":
            return self._written(ask)
        try:
            intent = await self._gateway.intent(ask.intent_id) if ask.intent_id else await self._create(ask)
            if intent.is_undecided:
                intent = await self._gateway.confirm(intent.id, f"{ask.gateway_key}:confirm")
                await reach("after-charge-before-save", order=ask.by.order_id, request_id=ask.by.request_id)
        except GatewayRefused as cause:
            raise NoAnswer(BROKEN, f"the gateway refused: {cause}") from cause
        if intent.status == CANCELED:
            self._book.asks.give_up(ask)
            raise NoAnswer(BROKEN, "the gateway cancelled this payment")
        await _reach_before(ask.by)
        self._book.write_down(deeds_of(intent), ask.by, self._book.asks.named(ask, intent.id))
        await _reach_after(ask.by)
        return _held(intent)

    def _written(self, ask: Ask) -> Held:
        for kind in ("authorisation", "decline"):
            if row := self._book.row_of(ask.intent_id, kind):
                return Held(kind == "authorisation", row.message, row.charge_id)
        raise NoAnswer(BROKEN, f"the book has no outcome of {ask.intent_id}")

    async def _create(self, ask: Ask) -> Intent:
        metadata = {"order_id": ask.by.order_id, "customer_id": ask.by.customer_id, "request_id": ask.by.request_id}
        intent = await self._gateway.create(ask.amount_cents, ask.captures, metadata, f"{ask.gateway_key}:create")
        self._book.asks.name_intent(ask, intent.id)
        return intent

    async def capture(
        self, charge_id: str, amount_cents: int, by: Correlation, fingerprint: str
    ) -> tuple[Charge, bool]:
        """Take what was held; UnknownCharge, WrongState, KeyReused, NoAnswer."""
        if not _is_gateways(charge_id):
            return await self._own.capture(charge_id, amount_cents, by, fingerprint)

        async def act() -> tuple[Charge, bool]:
            if stored := self._book.stored_charge("captures", by.idempotency_key, fingerprint):
                return stored, False
            held = self._book.held(charge_id)
            if amount_cents > held.amount_cents:
                raise WrongState(f"{amount_cents} cents asked, {held.amount_cents} cents authorised of {charge_id}")
            wanted = amount_cents or held.amount_cents
            intent = await self._changed(self._gateway.capture(charge_id, wanted, f"{by.idempotency_key}:capture"))
            (deed,) = [each for each in deeds_of(intent) if each.kind == "capture"]
            return await self._kept("captures", deed, of_charge(held, by), fingerprint)

        return await self._work.alone(charge_id, act())

    async def void(self, charge_id: str, reason: str, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """Let go of what was held; UnknownCharge, WrongState, KeyReused, NoAnswer."""
        if not _is_gateways(charge_id):
            return await self._own.void(charge_id, reason, by, fingerprint)

        async def act() -> tuple[Charge, bool]:
            if stored := self._book.stored_charge("voids", by.idempotency_key, fingerprint):
                return stored, False
            if done := self._book.row_of(charge_id, "void"):
                return done, False
            held = self._book.held(charge_id)
            await self._changed(self._gateway.cancel(charge_id, f"{by.idempotency_key}:void"))
            deed = _void(charge_id, held.amount_cents, reason)
            return await self._kept("voids", deed, of_charge(held, by), fingerprint)

        return await self._work.alone(charge_id, act())

    async def refund(self, refund: Refund, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """Give back what was captured; UnknownCharge, OverRefund, KeyReused, NoAnswer."""
        if not _is_gateways(refund.charge_id):
            return await self._own.refund(refund, by, fingerprint)

        async def act() -> tuple[Charge, bool]:
            if stored := self._book.stored_charge("refunds", by.idempotency_key, fingerprint):
                return stored, False
            captured = self._book.check_refund(refund)
            key = f"{by.idempotency_key}:refund"
            made = await self._changed(self._gateway.refund(refund.charge_id, refund.amount_cents, refund.reason, key))
            deed = Deed("refund", refund.charge_id, made.amount, refund.reason, made.id)
            return await self._kept("refunds", deed, of_charge(captured, by), fingerprint)

        return await self._work.alone(refund.charge_id, act())

    async def _kept(self, operation: str, deed: Deed, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        await _reach_before(by)
        kept = self._book.keep_charge(operation, deed, by, fingerprint)
        await _reach_after(by)
        return kept

    async def _changed(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return await call
        except GatewayRefused as cause:
            raise WrongState(str(cause).rstrip(".")) from cause

    async def learn(self, intent_id: str) -> None:
        """Write down what became of an intent, as the gateway has it now: for a webhook; NoAnswer."""
        ask = self._book.asks.of_intent(intent_id)
        lock = ask.key if ask is not None else intent_id

        async def look() -> None:
            try:
                intent = await self._gateway.intent(intent_id)
            except GatewayRefused as cause:
                raise UnknownCharge(intent_id) from cause
            refunds = await self._gateway.refunds(intent_id) if intent.status == SUCCEEDED else []
            deeds = deeds_of(intent)
            if intent.status == CANCELED and self._book.row_of(intent_id, "authorisation"):
                deeds = [_void(intent_id, intent.amount, "cancelled at the gateway")]
            deeds += [Deed("refund", intent_id, one.amount, one.metadata.get("reason", ""), one.id) for one in refunds]
            now = self._book.asks.of_intent(intent_id)
            by = now.by if now is not None else _by(intent)
            self._book.write_down(deeds, by, now if now is not None and now.state == "open" and deeds else None)

        await self._work.alone(lock, look())

    async def look_up_open(self) -> int:
        """Look up every ask that nobody works on and has no outcome; how many are still without one."""
        for ask in self._book.asks.open():
            if not self._work.is_under_way(ask.key):
                with suppress(NoAnswer, GatewayRefused):
                    await self._work.alone(ask.key, self._settle(ask.key))
        return len(self._book.asks.open())

    async def _settle(self, key: str) -> None:
        ask = self._book.asks.find(key)
        if ask is None or ask.state != "open":
            return
        if not ask.intent_id:
            self._book.asks.give_up(ask)
            return
        intent = await self._gateway.intent(ask.intent_id)
        if intent.is_undecided:
            intent = await self._gateway.cancel(intent.id, f"{ask.gateway_key}:give-up")
        if intent.status == CANCELED:
            self._book.asks.give_up(ask)
        else:
            self._book.write_down(deeds_of(intent), ask.by, ask)

    async def run(self) -> None:
        """Look up again and again, for ever."""
        while True:
            await self.look_up_open()
            await self._clock.sleep(LOOK_UP_PLAN_S)

    async def end(self, wall_s: float) -> None:
        """Give what is under way *wall_s* wall seconds, then cancel it."""
        await self._work.end(wall_s)


async def _reach_before(by: Correlation) -> None:
    await reach("before-book", order=by.order_id, request_id=by.request_id)


async def _reach_after(by: Correlation) -> None:
    await reach("after-book", order=by.order_id, request_id=by.request_id)


def deeds_of(intent: Intent) -> list[Deed]:
    """The rows that *intent* means, each under a name that stays the same."""
    said = "Payment authorised"
    charge = intent.latest_charge or f"{intent.id}:capture"
    if intent.is_declined:
        return [Deed("decline", intent.id, intent.amount, _held(intent).message, intent.id)]
    held = [Deed("authorisation", intent.id, intent.amount, said, intent.id)]
    if intent.status == SUCCEEDED:
        return [*held, Deed("capture", intent.id, intent.amount_received, said, charge)]
    return held if intent.status == HELD else []


def _held(intent: Intent) -> Held:
    if intent.status in (SUCCEEDED, HELD):
        return Held(True, "Payment authorised", intent.id)
    why = intent.last_payment_error.message if intent.last_payment_error else f"it is {intent.status}"
    return Held(False, f"Payment declined: {why}", intent.id)


def _void(charge_id: str, amount_cents: int, reason: str) -> Deed:
    return Deed("void", charge_id, amount_cents, reason, f"{charge_id}:void")


def _by(intent: Intent) -> Correlation:
    came = intent.metadata
    return Correlation("", came.get("request_id", ""), came.get("order_id", ""), came.get("customer_id", ""))


def _is_gateways(charge_id: str) -> bool:
    return charge_id.startswith("pi_")
