"""Section 14: the hand-written report's twelve recommendations, and what a remedy matrix measured of each.

A matrix that stands in the case (`matrix.json`, put there by `oddsock report --matrix`) is the only source: the
report is recomputed from its case alone.
"""

from pathlib import Path

import msgspec

from oddsock.drill.matrix.table import Table, Worth
from oddsock.drill.remedies import remedies
from oddsock.drill.report.rows import Remedy
from oddsock.kit.errors import CannotRun

FILE = "matrix.json"


def list_remedies(folder: Path, plan: str) -> list[Remedy]:
    """All twelve in the order of the hand-written report, each with what the matrix in *folder* says of it alone."""
    worth = _worth(folder / FILE)
    rows = [row for row in remedies().values() if not row.part_of]
    parts: dict[str, list[str]] = {}
    for row in remedies().values():
        parts.setdefault(row.part_of or row.name, []).append(row.name)
    missing = f"not measured in this run; `oddsock matrix {plan}` measures it, by {{}}"
    return [
        Remedy(
            n=n,
            term=row.term,
            name=row.title,
            asks=row.asks[:1].lower() + row.asks[1:],
            state=". ".join(worth[name] for name in parts[row.name] if name in worth) or missing.format(row.spelled),
        )
        for n, row in enumerate(rows, start=1)
    ]


def _worth(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        table = msgspec.json.decode(path.read_bytes(), type=Table)
    except msgspec.DecodeError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Write it again with `oddsock report --matrix DIR`.") from cause
    seeds = ", ".join(map(str, table.seeds))
    return {one.remedy: _state(one, seeds) for one in table.worth}


def _state(one: Worth, seeds: str) -> str:
    name = f"Its part {one.remedy} " if remedies().get(one.remedy) and remedies()[one.remedy].part_of else ""
    left_out = f"; all without it, against all: {one.left_out}" if one.left_out else ""
    return f"{name}alone, under seeds {seeds}: {one.sentence}{left_out}"
