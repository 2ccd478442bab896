"""The Fault object (oddsock.dev/v1): what its spec may say, and what it says to the proxy.

spec:
  type: latency                    one of ON_PODS, ARMED or ON_SERVICES
  target: {service: payment}       {deployment: payment} for those ON_PODS and those ARMED
  caller: {deployment: orders}     only connections of these pods; everybody's when left out
  percentage: 30                   of the requests, connections or pods; which ones, seed decides
  latencyMs: 800                   wall milliseconds; jitterMs to both sides of it
  status: 503                      of http-error
  bytesPerSecond: 20000            of bandwidth, each way
  seed: 7
  point: before-authorise          of fault-point: a place in the code of the target
  action: crash                    crash, hang, delay, drop or error
  nth: 2                           only the second time it is reached, counted over restarts; each time when left out
  delayMs: 800                     of the action delay
  offsetMs: -600000                of clock-skew: wall milliseconds that are added to what the clock says
"""

from collections.abc import Callable
from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.proxy_wire import Rule

ON_PODS = ("freeze", "kill")
POINT, DISK_FULL, CLOCK_SKEW = "fault-point", "disk-full", "clock-skew"
ARMED = (POINT, DISK_FULL, CLOCK_SKEW)
"""Those that the target's processes do themselves: rows of the file that ODDSOCK_FAULTS names."""
ON_DEPLOYMENTS = (*ON_PODS, *ARMED)
"""Those whose target is a deployment."""
ACTIONS = ("crash", "hang", "delay", "drop", "error")
"""What may happen at a fault point."""
ON_SERVICES = ("latency", "http-error", "reset", "drop-reply", "black-hole", "bandwidth")
OWN_FIELDS = {
    "latency": ("latencyMs", "jitterMs"),
    "http-error": ("status",),
    "bandwidth": ("bytesPerSecond",),
    POINT: ("point", "action", "nth", "delayMs"),
    CLOCK_SKEW: ("offsetMs",),
}
"""The fields of spec that only one type has."""
REQUIRED = {"latency": "latencyMs", "bandwidth": "bytesPerSecond", CLOCK_SKEW: "offsetMs"}
WHOLE = (DISK_FULL, CLOCK_SKEW)
"""Those that hit all pods of the target, always: a percentage or a seed has nothing to choose."""
RANGES = {
    "percentage": (1, 100),
    "latencyMs": (1, 600_000),
    "jitterMs": (0, 600_000),
    "status": (400, 599),
    "bytesPerSecond": (1, 10**12),
    "nth": (1, 10**9),
    "delayMs": (1, 600_000),
    "offsetMs": (-(10**12), 10**12),
    "seed": (-(2**63), 2**63 - 1),
}
STATUS = 503
"""The status of an http-error that names none."""

Wrong = Callable[[str, str, str], Exception]
"""Makes the error for (field, sentence, reason)."""


def check_spec(spec: Any, wrong: Wrong) -> None:
    """Raise what *wrong* makes of the first thing that is wrong with *spec*."""
    if not isinstance(spec, dict):
        raise wrong("spec", "Required value", "FieldValueRequired")
    type_ = spec.get("type")
    if type_ is None:
        raise wrong("spec.type", "Required value", "FieldValueRequired")
    if type_ not in (*ON_DEPLOYMENTS, *ON_SERVICES):
        known = ", ".join(f'"{each}"' for each in sorted((*ON_DEPLOYMENTS, *ON_SERVICES)))
        raise wrong("spec.type", f'Unsupported value: "{type_}": supported values: {known}', "FieldValueNotSupported")
    _check_fields(spec, type_, wrong)
    _check_reference(spec, "target", "deployment" if type_ in ON_DEPLOYMENTS else "service", wrong)
    for field, (least, most) in RANGES.items():
        value = spec.get(field)
        if field not in spec:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            sentence = f"Invalid value: {_shown(value)}: must be a whole number from {least} to {most}"
            raise wrong(f"spec.{field}", sentence, "FieldValueInvalid")
    if (needed := REQUIRED.get(type_)) and needed not in spec:
        raise wrong(f"spec.{needed}", f"Required value: {type_} needs it", "FieldValueRequired")
    if type_ == POINT:
        _check_point(spec, wrong)
    if "caller" in spec:
        _check_reference(spec, "caller", "deployment", wrong)
    if type_ == "black-hole" and spec.get("percentage", 100) != 100:
        sentence = f"Invalid value: {spec['percentage']}: must be 100: the kernel drops all that knock, or none"
        raise wrong("spec.percentage", sentence, "FieldValueInvalid")


def rule_of(fault: Obj, callers: tuple[int, ...] | None) -> Rule:
    """What the proxy is told of *fault*, which is one on a Service; for the processes *callers* only, unless None."""
    spec = fault["spec"]
    return Rule(
        fault=fault["metadata"]["uid"],
        type=spec["type"],
        percentage=spec.get("percentage", 100),
        seed=spec.get("seed", 0),
        latency_ms=spec.get("latencyMs", 0),
        jitter_ms=spec.get("jitterMs", 0),
        status=spec.get("status", STATUS),
        bytes_per_second=spec.get("bytesPerSecond", 0),
        callers=callers,
    )


def armed_row(fault: Obj, pods: list[str]) -> Obj:
    """The row that arms *fault*, which is one of ARMED, in the processes of *pods*."""
    spec = {field: value for field, value in fault["spec"].items() if field not in ("type", "target")}
    return {"id": fault["metadata"]["uid"], "type": fault["spec"]["type"], "pods": pods, **spec}


def target_text(spec: Obj) -> str:
    """What is hit, as `kubectl get faults` shows it.

    >>> target_text({"target": {"service": "payment"}, "caller": {"deployment": "orders"}})
    'service/payment from deployment/orders'
    """
    shown = [f"{kind}/{name}" for part in ("target", "caller") for kind, name in (spec.get(part) or {}).items()]
    point = f" {spec['action']} at {spec['point']}" if spec.get("type") == POINT else ""
    skew = f" {spec['offsetMs'] / 1000:+g} s" if spec.get("type") == CLOCK_SKEW else ""
    return " from ".join(shown) + point + skew


def _check_point(spec: Obj, wrong: Wrong) -> None:
    point, action = spec.get("point"), spec.get("action")
    if not isinstance(point, str) or not point:
        raise wrong("spec.point", "Required value: the name of a fault point", "FieldValueRequired")
    if action not in ACTIONS:
        known = ", ".join(f'"{each}"' for each in ACTIONS)
        raise wrong(
            "spec.action", f"Unsupported value: {_shown(action)}: supported values: {known}", "FieldValueNotSupported"
        )
    if (action == "delay") != ("delayMs" in spec):
        raise wrong("spec.delayMs", "Invalid value: the action delay needs it, no other has it", "FieldValueInvalid")
    if "nth" in spec and "percentage" in spec:
        raise wrong("spec.nth", "Forbidden: may not be set beside percentage", "FieldValueForbidden")


def _check_fields(spec: Obj, type_: str, wrong: Wrong) -> None:
    known = {"type", "target", *OWN_FIELDS.get(type_, ())}
    if type_ not in WHOLE:
        known |= {"percentage", "seed"}
    if type_ in ON_SERVICES and type_ != "black-hole":
        known.add("caller")
    elsewhere = {field for fields in OWN_FIELDS.values() for field in fields} | {"caller", "percentage", "seed"}
    for field in spec:
        if field not in known:
            sentence = f"may not be set when type is {type_}" if field in elsewhere else "unknown field"
            reason = "FieldValueForbidden"
            raise wrong(f"spec.{field}", f"Forbidden: {sentence}", reason)


def _check_reference(spec: Obj, field: str, kind: str, wrong: Wrong) -> None:
    value = spec.get(field)
    here = f"spec.{field}"
    if not isinstance(value, dict):
        raise wrong(here, f"Required value: {{{kind}: NAME}}", "FieldValueRequired")
    for other in value:
        if other != kind:
            raise wrong(f"{here}.{other}", f"Forbidden: {spec['type']} has a {field} of {kind}", "FieldValueForbidden")
    if not isinstance(value.get(kind), str) or not value[kind]:
        raise wrong(f"{here}.{kind}", f"Required value: the name of a {kind}", "FieldValueRequired")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
