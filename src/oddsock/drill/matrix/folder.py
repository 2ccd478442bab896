"""A matrix on disk: one file a cell and seed, written whole, so that a matrix goes on where it stopped."""

from pathlib import Path

import msgspec

from oddsock.drill.matrix.measure import Figures
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, write_whole


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one cell under one seed; *figures* is None when it *failed*, with the reason."""

    cell: str
    seed: int
    remedies: tuple[str, ...]
    plan_sha256: str
    wall_s: float
    figures: Figures | None = None
    failed: str = ""


class MatrixFolder:
    """The results in *path*."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, result: CellResult) -> None:
        """Write *result*; CannotRun when the disk refuses."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = msgspec.json.format(msgspec.json.encode(result), indent=1).decode()
            write_whole(self._file(result.cell, result.seed), text + "\n")
        except OSError as cause:
            raise explain_disk(cause, self.path) from cause

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


def _read(path: Path) -> CellResult:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CellResult)
    except msgspec.DecodeError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Remove it and run the matrix with --resume.") from cause
