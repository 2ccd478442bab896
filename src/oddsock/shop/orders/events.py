"""Event sourcing: an order is the fold of its events, which are added and never changed. Pure.

kind        data                                     fold
created     order: the whole order                   begins it
moved       status, reason, shipment_id              takes them over
shipped     shipment_id                              takes it over
parked      stage, due_at, attempts, dead            nothing of the order itself
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from oddsock.kit.mask import mask_cards
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Errand, OrderEvent, Step
from oddsock.shop.orders.status import Status

COMPARED = ("status", "reason", "shipment_id", "total_cents", "customer_id", "items")
"""Which fields of an order's row must be those of its fold."""


def _event(order_id: str, kind: str, step: Step, at: str, cause: str, data: dict[str, Any]) -> OrderEvent:
    return OrderEvent(
        order_id=order_id,
        kind=kind,
        at=at,
        cause=cause,
        actor=step.actor,
        request_id=step.by.request_id,
        traceparent=step.by.traceparent,
        data=data,
    )


def created(order: Order, step: Step, at: str, cause: str = "") -> OrderEvent:
    """The order was stored."""
    return _event(order.id, "created", step, at, cause, {"order": msgspec.to_builtins(order)})


def moved(order: Order, step: Step, at: str, cause: str) -> OrderEvent:
    """The order came into its status."""
    data = {"status": order.status.value, "reason": order.reason, "shipment_id": order.shipment_id}
    return _event(order.id, "moved", step, at, cause, data)


def shipped(order: Order, step: Step, at: str) -> OrderEvent:
    """The order got its shipment."""
    return _event(order.id, "shipped", step, at, "", {"shipment_id": order.shipment_id})


def parked(order: Order, errand: Errand, step: Step, at: str) -> OrderEvent:
    """The order waits for its next try, or is a dead letter."""
    data = {"stage": errand.stage, "due_at": errand.due_at, "attempts": errand.attempts, "dead": errand.dead}
    return _event(order.id, "parked", step, at, errand.cause, data)


def fold(events: Iterable[OrderEvent]) -> Order | None:
    """The order that *events*, oldest first, make; None when they begin in the middle or there are none."""
    order: Order | None = None
    for event in events:
        if event.kind == "created":
            order = msgspec.convert(event.data["order"], Order)
        elif order is not None and event.kind == "moved":
            order = msgspec.structs.replace(
                order,
                status=Status(event.data["status"]),
                reason=event.data["reason"],
                shipment_id=event.data["shipment_id"],
            )
        elif order is not None and event.kind == "shipped":
            order = msgspec.structs.replace(order, shipment_id=event.data["shipment_id"])
    return order


def fold_until(events: Iterable[OrderEvent], at: str) -> Order | None:
    """The order as it was at instant *at* (ISO 8601, milliseconds, Z); None when it was not there yet."""
    return fold(event for event in events if event.at <= at)


def drift(order: Order, events: Iterable[OrderEvent]) -> list[str]:
    """The fields in which the row of *order* is not what its events make of it; `events` when they make nothing."""
    rebuilt = fold(events)
    if rebuilt is None:
        return ["events"]
    return [name for name in COMPARED if getattr(order, name) != getattr(rebuilt, name)]


def shown(event: OrderEvent) -> dict[str, Any]:
    """The event as the wire shows it: card numbers masked, the trace by its id."""
    data = msgspec.json.decode(mask_cards(msgspec.json.encode(event.data).decode()))
    parts = event.traceparent.split("-")
    return {
        "seq": event.seq,
        "order_id": event.order_id,
        "kind": event.kind,
        "at": event.at,
        "cause": event.cause,
        "actor": event.actor,
        "request_id": event.request_id,
        "trace_id": parts[1] if len(parts) == 4 else "",
        "data": data,
    }
