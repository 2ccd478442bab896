"""Section 14: the hand-written report's twelve recommendations, and what a remedy matrix measured of each.

A matrix that stands in the case (`matrix.json`, put there by `oddsock report --matrix`) is the only source: the
report is recomputed from its case alone.
"""

from pathlib import Path

import msgspec

from oddsock.drill.matrix.table import Table
from oddsock.drill.remedies import remedies
from oddsock.drill.report.rows import Remedy
from oddsock.kit.errors import CannotRun

FILE = "matrix.json"


def list_remedies(folder: Path, plan: str) -> list[Remedy]:
    """All twelve in the order of the hand-written report, each with what the matrix in *folder* says of it alone."""
    worth = _worth(folder / FILE)
    rows = [row for row in remedies().values() if not row.part_of]
    missing = f"not measured in this run; `oddsock matrix {plan}` measures it, by {{}}"
    return [
        Remedy(
            n=n,
            term=row.term,
            name=row.title,
            asks=row.asks[:1].lower() + row.asks[1:],
            state=worth.get(row.name, missing.format(row.spelled)),
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
    return {one.remedy: f"alone, under seeds {seeds}: {one.sentence}" for one in table.worth}
