"""Which checks a case's plan asks for; the others are not applicable there, and say so."""

from collections.abc import Collection, Sequence

import msgspec

from oddsock.drill.case import read_kept_plan
from oddsock.drill.evidence_files import CaseFolder
from oddsock.drill.verdict import CheckResult

NOT_ASKED = "the plan does not ask for it"


def asked_checks(case: CaseFolder) -> frozenset[str] | None:
    """The ids of the checks that *case*'s plan asks for, None for all of them."""
    asked = read_kept_plan(case.path).get("checks", "all")
    return frozenset(str(one) for one in asked) if isinstance(asked, list) else None


def leave_out(results: Sequence[CheckResult], asked: Collection[str] | None) -> list[CheckResult]:
    """*results* with every check that is not *asked* for as not applicable, without findings."""
    return [
        result
        if asked is None or result.id in asked
        else msgspec.structs.replace(result, verdict="not-applicable", findings=[], reason=NOT_ASKED)
        for result in results
    ]
