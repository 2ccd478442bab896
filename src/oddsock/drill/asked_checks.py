"""Which checks a case's plan asks for; the others are not applicable there, and say so."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from oddsock.drill.evidence_files import CaseFolder
from oddsock.drill.verdict import CheckResult
from oddsock.kit.errors import CannotRun

NOT_ASKED = "the plan does not ask for it"


def asked_checks(case: CaseFolder) -> frozenset[str] | None:
    """The ids of the checks that *case*'s plan asks for, None for all of them."""
    asked = _read(case.path / "plan.yaml").get("checks", "all")
    return frozenset(str(one) for one in asked) if isinstance(asked, list) else None


def leave_out(results: Sequence[CheckResult], asked: Collection[str] | None) -> list[CheckResult]:
    """*results* with every check that is not *asked* for as not applicable, without findings."""
    return [
        result
        if asked is None or result.id in asked
        else msgspec.structs.replace(result, verdict="not-applicable", findings=[], reason=NOT_ASKED)
        for result in results
    ]


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Take the case from a backup.") from cause
    return plan if isinstance(plan, dict) else {}
