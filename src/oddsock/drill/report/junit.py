"""JUnit XML for CI: a testcase for every invariant, verdict, expectation, sum, export and closure line."""

from xml.etree import ElementTree

from oddsock.drill.report.document import Report
from oddsock.drill.report.rows import InvariantRow


def render_junit(report: Report) -> str:
    """The report as one <testsuites>; odd is a failure, unknown an error, not-applicable skipped with its reason."""
    root = ElementTree.Element("testsuites", name=f"oddsock {report.header.plan}")
    _suite(root, "verdicts", report.header.case, _verdicts(report))
    _suite(root, "account", report.header.case, _sums(report))
    _suite(root, "invariants", report.header.case, [_invariant(row) for row in report.invariants])
    _suite(root, "expectations", report.header.case, _expectations(report))
    _suite(root, "exports", report.header.case, _exports(report))
    totals = {name: sum(int(suite.get(name, "0")) for suite in root) for name in _COUNTS}
    for name, number in totals.items():
        root.set(name, str(number))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


_COUNTS = ("tests", "failures", "errors", "skipped")
_TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}

Row = tuple[str, str, str]  # name, count it falls under ("" passed), message


def _suite(root: ElementTree.Element, name: str, case: str, rows: list[Row]) -> None:
    counts = {key: sum(1 for row in rows if row[1] == key) for key in _COUNTS[1:]}
    attributes = {"name": name, "tests": str(len(rows)), **{key: str(n) for key, n in counts.items()}}
    suite = ElementTree.SubElement(root, "testsuite", attributes)
    for title, outcome, message in rows:
        row = ElementTree.SubElement(suite, "testcase", {"classname": f"oddsock.{name}", "name": title})
        row.set("file", case)
        if outcome:
            ElementTree.SubElement(row, _TAGS[outcome], {"message": message})
        elif message:
            ElementTree.SubElement(row, "system-out").text = message


def _verdicts(report: Report) -> list[Row]:
    rows: list[Row] = []
    for name in ("fault", "system", "cleanup"):
        line = getattr(report.verdicts, name)
        outcome = {"ok": "", "unknown": "errors", "odd": "failures"}[line.verdict]
        rows.append((f"{name}: {line.label}", outcome, line.sentence))
    return rows


def _sums(report: Report) -> list[Row]:
    return [
        (
            f"attempts sum exactly {row.phase}",
            "" if row.sums else "failures",
            f"{row.attempts} = {row.balanced} + {row.odd} + {row.not_placed} + {row.indeterminate}",
        )
        for row in report.attempts
    ]


def _invariant(row: InvariantRow) -> Row:
    """The last verdict; what was odd before the fault already is said and does not fail this run."""
    verdict = row.after or row.before
    findings, carried = (
        (row.findings_after, row.carried_over_after) if row.after else (row.findings_before, row.carried_over_before)
    )
    outcome = {"ok": "", "unknown": "errors", "odd": "failures", "not-applicable": "skipped", None: "skipped"}[verdict]
    message = f"{verdict}: {findings} findings, {carried} of them carried over; {row.predicate}"
    if verdict == "odd" and findings == carried:
        outcome = ""
    return f"{row.id} {row.class_name}", outcome, f"{message}; {row.reason}" if row.reason else message


def _expectations(report: Report) -> list[Row]:
    outcomes = {"seen": "", "not seen": "failures", "no evidence": "skipped"}
    return [
        (f"{row.id} {row.query}"[:120], outcomes[row.verdict], f"expected {row.expected}, found {row.actual}")
        for row in report.evidence
    ]


def _exports(report: Report) -> list[Row]:
    step = next(step for step in report.recovery.steps if step.n == 4)
    return [("exports hold every order they must", "" if step.done else "failures", step.proof)]
