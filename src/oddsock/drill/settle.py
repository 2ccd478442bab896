"""Settling: nothing is CREATED or PENDING any more, no parcel is queued at shipping and no notice waits to be sent,
or the time is over.
"""

from typing import Any

from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.logbook import Logbook
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import Unreachable

SETTLE_WALL_S_MIN = 2.0
"""Disks and processes need real time: the wait is not shorter than this, at whatever speed."""

SETTLE_POLL_WALL_S = 0.1
"""Wall seconds between two looks."""

OPEN_STATUSES = frozenset({"CREATED", "PENDING"})
QUEUED_EVENTS = frozenset({"accepted", "queued"})


async def await_settled(settle_s: float, shop: Shop, clock: Clock, logbook: Logbook, still_wall_s: float = 0.0) -> bool:
    """Whether the shop settled within *settle_s* plan seconds; written down as the step `settle`.

    With *still_wall_s* the wait ends, too, when nothing has changed for so many wall seconds.
    """
    began_s = changed_s = clock.monotonic()
    settled = False
    with logbook.step("settle") as step:

        async def is_over() -> bool:
            nonlocal changed_s, settled
            seen = await _look(shop)
            if seen != {key: step.value.get(key) for key in seen}:
                changed_s = clock.monotonic()
            step.value.clear()
            step.value.update(seen)
            settled = bool(seen["settled"])
            return settled or 0 < still_wall_s <= clock.monotonic() - changed_s

        deadline_s = max(settle_s, SETTLE_WALL_S_MIN * clock.speed)
        await wait_for(is_over, clock, deadline_s, SETTLE_POLL_WALL_S * clock.speed)
        wall_s = clock.monotonic() - began_s
        step.value |= {"wall_s": round(wall_s, 3), "waited_plan_s": round(wall_s * clock.speed, 1)}
        step.kind = "ok" if settled else "unknown"
    return settled


async def _look(shop: Shop) -> dict[str, Any]:
    try:
        open_orders = sum(order.status in OPEN_STATUSES for order in await shop.orders())
        # Asked after the orders: what an order's end has to tell is written down together with that end.
        notices = await shop.waiting_notices()
    except Unreachable as error:
        return {"settled": False, "sentence": f"orders cannot be read: {error.sentence}"}
    try:
        latest = {line.shipment_id: line.event for line in await shop.shipments()}
        queued = sum(event in QUEUED_EVENTS for event in latest.values())
    except Unreachable as error:
        # A shop whose shipping answers but keeps no book cannot say what is queued; its orders are all to wait for.
        bookless = any(answer in error.sentence for answer in ("HTTP 404", "HTTP 405"))
        return {
            "settled": bookless and not open_orders and not notices,
            "sentence": f"shipping's queue is not known: {error.sentence}",
        }
    sentence = f"{open_orders} orders are CREATED or PENDING, {queued} parcels are queued"
    if notices:
        sentence += f", {notices} notices are not sent"
    return {
        "settled": not open_orders and not queued and not notices,
        "open_orders": open_orders,
        "queued_parcels": queued,
        "waiting_notices": notices,
        "sentence": sentence,
    }
