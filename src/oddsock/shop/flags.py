"""The switches of the shop: one row each, read from the environment of a deployment.

A row says what the legacy value does and which recommendation of the incident report the other value answers.
docs/switches.md shows the same table.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from oddsock.kit.errors import UsageError

WEAVE = "weave"
"""The value of DIALECT that speaks the upstream's wire."""

UPSTREAM = "upstream"
"""The value of ORDER_PROFILE that saves an order last."""

_ON = frozenset({"on", "true", "1", "yes"})
_OFF = frozenset({"off", "false", "0", "no"})


@dataclass(frozen=True, slots=True)
class Flag:
    """One switch: the environment variable *name* of *services*, its *default*, its *values* ("" = any text)."""

    name: str
    services: tuple[str, ...]
    default: str
    values: tuple[str, ...]
    effect: str
    recommendation: str


FLAGS = (
    Flag(
        "FLOAT32_TOTALS",
        ("orders",),
        "on",
        ("on", "off"),
        "Legacy fault: totals are added in float32 and go over the wire so (104.979996). Off: exact cents (104.98).",
        "none: explains the report's $374.21",
    ),
    Flag(
        "UNMASKED_CARD_LOG",
        ("orders", "user", "front-end"),
        "on",
        ("on", "off"),
        "Legacy fault: the whole card number stands in the service's own log. Off: its last four digits.",
        "none: the report does not mention it",
    ),
    Flag(
        "SHOWN",
        ("front-end",),
        "label",
        ("label", "order"),
        "Legacy fault `label`: every order is shown as Shipped, a constant in the page. `order`: Shipped exactly when "
        "a live shipment exists, else the order's own status.",
        "Fix UI Caching: Update UI to fetch real-time order status",
    ),
    Flag(
        "SILENT_500",
        ("front-end",),
        "on",
        ("on", "off"),
        "Legacy fault: the checkout page says nothing when an order ends in a 5xx. Off: it says what failed.",
        "Fix UI Error Display: Ensure users see payment errors immediately",
    ),
    Flag(
        "ERROR_DISPLAY",
        ("front-end",),
        "off",
        ("on", "off"),
        "On: the checkout says what happened, whether the card was charged as payment's book has it, and what to do "
        "next, for 400, 406, 409, 500, 503 and for a browser without a connection; SILENT_500 counts as off.",
        "Fix UI Error Display: Ensure users see payment errors immediately",
    ),
    Flag(
        "LIVE_STATUS",
        ("front-end",),
        "off",
        ("on", "off"),
        "On: the pages of orders show each order's own status and follow it by server-sent events, within 2 s of the "
        "change; SHOWN counts as `order`.",
        "Fix UI Caching: Update UI to fetch real-time order status",
    ),
    Flag(
        "LIVE_STATUS_POLL_S",
        ("front-end",),
        "0.25",
        (),
        "How often, in wall seconds, the books are asked for news while somebody follows an order: once for everybody.",
        "none: a setting of LIVE_STATUS",
    ),
    Flag(
        "CALL_WALL_S_MIN",
        ("front-end", "orders"),
        "1",
        (),
        "The least time that a call of orders to another service gets, in wall seconds, however fast a plan runs; the "
        "front-end's get five times as long. A busy machine may need more.",
        "none: a setting of the lab",
    ),
    Flag(
        "DECLINE_LIMIT",
        ("payment", "gateway"),
        "105.00",
        (),
        "The highest amount that is authorised; `-decline=` on the command line wins over it.",
        "none: the original's setting",
    ),
    Flag(
        "ORDER_PROFILE",
        ("orders",),
        "incident-3",
        ("incident-3", "upstream"),
        "How an order is stored. `incident-3`: CREATED, PENDING, then PAID (before shipping) or PAYMENT_FAILED, as in "
        "the report. `upstream`: pay, ship, save last; no status on the wire, and after an outage no order at all.",
        "none: the original's two ways of saving an order",
    ),
    Flag(
        "SOCKS",
        ("catalogue",),
        "weave,incident-3",
        (),
        "Which lists of data/socks are sold: the original ten, and the three that the report names.",
        "none: the report's prices",
    ),
    Flag(
        "DIALECT",
        ("front-end", "user", "orders"),
        "power",
        ("power", "weave"),
        "Whose wire is spoken. `power`: the fork that the report ran, one address and one card a customer. `weave`: "
        "the upstream, ids and lists of their own, links followed, an order may lack address or card (406).",
        "none: the report's shop",
    ),
    Flag(
        "SEED_USERS",
        ("user",),
        "off",
        ("on", "off"),
        "On: an empty book starts with the original's three customers (Eve_Berger, user, user1).",
        "none: the report's shop started without customers",
    ),
    Flag(
        "TRACE_LOGS",
        ("front-end", "user", "carts"),
        "off",
        ("on", "off"),
        "On: these three log the trace id of each request (`trace_id=` and the 16 digits of orders' records), so "
        "that one trace id finds an order's lines in every service. Off: as the original, which loses the thread here.",
        "Multi-Service Correlation: Use order IDs to trace requests across services",
    ),
    Flag(
        "RETRY",
        ("orders",),
        "off",
        ("on", "off"),
        "On: a call to payment or shipping without an answer is made again, with full jitter and exponential back-off, "
        "up to a deadline; Retry-After is honoured, a decline is never tried again. With the queue on, the next try "
        "is kept with the parked order instead.",
        "Implement Retry Logic: Add exponential backoff retry for payment calls",
    ),
    Flag(
        "BREAKER",
        ("orders",),
        "off",
        ("on", "off"),
        "On: after five failures in a row payment or shipping is not asked for a while; then exactly one call probes.",
        "Add Circuit Breaker: Prevent cascading failures with Hystrix/Resilience4j",
    ),
    Flag(
        "PAYMENT_QUEUE",
        ("orders",),
        "off",
        ("on", "off"),
        "On: an order that payment or shipping gives no answer for is answered 202, PENDING, and carried on from a "
        "durable queue; after QUEUE_DEADLINE_S it becomes a dead letter.",
        "Payment Queue: Implement async payment processing with retry queue",
    ),
    Flag(
        "QUEUE_DEADLINE_S",
        ("orders",),
        "14400",
        (),
        "How long an order may be parked before it is a dead letter, in plan seconds.",
        "none: a setting of the payment queue",
    ),
    Flag(
        "RELEASE_LIMITER",
        ("orders",),
        "off",
        ("on", "off"),
        "On: parked orders and fresh ones share a limit of calls under way that adapts (AIMD). Off: all wake at once.",
        "Payment Queue: Implement async payment processing with retry queue",
    ),
    Flag(
        "RESUME",
        ("orders",),
        "off",
        ("on", "off"),
        "On: a start carries on the orders that a death left CREATED, PENDING, or PAID without a shipment.",
        "Payment Queue: Implement async payment processing with retry queue",
    ),
    Flag(
        "IDEMPOTENCY",
        ("front-end", "orders", "payment"),
        "off",
        ("on", "off"),
        "On: an Idempotency-Key is kept with the request's fingerprint and passed on, and each order has one key of "
        "its own for payment and shipping, so that a call made twice has its effect once. payment honours a key "
        "whatever the switch says.",
        "Idempotent Payments: Add idempotency keys to prevent double charges",
    ),
    Flag(
        "SAGA",
        ("orders",),
        "off",
        ("on", "off"),
        "On: authorise, ship, confirm, each journaled before it acts and each with its compensation: money is held and "
        "taken behind the parcel; an order that cannot go on is recalled, voided or refunded, and cancelled.",
        "Saga Pattern: Implement distributed transaction compensation",
    ),
    Flag(
        "EVENT_SOURCING",
        ("orders",),
        "off",
        ("on", "off"),
        "On: every change is an event with cause, actor and trace; history, point-in-time view and drift check are "
        "offered.",
        "Event Sourcing: Maintain audit trail of all order state transitions",
    ),
    Flag(
        "ORDERS_STORE",
        ("orders",),
        "sqlite",
        ("sqlite", "postgres"),
        "Where orders keeps its book. `sqlite`: one file, one process. `postgres`: the database at ORDERS_DSN (of the "
        "environment only), shared by any number of orders replicas, which claim parked orders under a lease.",
        "Payment Queue: Implement async payment processing with retry queue",
    ),
    Flag(
        "ORDERS_LEASE_S",
        ("orders",),
        "60",
        (),
        "How long a parked order, or a notice, is in the hands of the process that claimed it, in wall seconds; a dead "
        "one's are taken over behind that.",
        "none: a setting of ORDERS_STORE",
    ),
    Flag(
        "NOTICES",
        ("orders",),
        "off",
        ("on", "off"),
        "On: the customer is mailed once for each of paid, delayed, declined, failed, cancelled and refunded.",
        "User Notifications: Email customers about payment failures",
    ),
    Flag(
        "WEBHOOKS",
        ("orders", "payment", "gateway"),
        "off",
        ("on", "off"),
        "On: payment tells orders by signed webhook what became of a payment, and the gateway tells payment, until it "
        "is taken; an order whose answer was lost is paid or cancelled by it.",
        "Payment Gateway Integration: Add webhook support for async payment status",
    ),
    Flag(
        "GATEWAY",
        ("payment",),
        "",
        (),
        "The address of the gateway that payment asks: `http://gateway`, ours, or Stripe's own. Empty: payment decides "
        "itself, by DECLINE_LIMIT.",
        "none: what webhooks of a gateway need",
    ),
)

_BY_NAME = {flag.name: flag for flag in FLAGS}


class Flags:
    """The switches as one environment sets them; UsageError names a value that no row allows."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def text(self, name: str) -> str:
        """The value of switch *name*, its default when the environment does not set it."""
        flag = _BY_NAME[name]
        value = self._environment.get(name, "").strip() or flag.default
        if flag.values == ("on", "off"):
            value = "on" if value.lower() in _ON else "off" if value.lower() in _OFF else value
        if flag.values and value not in flag.values:
            raise UsageError(f"{name}={value} is not known.", f"Set it to {' or '.join(flag.values)}.")
        return value

    def is_on(self, name: str) -> bool:
        """Whether the on/off switch *name* is on."""
        return self.text(name) == "on"

    def seconds(self, name: str) -> float:
        """The value of switch *name* in seconds; UsageError when it is no positive number."""
        text = self.text(name)
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.0 < value < float("inf"):
            raise UsageError(f"{name}={text} is no number of seconds.", "Set it to a positive number.")
        return value

    def names(self, name: str) -> list[str]:
        """The comma-separated value of switch *name*."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]


def as_markdown() -> str:
    """The rows as the table of docs/switches.md."""
    lines = ["| switch | service | default | what it does | recommendation it answers |", "|---|---|---|---|---|"]
    for flag in FLAGS:
        default = f"`{flag.default}`" if flag.default else "empty"
        cells = (f"`{flag.name}`", ", ".join(flag.services), default, flag.effect, flag.recommendation)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
