"""The log queries 1 to 10 of the hand-written report over the pods' own logs: the other side of what telemetry says."""

from oddsock.drill.report.context import PAID_STATUSES, Context
from oddsock.drill.report.figure import plural
from oddsock.drill.report.logs import has_logs, list_sequences, orders_named, search
from oddsock.drill.report.probe import Probe
from oddsock.drill.report.state_probes import count_refused, scaled_to_zero
from oddsock.drill.telemetry_figures import STEPS
from oddsock.kit.clock import instant

GROUP = "Kept pod logs"
ORDERS_LOG = "evidence/*/logs/orders-*.log"
_NS = "kube_namespace:{ns} "


def list_log_probes(context: Context, exported: int | None) -> list[Probe]:
    """The ten log queries; *exported* is the row count of the failed-order export, None when there is no such file."""
    if context.window is None:
        return []
    probes = [*_failures(context), *_requests(context), *_summaries(context, exported)]
    # What asks for an order's own life has no question where no order failed.
    return [probe for probe in probes if probe.expected is not None or context.failed_ids]


def _q(context: Context, service: str, *texts: str) -> str:
    words = " ".join(f'"{text}"' for text in texts)
    tag = f"service:sock-shop-{service} " if service else ""
    return f"kube_namespace:{context.files.meta.namespace} {tag}{words}".rstrip()


def _grep(context: Context, service: str, text: str) -> str:
    return f"kubectl -n {context.files.meta.namespace} logs deployment/{service} | grep -c {text!r}"


def _named(context: Context, *texts: str, to_at: str = "") -> int | None:
    """How many orders given up the orders log names in the window together with *texts*."""
    assert context.window is not None
    if not has_logs(context, "orders"):
        return None
    lines = search(context, "orders", *texts, from_at=context.window.from_at, to_at=to_at)
    return len(orders_named(lines, context.refused_ids))


def _probe(context: Context, number: str, service: str, texts: tuple[str, ...], **more: object) -> Probe:
    fields = {"unit": "orders", "source": ORDERS_LOG, "expected": len(context.refused_ids), **more}
    return Probe(
        id=number,
        group=GROUP,
        kind="log",
        query=_q(context, service, *texts),
        command=_grep(context, service or "orders", texts[-1] if texts else ""),
        **fields,  # type: ignore[arg-type]  # the keyword arguments of Probe, checked when it is built by the tests
    )


def _failures(context: Context) -> list[Probe]:
    assert context.window is not None
    until = context.window.to_at
    updated, refused = "status updated to PAYMENT_FAILED", "Connection refused"
    raw = search(context, "orders", refused, from_at=context.window.from_at, to_at=until)
    errors = search(context, "orders", "ERROR", from_at=context.window.from_at, to_at=until)
    first = list_sequences(context)[:1]
    return [
        _probe(
            context,
            "L1",
            "orders",
            (updated,),
            actual=_named(context, updated, to_at=until),
            learnt="The log, the orders' book and the customers' history name the same failed orders.",
        ),
        _probe(
            context,
            "L2",
            "orders",
            (refused,),
            expected=count_refused(context),
            actual=_named(context, "ERROR", refused, to_at=until),
            learnt=f"{plural(len(raw), 'line')} hold the words; counted are the orders that an ERROR line names.",
        ),
        _probe(
            context,
            "L3",
            "",
            tuple(context.failed_ids[:1]),
            unit="steps",
            expected=len(STEPS) if first and context.failed_ids[0] in context.refused_ids else None,
            actual=sum(1 for line in first[0].lines if line) if first and has_logs(context, "orders") else None,
            learnt="The whole life of the first failed order, in order, is in one log.",
        ),
        _probe(
            context,
            "L4",
            "orders",
            ("ERROR",),
            unit="lines",
            comparison=">=",
            actual=len(errors) if has_logs(context, "orders") else None,
            learnt=f"{plural(len(errors), 'ERROR line')} for {plural(len(context.failed_ids), 'failed order')}: "
            "to count ERROR lines is not to count orders.",
        ),
    ]


def _requests(context: Context) -> list[Probe]:
    window = context.window
    assert window is not None
    first = min((a.invoked_at for a in context.failed_attempts), default=window.from_at)
    quiet = search(context, window.target, from_at=first, to_at=window.healing_at or context.files.history[-1].at)
    answered = [attempt for attempt in context.files.attempts if attempt.http_status == 500]
    posted = [line for line in search(context, "front-end", "POST /orders") if " 500 " in f"{line.text} "]
    order = _widest_order(context)
    services = [name for name in ("front-end", "orders", "user", "carts", window.target) if has_logs(context, name)]
    naming = [name for name in services if order and search(context, name, order)]
    silence = _probe(
        context,
        "L5",
        window.target,
        (),
        unit="lines",
        expected=0,
        actual=len(quiet) if has_logs(context, window.target) else None,
        source=f"evidence/*/logs/{window.target}-*.log",
        learnt="From the first failed order until healing began the service wrote nothing: it was not there.",
    )
    return [
        # Who is slow, or loses replies, goes on writing.
        *([silence] if scaled_to_zero(context) else []),
        _probe(
            context,
            "L6",
            "front-end",
            ("POST /orders", "500"),
            unit="lines",
            # A stack that was up before the drill may have answered others.
            comparison="==" if context.files.meta.cluster.own else ">=",
            expected=len(answered),
            actual=len(posted) if has_logs(context, "front-end") else None,
            source="evidence/*/logs/front-end-*.log",
            learnt="The front-end's own lines have no time, so its log is compared whole with what all customers got.",
        ),
        _probe(
            context,
            "L7",
            "",
            (order,) if order else (),
            unit="services",
            comparison=">=",
            expected=2 if order else None,
            actual=len(naming) if order and services else None,
            source="evidence/*/logs/*.log",
            learnt=f"The order's id stands in the logs of {' and '.join(naming)}.",
            otherwise=f"Only {' and '.join(naming) or 'no service'} writes an order's id into its log; the original's "
            "lines elsewhere carry none, so a search for an id is no view over services.",
        ),
    ]


def _widest_order(context: Context) -> str:
    """The failed order with the most lines (the hand-written report's order 4), the first such one."""
    orders = context.orders(context.before)
    known = [order_id for order_id in context.failed_ids if order_id in orders]
    return max(known, key=lambda order_id: len(orders[order_id].lines), default="")


def _summaries(context: Context, exported: int | None) -> list[Probe]:
    window = context.window
    assert window is not None
    until = window.to_at
    updated, sending = "status updated to PAYMENT_FAILED", "Sending payment request for order"
    early = [
        order.id
        for order in context.orders(context.before).values()
        if order.status in PAID_STATUSES
        and instant(order.placed_at) < instant(window.from_at)
        # An order without a status of its own has no line about one.
        and order.status_from == "order"
    ]
    paid_lines = search(context, "orders", "payment successful")
    exported_too = _probe(
        context,
        "L8",
        "orders",
        ("Order", updated),
        expected=exported,
        actual=_named(context, "Order", updated, to_at=until),
        source=f"exports/failed-orders.json, {ORDERS_LOG}",
        learnt="The export of failed orders holds as many orders as the log names.",
    )
    return [
        # The export holds what failed otherwise, too, such as orders that are stuck.
        *([exported_too] if context.refused_ids == context.failed_ids else []),
        _probe(
            context,
            "L9",
            "orders",
            (sending,),
            actual=_named(context, sending, to_at=until),
            learnt="Each failed order was sent to payment; nothing held a call back.",
        ),
        _probe(
            context,
            "L10a",
            "orders",
            ("payment successful",),
            expected=len(early),
            actual=len(orders_named(paid_lines, early)) if has_logs(context, "orders") else None,
            learnt="Every order that was paid before the fault has its line of success.",
        ),
        _probe(
            context,
            "L10b",
            "orders",
            ("Payment failed",),
            actual=_named(context, "Payment failed", to_at=until),
            learnt="Every order of the window has its line of failure, none of success.",
        ),
    ]
