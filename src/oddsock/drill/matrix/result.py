"""What became of one cell under one seed."""

import msgspec

from oddsock.drill.matrix.measure import Figures


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """The *figures* of a cell under a seed, None when it *failed*, with the reason.

    *case* is its case's folder, as seen from the matrix's; *wall_s* how long it took, and *slowed* how many times
    slower its plan ran than on a machine with nothing else to do.
    """

    cell: str
    seed: int
    remedies: tuple[str, ...]
    plan_sha256: str
    wall_s: float
    slowed: float = 1.0
    case: str = ""
    figures: Figures | None = None
    failed: str = ""
