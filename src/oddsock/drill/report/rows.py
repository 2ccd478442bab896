"""The rows of report.json: one type a table of the report."""

from typing import Literal

import msgspec

from oddsock.drill.report.figure import Duration
from oddsock.drill.verdict import CheckVerdict, Verdict, Witness

Seen = Literal["seen", "not seen", "no evidence"]
Group = Literal["before", "window", "after", "carried over", "synthetic"]


class VerdictLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three verdicts: *verdict* for machines, *label* and *sentence* for people, *numbers* behind it."""

    verdict: Verdict
    label: str
    sentence: str
    numbers: dict[str, int | float | str | None]


class MoneyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the money statement, in whole cents over *orders* orders; *rule* says how it was summed."""

    name: str
    cents: int
    orders: int
    rule: str


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A named time of the incident; *duration* is None when its end was not reached or nobody measured it."""

    name: str
    meaning: str
    from_at: str
    to_at: str
    duration: Duration | None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order with the sock's name in this run's catalogue."""

    item_id: str
    name: str
    quantity: int
    unit_cents: int


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order with all books side by side: `before` is after the heal (else during), `after` is after the mend."""

    id: str
    attempt: str
    group: Group
    failed: bool
    customer: str
    customer_id: str
    placed_at: str
    total_cents: int
    total_wire: float
    lines: list[OrderLine]
    status_before: str
    status_after: str
    reason: str
    cause: str
    statuses: list[str]
    shipment_before: str | None
    shipment_after: str | None
    shown_before: str
    shown_after: str
    http_status: int | None
    message: str
    told: str
    notices: list[str]
    captured_cents: int
    refunded_cents: int
    outcome_before: str
    outcome_after: str
    class_before: str
    class_after: str
    classes_before: list[str]
    mended: str


class AccountSum(msgspec.Struct, frozen=True, kw_only=True):
    """attempts = balanced + odd + not placed + indeterminate in one phase; *sums* says whether it does."""

    phase: str
    taken_at: str
    attempts: int
    balanced: int
    odd: int
    not_placed: int
    indeterminate: int
    carried_over: int
    sums: bool


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One broken invariant with the rows that witness it; *mended* is None while no mend was checked."""

    check: str
    class_name: str
    phase: str
    order_id: str
    attempt: str
    sentence: str
    witnesses: list[Witness]
    carried_over: bool
    mended: bool | None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer got for one order: the answer, the screen during the fault and at the end, the notices."""

    order_id: str
    at: str
    answer: str
    screen_during: str
    screen_after: str
    notices: list[str]


class CustomerView(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer saw."""

    username: str
    customer_id: str
    registered_at: str
    registered_during: bool
    moments: list[Moment]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A statement and the evidence it rests on; *seen* is a verdict on that evidence."""

    text: str
    seen: Seen
    evidence: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A contributing condition: the hand-written report's *name* for it and what this run measured of it."""

    name: str
    claim: str
    expected: str
    actual: str
    seen: Seen
    evidence: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Something a monitor could have fired on."""

    name: str
    at: str
    after: Duration
    source: str


class MonitorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor of telemetry: when it fired after the fault (empty: it did not), and when it was well again.

    *firing_since* is set when it fired already before the fault: what is wrong already cannot be told again.
    """

    name: str
    query: str
    state: str
    at: str
    after: Duration | None
    recovered_at: str
    firing_since: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery step with its command and its proof."""

    n: int
    name: str
    command: str
    done: bool
    at: str
    proof: str


class BeforeAfter(msgspec.Struct, frozen=True, kw_only=True):
    """One number before and after the mend; None where there is no evidence."""

    name: str
    before: int | None
    after: int | None
    unit: str


class Reattempt(msgspec.Struct, frozen=True, kw_only=True):
    """A failed order whose customer tried a shared line again later."""

    order_id: str
    again_in: str
    customer: str
    shared: list[str]


class InvariantRow(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant after the heal and after the mend; *carried_over* counts findings older than the fault."""

    id: str
    class_name: str
    predicate: str
    kind: str
    before: CheckVerdict | None
    after: CheckVerdict | None
    findings_before: int
    findings_after: int
    carried_over_before: int
    carried_over_after: int
    reason: str


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One query with what was expected of it as a numeric predicate, what it gave, and what was learnt.

    *query* is as the plan has it, *asked* what was sent; *beyond* are the lines of its literal range that lie outside
    the window, each with why.
    """

    id: str
    group: str
    kind: str  # log | api | metric | view | event | dashboard | state
    query: str
    command: str
    expected: str
    actual: str
    verdict: Seen
    learnt: str
    source: str
    name: str = ""
    asked: str = ""
    console_url: str = ""
    datadog_url: str = ""
    beyond: list[str] = []


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of the report: its points in wall seconds since the fault, which held until *held_s*."""

    id: str
    name: str
    query: str
    unit: str
    interval_s: float
    held_s: float
    points: list[tuple[float, float | None]]


class LogSequence(msgspec.Struct, frozen=True, kw_only=True):
    """The five log lines of one failed order, in the order they stand in the log; empty where one is missing."""

    order_id: str
    pod: str
    lines: list[str]
    complete: bool


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """One recommendation; *state* stays "not measured in this run" until a remedy matrix measured it."""

    n: int
    term: str
    name: str
    asks: str
    state: str


class ClosureLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the closure checklist, ticked by *proof* only."""

    name: str
    done: bool
    proof: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What the hand-written report says, what this run's evidence gives, and why they differ."""

    topic: str
    theirs: str
    ours: str
    why: str
    source: str
