"""The test order: a synthetic customer proves that the shop sells again, then the order is cancelled and refunded."""

import re

import msgspec

from oddsock.clients.sockshop.books import Charge, Shipment
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.access import Access
from oddsock.drill.case import Case
from oddsock.drill.customers import trial_operations
from oddsock.drill.logbook import Logbook
from oddsock.drill.plan_fields import TrialOrder
from oddsock.drill.shopper import perform
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import OddsockError

TRIAL_S_MAX = 60.0
"""Plan seconds within which the order must be PAID and shipped, and afterwards be cancelled."""

TRIAL_WALL_S_MIN = 5.0
TRIAL_POLL_WALL_S = 0.1

REASON = "test order"
SOLD = frozenset({"PAID", "SHIPPED", "DELIVERED"})
NO_SUCH_ROUTE = frozenset({404, 405, 501})

_NUMBERED = re.compile(r"^a(\d{4,})$")


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the test order showed: whether the shop *sells*, and whether the order was *undone* afterwards."""

    sells: bool
    undone: bool
    sentence: str
    order_id: str = ""


async def place_trial_order(
    trial: TrialOrder, access: Access, case: Case, clock: Clock, logbook: Logbook
) -> TrialResult:
    """Place *trial*, look for PAID and a shipment, cancel it and look for the refund; a step of the history."""
    with logbook.step("test_order", {"username": trial.customer.username, "socks": dict(trial.socks)}) as step:
        result = await _try_to_sell(trial, access, case, clock, logbook)
        if result.sells:
            result = await _undo(result, access.shop, clock)
        step.value |= msgspec.to_builtins(result)
        step.kind = "fail" if not result.sells else "ok" if result.undone else "unknown"
    return result


def next_operation(case: Case) -> int:
    """The first number that no customer's operation of *case* has yet."""
    numbers = (int(found[1]) for entry in case.history if (found := _NUMBERED.match(entry.operation)))
    return max(numbers, default=0) + 1


async def _try_to_sell(trial: TrialOrder, access: Access, case: Case, clock: Clock, logbook: Logbook) -> TrialResult:
    for operation in trial_operations(trial, next_operation(case)):
        entry = await perform(operation, access.sessions, logbook)
        if entry.kind != "ok":
            why = entry.value.get("message") or entry.value.get("error") or f"HTTP {entry.value.get('http_status')}"
            return TrialResult(sells=False, undone=False, sentence=f"the {operation.verb} of the test order: {why}")
    order_id = str(entry.value.get("order_id", ""))
    seen = "the order is not in the books"

    async def is_sold() -> bool:
        nonlocal seen
        sold, seen = await _look_for_sale(order_id, access.shop)
        return sold

    sells = bool(await wait_for(is_sold, clock, _deadline_s(clock), TRIAL_POLL_WALL_S * clock.speed))
    return TrialResult(sells=sells, undone=False, sentence=f"test order {order_id} {seen}", order_id=order_id)


async def _look_for_sale(order_id: str, shop: Shop) -> tuple[bool, str]:
    try:
        order = next((one for one in await shop.known_orders() if one.id == order_id), None)
        parcels = [line for line in await shop.shipments() if line.order_id == order_id]
    except OddsockError as error:
        return False, f"cannot be looked up: {error.sentence}"
    if order is None:
        return False, "is not in the orders book"
    shipped = order.shipment_id is not None or bool(parcels)
    told = "with a shipment" if shipped else "without a shipment"
    return order.status in SOLD and shipped, f"is {order.status or 'without a status'}, {told}"


async def _undo(sold: TrialResult, shop: Shop, clock: Clock) -> TrialResult:
    order_id = sold.order_id
    try:
        answer = await shop.cancel_order(order_id, REASON, f"test-order-{order_id}")
    except OddsockError as error:
        return msgspec.structs.replace(sold, sentence=f"{sold.sentence}; it could not be cancelled: {error.sentence}")
    if not answer.is_ok:
        why = "this shop cannot cancel orders" if answer.status in NO_SUCH_ROUTE else f"HTTP {answer.status}"
        return msgspec.structs.replace(sold, sentence=f"{sold.sentence}; it was not cancelled: {why}")
    left = "its books were not read"

    async def is_undone() -> bool:
        nonlocal left
        left = await _look_for_rest(order_id, shop)
        return not left

    undone = bool(await wait_for(is_undone, clock, _deadline_s(clock), TRIAL_POLL_WALL_S * clock.speed))
    outcome = "then cancelled, refunded and recalled" if undone else f"then cancelled, but {left}"
    return msgspec.structs.replace(sold, undone=undone, sentence=f"{sold.sentence}; {outcome}")


async def _look_for_rest(order_id: str, shop: Shop) -> str:
    """What of the order is still in the world; empty when money and parcel are back."""
    try:
        kept_cents = _net_cents([line for line in await shop.charges() if line.order_id == order_id])
        parcels = _live_parcels([line for line in await shop.shipments() if line.order_id == order_id])
    except OddsockError as error:
        return f"its books cannot be read: {error.sentence}"
    rest = [f"{kept_cents} cents are not refunded"] if kept_cents else []
    rest += [f"{parcels} parcels are not recalled"] if parcels else []
    return " and ".join(rest)


def _net_cents(lines: list[Charge]) -> int:
    signs = {"capture": 1, "refund": -1}
    return sum(signs.get(line.kind, 0) * line.amount_cents for line in lines)


def _live_parcels(lines: list[Shipment]) -> int:
    recalled = {line.shipment_id for line in lines if line.event == "recalled"}
    return len({line.shipment_id for line in lines} - recalled)


def _deadline_s(clock: Clock) -> float:
    return max(TRIAL_S_MAX, TRIAL_WALL_S_MIN * clock.speed)
