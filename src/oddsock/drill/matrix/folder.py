"""A matrix on disk, which goes on where it stopped.

cell-<cell>-<seed>.json     what became of a cell under a seed, written whole
cases/<cell>-<seed>/        its case, from which its figures were counted
matrix.{json,md,html}       the table, written anew after each cell
"""

import shutil
from pathlib import Path

import msgspec

from oddsock.drill.matrix.render import render_html, render_markdown
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.matrix.table import Table
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, write_whole


class MatrixFolder:
    """The results in *path*."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, result: CellResult) -> None:
        """Write *result*; CannotRun when the disk refuses."""
        self._write(self._file(result.cell, result.seed), _json(result))

    def keep_table(self, table: Table) -> None:
        """Write *table* as JSON, Markdown and HTML; CannotRun when the disk refuses."""
        for file, text in (("json", _json(table)), ("md", render_markdown(table)), ("html", render_html(table))):
            self._write(self.path / f"matrix.{file}", text)

    def clear_case(self, cell: str, seed: int) -> str:
        """Take away what an earlier run kept of a cell, and answer the name its case shall have in `cases`."""
        name = f"{cell}-{seed}"
        shutil.rmtree(self.path / "cases" / name, ignore_errors=True)
        return name

    def find(self, cell: str, seed: int, plan_sha256: str) -> CellResult | None:
        """The cell's result of the same plan, None when there is none or it failed."""
        path = self._file(cell, seed)
        result = _read(path) if path.exists() else None
        return result if result and result.figures and result.plan_sha256 == plan_sha256 else None

    def results(self) -> list[CellResult]:
        """Every result there is."""
        return [_read(path) for path in sorted(self.path.glob("cell-*.json"))]

    def _file(self, cell: str, seed: int) -> Path:
        return self.path / f"cell-{cell}-{seed}.json"

    def _write(self, path: Path, text: str) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, text)
        except OSError as cause:
            raise explain_disk(cause, self.path) from cause


def _json(document: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _read(path: Path) -> CellResult:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CellResult)
    except msgspec.DecodeError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Remove it and run the matrix with --resume.") from cause
