"""One expectation as a numeric predicate: what was asked, what number was expected, what number was found."""

import msgspec

from oddsock.drill.predicate import Predicate
from oddsock.drill.report.context import Context
from oddsock.drill.report.rows import Expectation

NO_NUMBER = "no evidence"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its answer: *actual* compared by *comparison* with *expected*; None is no evidence.

    *learnt* is said when the number is as expected, *otherwise* when it is not: nothing is concluded from a miss.
    """

    id: str
    group: str
    kind: str
    query: str
    expected: float | int | None
    actual: float | int | None
    unit: str
    learnt: str
    source: str
    comparison: str = "=="
    command: str = ""
    otherwise: str = ""


def spell_number(number: float, unit: str) -> str:
    """A number with its unit, which is given in the plural.

    >>> spell_number(1, "addresses"), spell_number(1, "pods"), spell_number(5, "orders"), spell_number(2, "")
    ('1 address', '1 pod', '5 orders', '2')
    """
    if number == 1:
        unit = unit.removesuffix("es") if unit.endswith("sses") else unit.removesuffix("s")
    return f"{number:g} {unit}".rstrip()


def judge(context: Context, place: int, probe: Probe) -> Expectation:
    """The probe as a row of the evidence section, with the number found kept as a figure."""
    if probe.actual is None or probe.expected is None:
        verdict, actual = "no evidence", NO_NUMBER
    else:
        holds = Predicate(probe.id, probe.comparison, float(probe.expected)).holds(float(probe.actual))
        verdict, actual = ("seen" if holds else "not seen"), spell_number(probe.actual, probe.unit)
        context.figures.count(
            f"evidence[{place}].actual", int(probe.actual), probe.unit, [probe.source], probe.query or probe.command
        )
    learnt = {
        "seen": probe.learnt,
        "not seen": probe.otherwise or "Not as expected; nothing is concluded from it.",
        "no evidence": f"No evidence was kept for it ({probe.source}), so nothing is claimed.",
    }[verdict]
    expected = (
        f"{probe.comparison} {spell_number(probe.expected, probe.unit)}" if probe.expected is not None else NO_NUMBER
    )
    return msgspec.convert(
        {
            "id": probe.id,
            "group": probe.group,
            "kind": probe.kind,
            "query": probe.query,
            "command": probe.command,
            "expected": expected,
            "actual": actual,
            "verdict": verdict,
            "learnt": learnt,
            "source": probe.source,
        },
        Expectation,
    )
