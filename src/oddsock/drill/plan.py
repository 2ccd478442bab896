"""A plan: the whole drill as data, read from YAML, checked, and able to say where in its file a mistake stands.

`load_plan` checks what a file can tell by itself: types, names, faults of the catalogue, customers, order of times.
Whether the services and socks it names exist is asked of the cluster when the drill starts (`steady_state`).
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import msgspec

from oddsock.drill.plan_complaint import complain, suggest, unknown_field
from oddsock.drill.plan_fields import PlanFields, PlannedFault
from oddsock.drill.plan_mistakes import find_mistakes
from oddsock.drill.plan_source import PlanSource, Step, split_path
from oddsock.drill.predicate import Predicate
from oddsock.drill.seconds import Seconds
from oddsock.kit.errors import PlanError, UsageError
from oddsock.kit.files import explain_disk

DURING_BEFORE_HEAL_S = 20.0
"""How long before the first heal the evidence `during` begins, in plan seconds, unless the plan says when."""

PLAN_BYTES_MAX = 1_000_000


class Plan(PlanFields, frozen=True, kw_only=True):
    """A checked plan with the *path* and *text* it was read from."""

    path: str
    text: str

    def error(self, steps: Sequence[Step], sentence: str, hint: str = "") -> PlanError:
        """The error that *sentence* is wrong with the part of the plan at *steps*."""
        return PlanSource(self.path, self.text).error(steps, sentence, hint)

    @property
    def ends_at_s(self) -> float:
        """When the last thing of the main clock happens, in plan seconds."""
        times = [float(operation.at) for operation in self.operations]
        times += [float(fault.until_s if fault.until_s is not None else fault.from_s) for fault in self.faults]
        times += [self.load.until_s] if self.load else []
        return max(times, default=0.0)

    @property
    def during_at_s(self) -> float | None:
        """When on the main clock the evidence `during` is taken; None without a fault or without that phase."""
        if "during" not in self.evidence.phases or not (self.faults or self.evidence.during is not None):
            return None
        if self.evidence.during is not None:
            return self.evidence.during
        first = min(self.faults, key=self.heals_at_s)
        return max(first.from_s, self.heals_at_s(first) - DURING_BEFORE_HEAL_S)

    def heals_at_s(self, fault: PlannedFault) -> float:
        """When *fault* of the main clock is healed: at its own end, or when everything planned has happened."""
        return fault.until_s if fault.until_s is not None else self.ends_at_s


def load_plan(name_or_path: str | Path) -> Plan:
    """The plan in the file *name_or_path*, or the shipped plan of that name; PlanError or UsageError when wrong."""
    path = find_plan(name_or_path)
    try:
        if path.stat().st_size > PLAN_BYTES_MAX:
            raise UsageError(f"{path} is larger than a plan may be ({PLAN_BYTES_MAX} bytes).")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise PlanError(str(path), 1, 1, "The plan is no UTF-8 text.") from cause
    except OSError as cause:
        raise UsageError(f"The plan {path} cannot be read: {explain_disk(cause, path).sentence}") from cause
    return parse_plan(text, str(path))


def find_plan(name_or_path: str | Path) -> Path:
    """The file a user means: a path that exists, else the shipped plan of that name; UsageError when neither."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = shipped_plans()
    name = str(name_or_path)
    if name in shipped:
        return shipped[name]
    raise UsageError(
        f"There is no plan {name}{suggest(name, shipped)}", f"Give a file, or one of {', '.join(shipped)}."
    )


def shipped_plans() -> dict[str, Path]:
    """The plans that come with oddsock, by name."""
    folder = Path(str(resources.files("oddsock"))) / "data" / "plans"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def parse_plan(text: str, path: str = "plan.yaml") -> Plan:
    """The plan that the YAML *text* spells; PlanError with line and column of *path* at the first mistake."""
    source = PlanSource(path, text)
    if not isinstance(source.data, dict):
        raise source.error([], "A plan is a mapping of fields such as name, customers and faults.", "See docs/plan.md.")
    fields = _convert(source)
    for steps, sentence in find_mistakes(fields):
        raise source.error(steps, sentence)
    ids: set[str] = {fault.id for fault in (*fields.lead.faults, *fields.faults) if fault.id}
    named = {name: getattr(fields, name) for name in PlanFields.__struct_fields__}
    named["lead"] = msgspec.structs.replace(fields.lead, faults=_with_ids(fields.lead.faults, ids))
    named["faults"] = _with_ids(fields.faults, ids)
    return Plan(path=path, text=text, **named)


def _convert(source: PlanSource) -> PlanFields:
    try:
        return msgspec.convert(source.data, PlanFields, dec_hook=decode_value)
    except msgspec.ValidationError as cause:
        problem, steps = split_path(str(cause))
        place = [*steps, field] if (field := unknown_field(problem)) else steps
        raise source.error(place, complain(problem, steps, PlanFields)) from cause


def _with_ids(faults: list[PlannedFault], taken: set[str]) -> list[PlannedFault]:
    """The same faults, each with an id: its own, or target and fault, numbered where *taken* already holds it."""
    named = []
    for fault in faults:
        stem = f"{fault.target}-{fault.fault}"
        chosen, number = fault.id or stem, 1
        while not fault.id and chosen in taken:
            number += 1
            chosen = f"{stem}-{number}"
        taken.add(chosen)
        named.append(msgspec.structs.replace(fault, id=chosen))
    return named


def decode_value(kind: type, value: object) -> object:
    """msgspec's hook for the two types a plan has of its own: durations and predicates."""
    if kind is Seconds:
        return Seconds.parse(value)
    if kind is Predicate and isinstance(value, str):
        return Predicate.parse(value)
    raise TypeError("write it as text such as `impact.orders_failed == 5`")
