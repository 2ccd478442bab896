"""Verdicts: what a check says, with the rows that witness it. `ok` < `unknown` < `odd`; the worst wins."""

from typing import Literal

import msgspec

Verdict = Literal["ok", "unknown", "odd"]
CheckVerdict = Literal["ok", "unknown", "odd", "not-applicable"]
OutcomeKind = Literal["balanced", "odd", "not-placed", "indeterminate"]

_RANK: dict[str, int] = {"not-applicable": -1, "ok": 0, "unknown": 1, "odd": 2}


def worst(verdicts: list[CheckVerdict]) -> CheckVerdict:
    """The worst of *verdicts*; not-applicable when there is none.

    >>> worst(["ok", "odd", "unknown"]), worst([])
    ('odd', 'not-applicable')
    """
    return max(verdicts, key=_RANK.__getitem__, default="not-applicable")


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A row that proves a finding: *book* it stands in, *ref* to find it there, *text* a person can read."""

    book: str
    ref: str
    text: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One broken invariant on one order or attempt."""

    check: str  # "N1"
    class_name: str  # "untold failure"
    sentence: str
    witnesses: list[Witness]
    order_id: str = ""
    attempt: str = ""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check said over the whole ledger; *reason* says why it is unknown or not applicable."""

    id: str
    class_name: str
    predicate: str
    kind: Literal["safety", "settle", "label"]
    verdict: CheckVerdict
    findings: list[Finding]
    reason: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of one ledger row: an order with its attempts, or an attempt that left no order."""

    kind: OutcomeKind
    order_id: str = ""
    attempts: list[str] = []
    headline: str = ""  # class name with the highest precedence, when odd
    findings: list[Finding] = []
    reason: str = ""  # why it is indeterminate
    carried_over: bool = False
    synthetic: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The whole reckoning: attempts = balanced + odd + not_placed + indeterminate, exactly; carried-over rows apart."""

    phase: str
    taken_at: str
    attempts: int
    balanced: int
    odd: int
    not_placed: int
    indeterminate: int
    carried_over: int
    odd_by_class: dict[str, int]
    carried_over_by_class: dict[str, int]
    outcomes: list[Outcome]
    checks: list[CheckResult]
