"""The few figures of a case that a list or a comparison shows; of a finished case all from its report.json."""

from pathlib import Path

import msgspec

from oddsock.console.cases.shelf import name_of, state_of
from oddsock.drill.case import Case
from oddsock.drill.report.figure import Duration
from oddsock.kit.errors import CannotRun

BALANCED = "time to resolve"
"""The report's name for the time from the fault until the last order was mended."""


class _Verdict(msgspec.Struct, frozen=True):
    verdict: str
    label: str
    sentence: str = ""


class _Span(msgspec.Struct, frozen=True):
    name: str
    duration: Duration | None = None


class _Impact(msgspec.Struct, frozen=True):
    orders_attempted: int = 0
    orders_failed: int = 0
    customers_affected: int = 0
    at_risk_cents: int = 0
    times: list[_Span] = []


class _Odd(msgspec.Struct, frozen=True):
    before_total: int | None = None
    after_total: int | None = None
    carried_over_total: int | None = None


class _Header(msgspec.Struct, frozen=True):
    title: str = ""


class _Report(msgspec.Struct, frozen=True):
    """As much of report.json as is read here; the decoder passes over the rest."""

    header: _Header
    verdicts: dict[str, _Verdict]
    impact: _Impact
    odd: _Odd


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One case in a row; *verdicts* is empty and the numbers are None where no report was written."""

    name: str
    plan: str
    state: str
    started_at: str
    ended_how: str
    seed: int
    speed: float
    title: str = ""
    verdicts: dict[str, _Verdict] = {}
    orders_attempted: int | None = None
    orders_failed: int | None = None
    at_risk_cents: int | None = None
    odd_found: int | None = None
    odd_left: int | None = None
    balanced_after: Duration | None = None
    damage: str = ""
    """Why its files cannot be read."""


def tally(case: Case) -> Tally:
    """The row of *case*; one that is damaged says so in it. Reads files, so not on the loop."""
    try:
        meta = case.meta
        row = Tally(
            name=name_of(case),
            plan=meta.plan,
            state=state_of(case, meta),
            started_at=meta.started_at,
            ended_how=meta.ended_how,
            seed=meta.seed,
            speed=meta.speed,
        )
    except CannotRun as cause:
        return Tally(
            name=name_of(case),
            plan="",
            state="damaged",
            started_at="",
            ended_how="",
            seed=0,
            speed=1,
            damage=str(cause),
        )
    return _with_report(row, case.path / "report.json")


def _with_report(row: Tally, path: Path) -> Tally:
    try:
        report = msgspec.json.decode(path.read_bytes(), type=_Report)
    except FileNotFoundError:
        return row
    except (OSError, msgspec.DecodeError) as cause:
        return msgspec.structs.replace(row, damage=f"report.json cannot be read: {cause}")
    odd = report.odd
    spans = {span.name: span.duration for span in report.impact.times}
    return msgspec.structs.replace(
        row,
        title=report.header.title,
        verdicts=report.verdicts,
        orders_attempted=report.impact.orders_attempted,
        orders_failed=report.impact.orders_failed,
        at_risk_cents=report.impact.at_risk_cents,
        odd_found=odd.before_total,
        odd_left=odd.after_total if odd.after_total is not None else odd.before_total,
        balanced_after=spans.get(BALANCED),
    )
