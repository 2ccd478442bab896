"""State of cluster and shop as their own APIs tell it: the other side of the metrics, views and events of telemetry."""

from collections import Counter
from typing import Any

from oddsock.drill.evidence_files import BookEvidence, Evidence
from oddsock.drill.report.context import PAID_STATUSES, Context
from oddsock.drill.report.folder import AFTER_HEAL, BEFORE, DURING, evidence_file
from oddsock.drill.report.logs import deployment_of
from oddsock.drill.report.probe import Probe
from oddsock.kit.clock import instant


def list_state_probes(context: Context) -> list[Probe]:
    """The hand-written report's metric queries, views, events and order counts, as far as this run has evidence."""
    if context.window is None:
        return []
    return [*_orders(context), *_pods(context), *_views(context), *_event_stream(context)]


def target_pods(evidence: Evidence, target: str) -> int | None:
    """Pods of a deployment; None without evidence."""
    return len(_of(evidence.pods, target)) if evidence.pods.present else None


def target_addresses(evidence: Evidence, target: str) -> int | None:
    """Ready endpoints of a Service; None without evidence, 0 when it has none or its Endpoints object is away."""
    if not evidence.endpoints.present:
        return None
    return sum(len(row.get("addresses") or []) for row in evidence.endpoints.rows if row.get("name") == target)


def deployment_number(evidence: Evidence, target: str, field: str) -> int | None:
    """A number of a deployment (replicas, ready); None without evidence or without such a deployment."""
    row = next((row for row in evidence.deployments.rows if row.get("name") == target), None)
    return int(row.get(field) or 0) if row is not None else None


def _of(pods: BookEvidence[dict[str, Any]], target: str) -> list[dict[str, Any]]:
    return [row for row in pods.rows if (row.get("deployment") or deployment_of(str(row.get("name")))) == target]


PAYMENT = "payment"

UNSTEADY = ("K3b", "K3c", "K3e", "K4")
"""What is nobody's to say of a moment in which processes are killed."""


def scaled_to_zero(context: Context) -> bool:
    """Whether the undo journal or the history says that the fault took every replica away."""
    window = context.window
    if window is None:
        return False
    changes = [c for row in context.files.undo if row.get("id") == window.id for c in row.get("changes") or []]
    return window.now.get("replicas") == 0 or any(
        c.get("path") == "spec.replicas" and c.get("injected") == 0 for c in changes
    )


def count_refused(context: Context) -> int | None:
    """Failed orders whose status history names a refused connection; None without the journal."""
    phase = context.files.latest("journal")
    if phase is None:
        return None
    journal = context.files.evidence[phase].journal.rows
    refused = {change.order_id for change in journal if "refused" in change.cause.lower()}
    return len(refused & set(context.failed_ids))


def _kills(context: Context) -> bool:
    """Whether a fault of the plan kills processes, so that pods restart and are not ready for a while."""
    faults = context.files.plan.get("faults") or []
    return any(f.get("fault") == "kill-pods" or (f.get("settings") or {}).get("action") == "crash" for f in faults)


def _orders(context: Context) -> list[Probe]:
    evidence = context.files.evidence[DURING]
    file, present = evidence_file(DURING, "orders"), evidence.orders.present
    counts = Counter(order.status for order in evidence.orders.rows)
    begun = [a for a in context.files.attempts if evidence.taken_at and a.invoked_at <= evidence.taken_at]
    placed = {context.order_of_attempt.get(attempt.operation, "") for attempt in begun} - {""}
    earlier = sum(1 for a in begun if a not in context.window_attempts and a.end == "ok")
    before = [a for a in begun if a not in context.window_attempts and a.end != "ok"]
    # Where an order is saved last, an attempt that failed left none.
    old = len([a for a in before if context.order_of_attempt.get(a.operation)])
    paid = sum(counts[status] for status in PAID_STATUSES)
    command = f"kubectl -n {context.files.meta.namespace} exec deployment/front-end -- curl -s http://orders:80/orders"
    own = "==" if context.files.meta.cluster.own else ">="
    rows = [
        ("S1", "orders in all", len(placed), sum(counts.values()), "The shop holds one order for each attempt."),
        (
            "S2",
            "PAYMENT_FAILED",
            len(context.refused_ids) + old,
            counts["PAYMENT_FAILED"],
            "Those of the window and the old.",
        ),
    ]
    if scaled_to_zero(context) and context.window is not None and context.window.target == PAYMENT:
        rows.append(("S3", "PAID", earlier, paid, "Those from before the fault; none was paid while it held."))
    return [
        Probe(
            id=number,
            group="Database state",
            kind="api",
            query=f"GET /orders during the fault: {name}",
            command=command,
            comparison=own,
            expected=expected,
            actual=actual if present else None,
            unit="orders",
            learnt=learnt,
            source=file,
        )
        for number, name, expected, actual, learnt in rows
    ]


def _state(number: str, query: str, expected: float | None, actual: float | None, unit: str, **more: str) -> Probe:
    fields = {"group": "Cluster state", "kind": "state", "learnt": "", "source": "", "comparison": "==", "command": ""}
    fields.update(more)
    return Probe(id=number, query=query, expected=expected, actual=actual, unit=unit, **fields)


def _pods(context: Context) -> list[Probe]:
    assert context.window is not None
    target, ns = context.window.target, context.files.meta.namespace
    before, during, healed = (context.files.evidence[phase] for phase in (BEFORE, DURING, AFTER_HEAL))
    gone = scaled_to_zero(context)
    was = target_pods(before, target)
    query = f"pods of {target}"
    restarts = f"restarts of {target}"
    pods = _of(healed.pods, target)
    command = f"kubectl -n {ns} get pods -l name={target}"
    metric = {"group": "Cluster state", "kind": "state", "command": command}
    probes = [
        _state(
            "K1a", f"{query} during the fault", 0 if gone else was, target_pods(during, target), "pods",
            source=evidence_file(DURING, "pods"), learnt="The service had no pod while the orders came in.", **metric,
        ),
        _state(
            "K1b", f"{query} after the heal", was, target_pods(healed, target), "pods",
            source=evidence_file(AFTER_HEAL, "pods"), learnt="As many pods as before the fault.", **metric,
        ),
        _state(
            "K2", restarts, 0, sum(int(row.get("restarts") or 0) for row in pods) if pods else None, "restarts",
            source=evidence_file(AFTER_HEAL, "pods"), learnt="It did not crash; it was taken away.", **metric,
        ),
    ]  # fmt: skip
    return [probe for probe in probes if probe.id != "K2" or not _kills(context)]


def _views(context: Context) -> list[Probe]:
    assert context.window is not None
    target, ns = context.window.target, context.files.meta.namespace
    before, during = context.files.evidence[BEFORE], context.files.evidence[DURING]
    gone = scaled_to_zero(context)
    ready = deployment_number(before, target, "ready")
    nodes = [row for row in during.nodes.rows if row.get("ready") is not False]
    orders_pods = _of(during.pods, "orders")
    services = [row for row in during.services.rows if row.get("name") == target]
    file = evidence_file
    wanted, ready_now = (deployment_number(during, target, field) for field in ("replicas", "ready"))
    table = [
        ("K3a", f"deployment {target}: replicas wanted", 0 if gone else ready,
         wanted, "replicas", file(DURING, "deployments"), f"deployment {target}"),
        ("K3b", f"deployment {target}: replicas ready", 0 if gone else ready,
         ready_now, "replicas", file(DURING, "deployments"), f"deployment {target}"),
        ("K3c", "deployment orders: replicas ready", deployment_number(before, "orders", "ready"),
         deployment_number(during, "orders", "ready"), "replicas", file(DURING, "deployments"), "deployment orders"),
        ("K3d", f"Service {target} exists", 1, len(services) if during.services.present else None, "services",
         file(DURING, "services"), f"service {target}"),
        ("K3e", f"Service {target}: endpoints", 0 if gone else ready, target_addresses(during, target), "addresses",
         file(DURING, "endpoints"), f"endpoints {target}"),
        ("K4", "restarts of the orders pods", 0,
         sum(int(row.get("restarts") or 0) for row in orders_pods) if orders_pods else None, "restarts",
         file(DURING, "pods"), "pods -l name=orders"),
        ("K5", "nodes ready", len(before.nodes.rows) or None,
         len(nodes) if during.nodes.present else None, "nodes", file(DURING, "nodes"), "nodes"),
    ]  # fmt: skip
    learnt = {
        "K3a": "The cause is a number somebody set, not a crash.",
        "K3b": "No replica could answer.",
        "K3c": "orders itself was up: it took every order and failed each.",
        "K3d": "The name still resolved, so callers got as far as connecting.",
        "K3e": "Nobody stood behind the name: connection refused.",
        "K4": "orders stood through it.",
        "K5": "No node was part of it.",
    }
    return [
        _state(n, query, want, got, unit, source=source, learnt=learnt[n], command=f"kubectl -n {ns} get {what}")
        for n, query, want, got, unit, source, what in table
        if n not in UNSTEADY or not _kills(context)
    ]


def _event_stream(context: Context) -> list[Probe]:
    window = context.window
    assert window is not None
    phase = context.files.latest("events") or DURING
    evidence = context.files.evidence[phase]
    query = f"events of deployment {window.target}"
    scaled = [
        row
        for row in evidence.events.rows
        if row.get("reason") == "ScalingReplicaSet" and row.get("name") == window.target and row.get("at")
        # The stamp of an event may be cut to the whole second.
        if instant(str(row["at"])).timestamp() >= int(instant(window.from_at).timestamp())
    ]
    down = sum(1 for row in scaled if "down" in str(row.get("message")).lower())
    up = sum(1 for row in scaled if "up" in str(row.get("message")).lower())
    more = {"group": "Cluster state", "kind": "event", "source": evidence_file(phase, "events"), "comparison": ">="}
    more["command"] = f"kubectl -n {context.files.meta.namespace} get events --field-selector reason=ScalingReplicaSet"
    present, gone = evidence.events.present, 1 if scaled_to_zero(context) else 0
    return [
        _state(
            "K6a", f"{query}: ScalingReplicaSet down", gone, down if present else None, "events",
            learnt="The cluster says itself when the service went.", **more,
        ),
        _state(
            "K6b", f"{query}: ScalingReplicaSet up", gone, up if present else None, "events",
            learnt="And when it was given back.", **more,
        ),
    ]  # fmt: skip
