"""What is refused with 422 before it reaches the store: names, required members, and types that controllers rely on."""

import re
from typing import Any

from oddsock.cluster.faults import check_spec
from oddsock.cluster.kinds import BY_NAME, Kind, Obj
from oddsock.cluster.selectors import object_selector
from oddsock.cluster.status import BadRequest, Invalid

NAME_LENGTH_MAX = 253
_OBJECTS = frozenset(
    {
        "metadata",
        "spec",
        "labels",
        "annotations",
        "selector",
        "matchLabels",
        "template",
        "strategy",
        "rollingUpdate",
        "resources",
        "limits",
        "requests",
        "httpGet",
        "tcpSocket",
        "exec",
        "readinessProbe",
        "livenessProbe",
        "startupProbe",
        "securityContext",
    }
)
_LISTS = frozenset(
    {
        "containers",
        "initContainers",
        "ports",
        "env",
        "volumes",
        "volumeMounts",
        "ownerReferences",
        "conditions",
        "subsets",
    }
)
_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)


def check_shape(value: Any, path: str = "") -> None:
    """Raise BadRequest where *value* has a scalar or a list in the place of an object, or the other way round."""
    for key, part in value.items():
        here = f"{path}.{key}".lstrip(".")
        if part is None or path.endswith(("labels", "annotations", "data", "matchLabels")):
            continue
        if (key in _OBJECTS or here == "status") and not isinstance(part, dict):
            raise BadRequest(f"json: cannot unmarshal {type(part).__name__} into field {here} of type object")
        if key in _LISTS:
            if not isinstance(part, list) or not all(isinstance(item, dict) for item in part):
                raise BadRequest(f"json: cannot unmarshal {type(part).__name__} into field {here} of type []object")
            for item in part:
                check_shape(item, here)
        elif isinstance(part, dict):
            check_shape(part, here)


def check(obj: Obj) -> None:
    """Raise Invalid for the first thing wrong with *obj*, whose shape is checked already."""
    kind = BY_NAME[obj["kind"]]
    _check_name(kind, obj)
    if kind.scalable:
        _check_workload(obj)
    elif kind.name == "Pod":
        _check_containers(obj, obj.get("spec") or {}, "spec")
    elif kind.name == "Service":
        _check_service(obj)
    elif kind.name == "Fault":
        check_spec(obj.get("spec"), lambda field, sentence, reason: _wrong(obj, field, sentence, reason))
    for field in ("labels", "annotations"):
        values = obj["metadata"].get(field) or {}
        for key, value in values.items():
            if not isinstance(value, str):
                raise _wrong(obj, f"metadata.{field}.{key}", f"Invalid value: {value!r}: must be a string")


def check_change(obj: Obj, old: Obj) -> None:
    """Raise Invalid when *obj* changes something of *old* that may not change."""
    spec, was = obj.get("spec") or {}, old.get("spec") or {}
    if BY_NAME[obj["kind"]].scalable and was.get("selector") != spec.get("selector"):
        raise _wrong(obj, "spec.selector", "Invalid value: field is immutable")
    if obj["kind"] == "Service" and spec.get("clusterIP") != was.get("clusterIP"):
        raise _wrong(obj, "spec.clusterIPs[0]", f'Invalid value: "{spec.get("clusterIP")}": field is immutable')


def check_replicas(obj: Obj, replicas: Any) -> None:
    """Raise Invalid unless *replicas* is a whole number that is not negative."""
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise _wrong(
            obj, "spec.replicas", f"Invalid value: {_shown(replicas)}: must be an integer", "FieldValueTypeInvalid"
        )
    if replicas < 0:
        raise _wrong(obj, "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")


def _wrong(obj: Obj, field: str, sentence: str, reason: str = "FieldValueInvalid") -> Invalid:
    return Invalid.of(obj["kind"], obj["metadata"].get("name", ""), field, sentence, reason)


def _required(obj: Obj, field: str, sentence: str = "") -> Invalid:
    return _wrong(obj, field, f"Required value: {sentence}" if sentence else "Required value", "FieldValueRequired")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _check_name(kind: Kind, obj: Obj) -> None:
    name = obj["metadata"].get("name")
    if not name:
        raise _required(obj, "metadata.name", "name or generateName is required")
    if not isinstance(name, str) or len(name) > NAME_LENGTH_MAX or not _SUBDOMAIN.match(name):
        raise _wrong(obj, "metadata.name", f"Invalid value: {_shown(name)}: {_NAME_RULE}")


def _check_workload(obj: Obj) -> None:
    spec = obj.get("spec") or {}
    check_replicas(obj, spec.get("replicas", 1))
    selector, template = spec.get("selector"), spec.get("template")
    if not isinstance(selector, dict) or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        raise _required(obj, "spec.selector")
    if not isinstance(template, dict):
        raise _required(obj, "spec.template")
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not object_selector(selector).matches(labels):
        shown = "{" + ", ".join(f'"{key}":"{value}"' for key, value in sorted(labels.items())) + "}"
        raise _wrong(
            obj, "spec.template.metadata.labels", f"Invalid value: {shown}: `selector` does not match template `labels`"
        )
    _check_containers(obj, template.get("spec") or {}, "spec.template.spec")


def _check_containers(obj: Obj, spec: Obj, path: str) -> None:
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers:
        raise _required(obj, f"{path}.containers")
    seen = set()
    for number, container in enumerate(containers):
        here = f"{path}.containers[{number}]"
        if not isinstance(container, dict) or not container.get("name"):
            raise _required(obj, f"{here}.name")
        if not container.get("image"):
            raise _required(obj, f"{here}.image")
        if container["name"] in seen:
            raise _wrong(obj, f"{here}.name", f'Duplicate value: "{container["name"]}"', "FieldValueDuplicate")
        seen.add(container["name"])
        for place, variable in enumerate(container.get("env") or ()):
            if not isinstance(variable.get("value", ""), str | None):
                raise _wrong(obj, f"{here}.env[{place}].value", f"Invalid value: {variable['value']}: must be a string")


def _check_service(obj: Obj) -> None:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        raise _required(obj, "spec.ports")
    for number, port in enumerate(ports):
        here = f"spec.ports[{number}]"
        if len(ports) > 1 and not port.get("name"):
            raise _required(obj, f"{here}.name")
        if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
            raise _wrong(
                obj, f"{here}.port", f"Invalid value: {port.get('port')}: must be between 1 and 65535, inclusive"
            )
