"""report.json, version 1: the top of the document. `src/oddsock/data/report.schema.json` is made from these types."""

from typing import Any

import msgspec

from oddsock.drill.report.figure import Duration, Figure
from oddsock.drill.report.rows import (
    AccountSum,
    BeforeAfter,
    Claim,
    ClosureLine,
    Comparison,
    Condition,
    CustomerView,
    Expectation,
    FindingRow,
    InvariantRow,
    LogSequence,
    MoneyLine,
    MonitorRow,
    OrderRow,
    Plot,
    Reattempt,
    Remedy,
    Signal,
    Step,
    TimeSpan,
    VerdictLine,
)
from oddsock.drill.timeline import TimelineRow

SCHEMA = "oddsock.dev/report/v1"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Section 1: what this is, whose it is, and what comes next."""

    title: str
    incident: str
    case: str
    plan: str
    plan_sha256: str
    kind: str  # "drill": nothing here happened to real customers
    status: str
    ended_how: str
    severity: str
    severity_rule: str
    operator: str
    owner: str
    next_action: str
    runbook: str
    started_at: str
    ended_at: str
    window_from_at: str
    window_to_at: str
    window: Duration | None
    seed: int | str | None
    speed: float
    mode: str
    cluster: str
    cluster_own: bool
    namespace: str
    versions: dict[str, str]


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """Section 3: three questions with three answers."""

    fault: VerdictLine
    system: VerdictLine
    cleanup: VerdictLine


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """Section 4: what the window cost, in whole cents; `money` is the statement over all orders of the case."""

    orders_attempted: int
    orders_failed: int
    failure_percent: float
    customers_affected: int
    customers: list[str]
    at_risk_cents: int
    shown_wrong: int | None  # None: no page was read
    untold: int
    counted_in: str  # the phase whose books were counted, or "history" when no book was read
    money: list[MoneyLine]
    times: list[TimeSpan]


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """Section 7: odd orders by class, `before` after the heal, `after` after the mend; carried over apart.

    An order with several classes counts in each of them; `*_total` count orders and attempts, each once.
    """

    before_total: int | None
    after_total: int | None
    carried_over_total: int | None
    before: dict[str, int]
    after: dict[str, int]
    carried_over: dict[str, int]
    before_taken: bool
    after_taken: bool
    findings: list[FindingRow]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Section 9: what set it off, how it went on, and what let it."""

    trigger: Claim
    mechanism: list[Claim]
    conditions: list[Condition]


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Section 10: which *monitor* fired first, when, and how many wall *seconds* after the fault; who could have known.

    *monitors* counts those there are; *monitor* and *detected_at* are empty and *seconds* is None when none fired.
    """

    monitors: int
    monitor: str
    detected_at: str
    seconds: float | None
    after: Duration | None
    fired: list[MonitorRow]
    sentence: str
    signals: list[Signal]
    first_told_at: str
    time_to_tell: Duration | None
    told_sentence: str


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """What `replay: latest` would have charged instead: only the last try of each chain."""

    orders: list[str]
    collected_cents: int
    difference_cents: int
    sentence: str


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """Section 11: the recovery steps with their proof, and what mending did, before and after."""

    paid: int
    declined: int
    left: int
    collected_cents: int
    declined_cents: int
    replay: str
    steps: list[Step]
    before_after: list[BeforeAfter]
    reattempts: list[Reattempt]
    latest: Latest
    again: str


class Lessons(msgspec.Struct, frozen=True, kw_only=True):
    """Section 15: made from the facts above; the last box is for people."""

    went_well: list[str]
    went_wrong: list[str]
    lucky: list[str]
    people: str


class Reproduce(msgspec.Struct, frozen=True, kw_only=True):
    """Section 17: how to get this run and this report again."""

    commands: list[str]
    verify: str
    limits: list[str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report; `figures` gives each number its source under its path in this document."""

    schema: str
    header: Header
    summary: list[str]
    verdicts: Verdicts
    impact: Impact
    timeline: list[TimelineRow]
    orders: list[OrderRow]
    attempts: list[AccountSum]
    odd: Odd
    customers: list[CustomerView]
    cause: Cause
    detection: Detection
    recovery: Recovery
    invariants: list[InvariantRow]
    evidence: list[Expectation]
    plots: list[Plot]
    log_sequences: list[LogSequence]
    comparison: list[Comparison]
    remedies: list[Remedy]
    lessons: Lessons
    closure: list[ClosureLine]
    reproduce: Reproduce
    figures: dict[str, Figure]
    files: dict[str, str]


def schema_of_report() -> dict[str, Any]:
    """The JSON Schema (2020-12) of report.json, as it is checked in."""
    (top,), parts = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{SCHEMA}",
        "title": "oddsock report, version 1",
        **top,
        "$defs": parts,
    }
