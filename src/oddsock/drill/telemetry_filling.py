"""Fills a plan's questions in with what only the run knows: order and trace ids, names of pods, this Datadog's tags."""

import re
from collections.abc import Sequence

import msgspec

from oddsock.clients.sockshop.books import Order, StatusChange
from oddsock.drill.clock_errors import load_right
from oddsock.drill.evidence_files import CaseFolder, load
from oddsock.drill.plan_telemetry import PLACEHOLDER
from oddsock.drill.telemetry_span import Span
from oddsock.kit.clock import instant
from oddsock.kit.errors import CannotRun

TRACE_LENGTH = 16
"""Of a trace id's 32 digits the records of Spring Boot hold the last 16, and so do all lines of the shop."""

_ALIAS = re.compile(r"(?<![\w.])deployment:")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run can fill in: the orders of the window in order, their trace ids, pods by deployment.

    They are those that failed, and where none did those that were placed.
    """

    order_ids: Sequence[str] = ()
    traces: Sequence[str] = ()
    pods: dict[str, str] = {}


class CannotFill(CannotRun):
    """The run has nothing to put in the place of a placeholder."""


def fill(query: str, facts: Facts, *, has_alias: bool) -> str:
    """*query* as it is asked; CannotFill when the run has no such order, trace or pod.

    Without *has_alias* the tag `deployment` is asked as `kube_deployment`, as the real Datadog has it.

    >>> fill("{order 1} deployment:payment", Facts(order_ids=["o1"]), has_alias=False)
    'o1 kube_deployment:payment'
    """

    def put(found: re.Match[str]) -> str:
        if found[3]:
            if found[3] not in facts.pods:
                raise CannotFill(f"No pod of {found[3]} was seen.")
            return facts.pods[found[3]]
        values, n = (facts.order_ids if found[1] == "order" else facts.traces), int(found[2])
        if n > len(values) or not values[n - 1]:
            raise CannotFill(f"This run has no {found[1]} {n} among the orders of its window.")
        return values[n - 1]

    filled = PLACEHOLDER.sub(put, query)
    return filled if has_alias else _ALIAS.sub("kube_deployment:", filled)


def gather_facts(case: CaseFolder, span: Span) -> Facts:
    """What *case*'s evidence after the heal has to fill in; nothing of a book that could not be read."""
    taken = load_right(case, "after-heal")
    placed = placed_since(taken.orders.rows, span.from_at)
    ids = [order.id for order in [one for one in placed if one.status == "PAYMENT_FAILED"] or placed]
    pods: dict[str, str] = {}
    for phase in ("before", "during", "after-heal"):
        for row in load(case, phase).pods.rows:
            pods.setdefault(str(row.get("deployment")), str(row.get("name")))
    return Facts(order_ids=ids, traces=traces_of(ids, taken.journal.rows), pods=pods)


def placed_since(orders: Sequence[Order], from_at: str) -> list[Order]:
    """The orders that were placed since *from_at*, in order of time."""
    since = instant(from_at)
    placed = [one for one in orders if instant(one.placed_at) >= since]
    return sorted(placed, key=lambda one: (instant(one.placed_at), one.id))


def traces_of(order_ids: Sequence[str], journal: Sequence[StatusChange]) -> list[str]:
    """The trace id under which each order was placed, as logs write it; empty where the journal has none."""
    found: dict[str, str] = {}
    for change in journal:
        parts = change.traceparent.split("-")
        if len(parts) == 4:
            found.setdefault(change.order_id, parts[1][-TRACE_LENGTH:])
    return [found.get(order_id, "") for order_id in order_ids]
