"""What a case came to, in the few figures that a person or a script asks for first; all of them from report.json."""

from pathlib import Path
from typing import Any

import msgspec

from oddsock.cli import screen
from oddsock.drill.case import Case
from oddsock.kit.errors import EXIT_ODD, EXIT_OK
from oddsock.kit.money import dollars

IMPACT = ("orders_attempted", "orders_failed", "customers_affected", "at_risk_cents")
RECOVERY = ("paid", "declined", "collected_cents", "declined_cents")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one case."""

    case: str
    path: str
    report: str
    state: str
    ended_how: str
    verdicts: dict[str, str]
    impact: dict[str, Any]
    recovery: dict[str, Any]
    odd: dict[str, Any]
    undecided: int = 0
    """How many orders and attempts nobody could judge at the end, for want of evidence."""

    @property
    def odd_left(self) -> int | None:
        """How many orders and attempts are odd at the end; None when no book tells."""
        after = self.odd["after_total"]
        left = after if after is not None else self.odd["before_total"]
        return None if left is None else int(left)

    def show(self) -> None:
        """Write it as a table."""
        impact, recovery = self.impact, self.recovery
        at_risk, failed, attempted = impact["at_risk_cents"], impact["orders_failed"], impact["orders_attempted"]
        rows = [
            ("fault took effect", self.verdicts["fault"]),
            ("system held", self.verdicts["system"]),
            ("cleanup complete", self.verdicts["cleanup"]),
            ("orders failed", f"{failed} of {attempted}, {dollars(at_risk)} at risk"),
            ("customers affected", impact["customers_affected"]),
            ("odd after the heal", _spell_classes(self.odd["before_total"], self.odd["before"])),
            ("mended: paid", f"{recovery['paid']}, {dollars(recovery['collected_cents'])} collected"),
            ("mended: declined", f"{recovery['declined']}, {dollars(recovery['declined_cents'])}"),
            ("odd at the end", _spell_classes(self.odd_left, self.odd["after"])),
            ("undecided at the end", self.undecided),
            ("carried over", _spell_classes(self.odd["carried_over_total"], self.odd["carried_over"])),
        ]
        screen.say()
        screen.say_table((f"case {self.case}", ""), rows)
        screen.say()


def _spell_classes(total: int | None, classes: dict[str, int]) -> str:
    if total is None:
        return "not known: no evidence"
    named = ", ".join(f"{name} {count}" for name, count in classes.items())
    return f"{total} ({named})" if named else str(total)


def summarise(case: Case) -> Summary:
    """The summary of *case*, whose report is written."""
    report = msgspec.json.decode((case.path / "report.json").read_bytes(), type=dict[str, Any])
    meta = case.meta
    impact, recovery = report["impact"], report["recovery"]
    return Summary(
        case=case.name,
        path=str(case.path),
        report=str(Path(case.path) / "report.md"),
        state=meta.state,
        ended_how=meta.ended_how,
        verdicts={name: str(line["verdict"]) for name, line in report["verdicts"].items()},
        impact={
            key: impact[key] for key in ("orders_attempted", "orders_failed", "customers_affected", "at_risk_cents")
        },
        recovery={key: recovery[key] for key in ("paid", "declined", "collected_cents", "declined_cents")},
        odd={key: value for key, value in report["odd"].items() if key != "findings"},
        undecided=int(report["attempts"][-1]["indeterminate"]) if report["attempts"] else 0,
    )


def exit_code(summary: Summary) -> int:
    """0 when nothing odd is left, 1 when something is or nobody can tell, of all orders or of some."""
    return EXIT_OK if summary.odd_left == 0 and summary.undecided == 0 else EXIT_ODD
