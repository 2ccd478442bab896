"""Carry a mend plan out: restore checked first, every action on disk before and after, every action safe to repeat.

mend.jsonl, one line each, fsynced: {"kind":"plan",...}, then for every action {"kind":"intent",...} before it and
{"kind":"result","result":"done|already|failed|skipped",...} after it. A mend that was killed anywhere is simply run
again: a retry and a refund repeat under their key, a notice under its Message-ID, the rest looks before it acts.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from oddsock.clients.mail import NoticeMail
from oddsock.clients.sockshop.books import Order
from oddsock.clients.sockshop.doors import Answer
from oddsock.drill.case import Case
from oddsock.drill.course_files import read_mend_lines
from oddsock.drill.history import cut_torn_line
from oddsock.drill.mend_action import MendAction, MendPlan
from oddsock.drill.mend_doors import MendCluster, MendShop
from oddsock.drill.mend_wording import event_for, write_notice
from oddsock.kit.clock import Clock, iso, wait_for
from oddsock.kit.errors import CannotRun, OddsockError
from oddsock.kit.files import append_line, explain_disk

NEEDED = ("orders", "payment", "shipping")
"""The services without which nothing can be mended."""

FRONT_END = "front-end"

READY_S_MAX = 300.0
"""How long a deployment may take to be ready, in plan seconds, and never less than `READY_WALL_S_MIN`."""

READY_WALL_S_MIN = 30.0

Result = Literal["done", "already", "failed", "skipped"]
SendNotice = Callable[[NoticeMail], Awaitable[object]]


class ActionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one action: done now, already so, failed, or skipped because another failed."""

    key: str
    kind: str
    result: Result
    sentence: str
    order_id: str = ""


class MendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a plan."""

    results: list[ActionResult]

    def with_result(self, result: Result) -> list[ActionResult]:
        """The actions that ended so."""
        return [each for each in self.results if each.result == result]

    @property
    def is_whole(self) -> bool:
        """Whether nothing failed and nothing was skipped."""
        return all(each.result in ("done", "already") for each in self.results)

    @property
    def changed(self) -> int:
        """How many actions had an effect."""
        return len(self.with_result("done"))


async def apply_mend(
    case: Case, cluster: MendCluster, shop: MendShop, plan: MendPlan, clock: Clock, mail: SendNotice
) -> MendResult:
    """Carry *plan* out and return what became of each action; CannotRun when the shop is not restored yet.

    An action that fails does not stop the others; what hangs on it is skipped, and the next mend plans it again.
    """
    mender = _Mender(case, cluster, shop, clock, mail)
    mender.write_plan(plan)
    if not plan.actions:
        return MendResult(results=[])
    await check_restored(cluster, shop, clock)
    can_retry = await shop.supports_retry()
    results = []
    for action in plan.actions:
        if action.kind == "retry_order" and not can_retry:
            sentence = "not possible here: this shop cannot try an order again under a key"
            results.append(mender.write_result(action, "failed", sentence))
            mender.failed_orders.add(action.order_id)
        else:
            results.append(await mender.carry_out(action))
    return MendResult(results=results)


async def check_restored(cluster: MendCluster, shop: MendShop, clock: Clock) -> None:
    """Wait until the services a mend needs are ready and healthy; CannotRun, saying which is not."""
    for name in (*NEEDED, FRONT_END):
        deployment = await cluster.deployment(name)
        if deployment is None or deployment.replicas == 0:
            raise CannotRun(f"{name} is not running, so nothing can be mended.", "Run `oddsock heal` first.")
        await _wait_until_ready(cluster, name, clock)
    for name in NEEDED:
        ill = [component for component in await shop.health(name) if component.status.upper() != "OK"]
        if ill:
            said = ", ".join(f"{component.service}: {component.status}" for component in ill)
            raise CannotRun(
                f"{name} is not healthy ({said}), so nothing can be mended.", "Restore it, then mend again."
            )


async def _wait_until_ready(cluster: MendCluster, name: str, clock: Clock) -> None:
    async def is_ready() -> bool:
        deployment = await cluster.deployment(name)
        return deployment is not None and deployment.is_settled_with(1)

    deadline_s = max(READY_S_MAX, READY_WALL_S_MIN * clock.speed)
    if not await wait_for(is_ready, clock, deadline_s):
        raise CannotRun(f"{name} is not ready after {deadline_s:.0f} plan seconds.", "See `oddsock status`.")


class _Mender:
    """One run over a plan, with what it learnt on the way."""

    def __init__(self, case: Case, cluster: MendCluster, shop: MendShop, clock: Clock, mail: SendNotice) -> None:
        self._case = case
        self._cluster = cluster
        self._shop = shop
        self._clock = clock
        self._began_at_s = clock.monotonic()
        self._mail = mail
        self._path = case.path / "mend.jsonl"
        cut_torn_line(self._path)
        self._done_before = {
            line["key"]
            for line in read_mend_lines(self._path)
            if line.get("kind") == "result" and line["result"] == "done"
        }
        self.failed_orders: set[str] = set()

    def write_plan(self, plan: MendPlan) -> None:
        """Journal what was decided."""
        self._write({"kind": "plan", "actions": len(plan.actions), **msgspec.to_builtins(plan.options)})

    async def carry_out(self, action: MendAction) -> ActionResult:
        """Journal the intent, act, journal the result."""
        if action.order_id in self.failed_orders and action.kind in ("notice", "empty_cart_lines"):
            return self.write_result(action, "skipped", "the order did not come to an end")
        self._write({"kind": "intent", **self._names(action), "text": action.text})
        try:
            result, sentence = await self._ACTS[action.kind](self, action)
        except OddsockError as cause:
            result, sentence = "failed", str(cause)
        if result == "failed" and action.kind in ("retry_order", "cancel"):
            self.failed_orders.add(action.order_id)
        if result == "done" and action.key in self._done_before:
            result = "already"
        return self.write_result(action, result, sentence)

    def write_result(self, action: MendAction, result: Result, sentence: str) -> ActionResult:
        """Journal what became of *action*, in mend.jsonl and in the history."""
        names = self._names(action)
        self._write({"kind": "result", **names, "result": result, "sentence": sentence})
        self._case.history.append(
            "ok" if result in ("done", "already") else "fail",
            action.kind,
            actor="mend",
            phase="mend",
            plan_s=(self._clock.monotonic() - self._began_at_s) * self._clock.speed,
            operation=action.key,
            value={**names, "result": result, "sentence": sentence},
        )
        return ActionResult(
            key=action.key, kind=action.kind, result=result, sentence=sentence, order_id=action.order_id
        )

    def _names(self, action: MendAction) -> dict[str, Any]:
        return {"action": action.kind, "key": action.key, "order_id": action.order_id, "cents": action.cents}

    def _write(self, line: dict[str, Any]) -> None:
        whole = {"at": iso(self._clock.now()), **line}
        try:
            append_line(self._path, msgspec.json.encode(whole).decode(), durable=True)
        except OSError as cause:
            raise explain_disk(cause, self._path) from cause

    async def _order(self, order_id: str) -> Order:
        for order in await self._shop.known_orders():
            if order.id == order_id:
                return order
        raise CannotRun(f"Order {order_id} is not in the orders book.")

    async def _retry(self, action: MendAction) -> tuple[Result, str]:
        order = await self._order(action.order_id)
        # A plan may be older than the order: what has ended is not asked for again, whatever the shop makes of keys.
        if event_for(order) and (order.status == "CANCELLED" or order.shipment_id):
            return "already", f"order {order.id} is {order.status}"
        answer = await self._shop.retry_order(action.order_id, action.key)
        if not answer.is_ok:
            return "failed", f"orders answered {answer.status} {answer.message}".rstrip()
        order = await self._order(action.order_id)
        return "done", f"order {order.id} is {order.status}{' ' + order.reason if order.reason else ''}"

    async def _cancel(self, action: MendAction) -> tuple[Result, str]:
        order = await self._order(action.order_id)
        if order.status == "CANCELLED":
            return "already", f"order {order.id} is cancelled"
        return _read(await self._shop.cancel_order(action.order_id, action.reason, action.key), "orders")

    async def _refund(self, action: MendAction) -> tuple[Result, str]:
        reason = f"mend: {action.why}"
        return _read(await self._shop.refund(action.charge_id, action.cents, reason, action.key), "payment")

    async def _recall(self, action: MendAction) -> tuple[Result, str]:
        return _read(await self._shop.recall(action.shipment_id, action.key), "shipping")

    async def _notice(self, action: MendAction) -> tuple[Result, str]:
        order = await self._order(action.order_id)
        event = action.event or event_for(order)
        if not event:
            return "skipped", f"order {order.id} is still {order.status}"
        customer = next((c for c in await self._shop.customers() if c.id == order.customer_id), None)
        if customer is None or not customer.email:
            return "failed", f"no mail address of customer {order.customer_id} is known"
        notice = write_notice(order, customer, event)
        if any(known.message_id == notice.message_id for known in await self._shop.notices()):
            return "already", f"{event} was told before"
        await self._mail(notice)
        return "done", f"{event} told to {customer.email}"

    async def _empty_cart_lines(self, action: MendAction) -> tuple[Result, str]:
        order = await self._order(action.order_id)
        if event_for(order) != "paid":
            return "skipped", f"order {order.id} is {order.status}: its cart is kept"
        cart = {line.item_id: line for line in await self._shop.carts([action.customer_id])}
        bought = [b for b in action.lines if b.item_id in cart and cart[b.item_id].quantity == b.quantity]
        for line in bought:
            result, sentence = _read(await self._shop.remove_cart_line(action.customer_id, line.item_id), "carts")
            if result == "failed":
                return result, sentence
        return ("done" if bought else "already"), f"{len(bought)} of {len(action.lines)} lines taken out"

    async def _set_shown(self, action: MendAction) -> tuple[Result, str]:
        result: Result = "already"
        if (await self._cluster.env(FRONT_END)).get("SHOWN") != "order":
            await self._cluster.set_env(FRONT_END, {"SHOWN": "order"})
            result = "done"
        await _wait_until_ready(self._cluster, FRONT_END, self._clock)
        await self._shop.health(FRONT_END)
        return result, f"{FRONT_END} shows each order's own status (SHOWN=order)"

    _ACTS: dict[str, Callable[["_Mender", MendAction], Awaitable[tuple[Result, str]]]] = {  # noqa: RUF012  # never changed
        "retry_order": _retry,
        "cancel": _cancel,
        "refund": _refund,
        "recall": _recall,
        "notice": _notice,
        "empty_cart_lines": _empty_cart_lines,
        "set_shown": _set_shown,
    }


def _read(answer: Answer, service: str) -> tuple[Result, str]:
    if not answer.is_ok:
        return "failed", f"{service} answered {answer.status} {answer.message}".rstrip()
    return "done", f"{service} answered {answer.status}"
