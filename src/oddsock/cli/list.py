"""`oddsock list`: the cases there are, and what a plan may name."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from oddsock.cli.options import Json

EXAMPLES = """Examples:

\b
  oddsock list                   the cases, newest last
  oddsock list faults            what a plan can break
  oddsock list plans --json
"""


class Shelf(StrEnum):
    """What can be listed."""

    CASES = "cases"
    PLANS = "plans"
    FAULTS = "faults"
    CHECKS = "checks"


def command(
    what: Annotated[Shelf, typer.Argument(help="What to list.")] = Shelf.CASES,
    json: Json = False,
) -> None:
    """List cases, plans, faults or checks.

    Cases are those under the home folder; plans, faults and checks are those that come with oddsock.
    """
    from oddsock.cli import screen

    rows = {Shelf.CASES: _cases, Shelf.PLANS: _plans, Shelf.FAULTS: _faults, Shelf.CHECKS: _checks}[what]()
    if json:
        screen.say_json(rows)
    elif not rows:
        screen.note("There is no case yet; `oddsock drill incident-3` makes one.")
    else:
        screen.say_table(list(rows[0]), [list(row.values()) for row in rows])


def _cases() -> list[dict[str, Any]]:
    from oddsock.drill.case import list_cases
    from oddsock.kit.settings import home

    rows = []
    for case in list_cases(home()):
        meta = case.meta
        state = "running" if case.is_alive() or case.is_kept() else "killed" if meta.state == "running" else meta.state
        rows.append(
            {"case": case.name, "plan": meta.plan, "state": state, "started": meta.started_at, "ended": meta.ended_how}
        )
    return rows


def _plans() -> list[dict[str, Any]]:
    from oddsock.drill.plan import load_plan, shipped_plans

    return [{"plan": name, "title": load_plan(path).title, "file": str(path)} for name, path in shipped_plans().items()]


def _faults() -> list[dict[str, Any]]:
    from oddsock.drill.faults.catalog import FAULTS

    return [{"fault": name, "does": _first_line(fault.__doc__)} for name, fault in sorted(FAULTS.items())]


def _checks() -> list[dict[str, Any]]:
    from oddsock.drill.checks.catalog import CATALOG

    return [{"check": check.id, "class": check.class_name, "holds when": check.predicate} for check in CATALOG]


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
