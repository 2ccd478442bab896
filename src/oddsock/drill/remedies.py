"""The remedies: each recommendation of the incident report as switches of the shop or as what telemetry installs.

`data/remedies.yaml` holds them; a drill may not look into the shop, so its rows name deployments and variables.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from oddsock.drill.plan_complaint import suggest
from oddsock.kit.errors import CannotRun, UsageError

NONE, ALL = "none", "all"

Installed = Literal["", "monitors", "pipelines"]


class RemedyRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One remedy: the report's *term* and words, *switches* by deployment, or what *telemetry* installs.

    *part_of* names the remedy whose recommendation it shares.
    """

    name: str
    term: str
    recommendation: str
    switches: dict[str, dict[str, str]] = {}
    telemetry: Installed = ""
    part_of: str = ""

    @property
    def title(self) -> str:
        """The recommendation's name, as the report has it before its colon."""
        return self.recommendation.partition(":")[0]

    @property
    def asks(self) -> str:
        """What is recommended, as the report has it after its colon."""
        return self.recommendation.partition(":")[2].strip()

    @property
    def spelled(self) -> str:
        """Its switches as a person sets them, else what is installed in telemetry."""
        pairs = dict.fromkeys(f"{name}={value}" for env in self.switches.values() for name, value in env.items())
        return ", ".join(pairs) or f"{self.telemetry} of telemetry"


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    remedies: list[RemedyRow]


@cache
def remedies() -> dict[str, RemedyRow]:
    """Every remedy by name, in the order of the report; CannotRun when the file that came with oddsock is damaged."""
    text = resources.files("oddsock").joinpath("data", "remedies.yaml").read_text(encoding="utf-8")
    try:
        rows = msgspec.convert(yaml.safe_load(text), _Rows).remedies
    except (msgspec.ValidationError, yaml.YAMLError) as cause:
        raise CannotRun(f"data/remedies.yaml is damaged: {cause}.", "Install oddsock again.") from cause
    return {row.name: row for row in rows}


def read_remedies(told: str) -> list[RemedyRow]:
    """The remedies that *told* names: none, all, or names with commas; UsageError at the first that does not exist.

    >>> [row.name for row in read_remedies("idempotency,retry")]
    ['retry', 'idempotency']
    """
    known = remedies()
    if told == ALL:
        return list(known.values())
    names = [] if told == NONE else [name.strip() for name in told.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no remedy {name!r}{suggest(name, known)}", f"There are none, all, {', '.join(known)}."
            )
    return [row for row in known.values() if row.name in names]


def remedies_in_force(env: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The remedies whose switches all stand so in *env*, the variables of each deployment; none of telemetry."""

    def stand(switches: Mapping[str, Mapping[str, str]]) -> bool:
        return all(env.get(name, {}).get(key) == value for name, row in switches.items() for key, value in row.items())

    return [row.name for row in remedies().values() if row.switches and stand(row.switches)]


def merge_switches(rows: Iterable[RemedyRow]) -> dict[str, dict[str, str]]:
    """The switches of *rows* by deployment."""
    merged: dict[str, dict[str, str]] = {}
    for row in rows:
        for deployment, env in row.switches.items():
            merged.setdefault(deployment, {}).update(env)
    return merged


def boot_switches(by_deployment: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The same by name only, as a stack takes them when it boots.

    >>> boot_switches({"orders": {"IDEMPOTENCY": "on"}, "payment": {"IDEMPOTENCY": "on"}})
    {'IDEMPOTENCY': 'on'}
    """
    return {name: value for env in by_deployment.values() for name, value in env.items()}
