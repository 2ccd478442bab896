"""Label and field selectors, in the two spellings Kubernetes has: query text and `matchLabels`/`matchExpressions`.

Syntax: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest

_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SET = re.compile(rf"^(?P<key>{_KEY})\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(rf"^(?P<key>{_KEY})\s*(?P<how>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)$")
_EXISTS = re.compile(rf"^(?P<not>!?)\s*(?P<key>{_KEY})$")
_FIELD = re.compile(r"^(?P<path>[A-Za-z0-9_.\[\]/-]+?)\s*(?P<how>==|=|!=)(?P<value>.*)$")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label: *how* is in, notin, exists or absent."""

    key: str
    how: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* meet the condition; a missing label meets notin, as Kubernetes has it."""
        if self.how == "exists":
            return self.key in labels
        if self.how == "absent":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.how == "in")


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of its requirements at once; none selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether *labels* (None counts as no labels) are selected."""
        return all(requirement.matches(labels or {}) for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions on values by path: (path, equal?, value)."""

    conditions: tuple[tuple[str, bool, str], ...] = ()

    def matches(self, obj: Obj) -> bool:
        """Whether *obj* meets every condition; a missing field counts as the empty string."""
        return all((field_text(obj, path) == value) == equal for path, equal, value in self.conditions)


def label_selector(given: str | Mapping[str, str] | LabelSelector | None) -> LabelSelector:
    """The selector of *given*: query text, exact labels, or one that is made already; BadRequest when unreadable."""
    if isinstance(given, LabelSelector):
        return given
    if not given:
        return LabelSelector()
    if isinstance(given, str):
        return LabelSelector(tuple(_requirement(term) for term in _terms(given)))
    return LabelSelector(tuple(Requirement(key, "in", frozenset({value})) for key, value in given.items()))


def object_selector(selector: Obj | None) -> LabelSelector:
    """The selector of a `spec.selector` with matchLabels and matchExpressions."""
    selector = selector or {}
    exact = [Requirement(k, "in", frozenset({v})) for k, v in (selector.get("matchLabels") or {}).items()]
    hows = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    sets = [
        Requirement(row["key"], hows[row["operator"]], frozenset(row.get("values") or ()))
        for row in selector.get("matchExpressions") or ()
    ]
    return LabelSelector(tuple(exact + sets))


def field_selector(given: str | Mapping[str, str] | FieldSelector | None) -> FieldSelector:
    """The selector of *given*: query text (`metadata.name=a,status.phase!=Running`) or exact values by path."""
    if isinstance(given, FieldSelector):
        return given
    if not given:
        return FieldSelector()
    if not isinstance(given, str):
        return FieldSelector(tuple((path, True, value) for path, value in given.items()))
    conditions = []
    for term in given.split(","):
        if not (found := _FIELD.match(term.strip())):
            raise BadRequest(f"invalid field selector: {term!r} has neither = nor != in it")
        conditions.append((found["path"], found["how"] != "!=", found["value"].strip()))
    return FieldSelector(tuple(conditions))


def selector_text(selector: Obj | None) -> str:
    """The query text of a `spec.selector` (with matchLabels) or of plain labels: `name=payment`; empty when none."""
    selector = selector or {}
    plain = selector.get("matchLabels", {}) if "matchLabels" in selector or "matchExpressions" in selector else selector
    terms = [f"{key}={value}" for key, value in sorted(plain.items())]
    for row in selector.get("matchExpressions") or ():
        values = ",".join(sorted(row.get("values") or ()))
        terms.append(
            {
                "In": f"{row['key']} in ({values})",
                "NotIn": f"{row['key']} notin ({values})",
                "Exists": row["key"],
                "DoesNotExist": f"!{row['key']}",
            }[row["operator"]]
        )
    return ",".join(terms)


def field_text(obj: Obj, path: str) -> str:
    """The value at dotted *path* of *obj* as text; empty when absent; booleans as true and false."""
    found: object = obj
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)


def _requirement(term: str) -> Requirement:
    if found := _SET.match(term):
        return Requirement(found["key"], found["how"], frozenset(v.strip() for v in found["values"].split(",")))
    if found := _EQUAL.match(term):
        return Requirement(found["key"], "notin" if found["how"] == "!=" else "in", frozenset({found["value"]}))
    if found := _EXISTS.match(term):
        return Requirement(found["key"], "absent" if found["not"] else "exists")
    raise BadRequest(f"unable to parse requirement: {term!r} is no label selector")


def _terms(text: str) -> list[str]:
    # Commas inside brackets separate values, not terms.
    return [term.strip() for term in re.split(r",(?![^(]*\))", text) if term.strip()]
