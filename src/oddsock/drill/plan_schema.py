"""The plan's JSON Schema, made from its fields: `python -m oddsock.drill.plan_schema FILE` writes it to FILE."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from oddsock.drill import predicate, seconds
from oddsock.drill.faults.catalog import FAULTS
from oddsock.drill.plan_fields import PlanFields
from oddsock.drill.predicate import Predicate
from oddsock.drill.seconds import Seconds
from oddsock.kit.files import write_whole

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a plan: types, forms, known faults; what needs the whole plan is left to `load_plan`."""
    schema = msgspec.json.schema(PlanFields, schema_hook=_own_types)
    parts = schema["$defs"]
    parts["PlannedFault"]["properties"]["fault"]["enum"] = sorted(FAULTS)
    parts["PlannedFault"]["allOf"] = [_settings_of(name) for name in sorted(FAULTS)]
    for part in parts.values():
        part["description"] = " ".join(part["description"].split()) if "description" in part else part["title"]
    return {"$schema": DIALECT, "title": "oddsock plan", **schema}


def schema_text() -> str:
    """The schema as the checked-in file holds it."""
    return msgspec.json.format(msgspec.json.encode(plan_schema(), order="sorted"), indent=2).decode() + "\n"


def _settings_of(fault: str) -> dict[str, Any]:
    kind = FAULTS[fault]
    whole = msgspec.json.schema(kind, schema_hook=_own_types)["$defs"][kind.__name__]
    settings = {name: setting for name, setting in whole["properties"].items() if name != "target"}
    required = [name for name in whole["required"] if name != "target"]
    wanted: dict[str, Any] = {"properties": settings, "additionalProperties": False}
    then: dict[str, Any] = {"properties": {"settings": wanted | ({"required": required} if required else {})}}
    return {
        "if": {"properties": {"fault": {"const": fault}}, "required": ["fault"]},
        "then": then | ({"required": ["settings"]} if required else {}),
    }


def _own_types(kind: type) -> dict[str, Any]:
    if kind is Seconds:
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": seconds.PATTERN}]}
    if kind is Predicate:
        return {"type": "string", "pattern": predicate.PATTERN, "examples": ["impact.orders_failed == 5"]}
    raise NotImplementedError(kind)


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), schema_text())
