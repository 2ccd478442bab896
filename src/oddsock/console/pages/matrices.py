"""/matrix and /matrix/{run}: the remedy matrices there are, and one as a heat map whose cells lead to their cases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from oddsock.console.cases.reading import Reader, stamp_of
from oddsock.console.cases.shelf import OF_MATRIX, TABLE, Shelf
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import Document, Page
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.matrix.table import AWAITED, BAD, COLUMNS, Line, Table, spell
from oddsock.kit.clock import iso
from oddsock.kit.errors import CannotRun

RUNS_MAX = 100
HEATS = 5
"""Shades of bad, the worst of a column having the last."""


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """The list and one matrix, each with its twin."""
    shelf, reader = Shelf(desk.home), Reader()
    desk.at_end(reader.close)

    async def read_list(request: web.Request) -> Document:
        folders = await reader.run(shelf.matrices)
        rows = []
        for folder in folders[:RUNS_MAX]:
            try:
                rows.append(_row(folder, await _read(reader, folder)))
            except CannotRun as cause:
                rows.append({"run": folder.name, "problem": str(cause)})
        return {"rows": rows, "total": len(folders)}

    async def read_one(request: web.Request) -> Document:
        folder = shelf.matrix(request.match_info["run"])
        return {"run": folder.name, **show_table(folder, await _read(reader, folder))}

    pages = (
        Page("/matrix/{run}", "Remedy matrix", "matrix.html", read_one, styles=("cases.css",)),
        Page("/matrix", "Remedy matrices", "matrices.html", read_list, styles=("cases.css",)),
    )
    return [route for page in pages for route in page.routes()]


async def _read(reader: Reader, folder: Path) -> Table:
    path = folder / TABLE
    if not path.is_file():
        raise web.HTTPNotFound(text=f"The matrix {folder.name} has no table yet. Its first cell makes one.")

    def decode() -> Table:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Table)
        except msgspec.DecodeError as cause:
            raise CannotRun(f"{path} is damaged or of an older release: {cause}.", "Run the matrix again.") from cause

    return await reader.read(folder, TABLE, decode, stamp_of(path))


def _row(folder: Path, table: Table) -> dict[str, Any]:
    results = [one for line in table.lines for one in line.results]
    return {
        "run": folder.name,
        "problem": "",
        "plan": table.plan,
        "seeds": table.seeds,
        "cells": len(table.lines),
        "failed": sum(1 for one in results if one.failed),
        "written_at": iso(datetime.fromtimestamp((folder / TABLE).stat().st_mtime, UTC)),
    }


def show_table(folder: Path, table: Table) -> dict[str, Any]:
    """The heat map of *table*: each value with its shade, each cell with the cases it was counted from."""
    worst = {column: max((_high(line, column) for line in table.lines), default=0.0) for column in BAD}
    return {
        "plan": table.plan,
        "seeds": table.seeds,
        "columns": COLUMNS,
        "lines": [
            {
                "cell": line.cell,
                "cases": [_link(folder, one) for one in line.results],
                "failed": line.failed,
                "values": [
                    {
                        "column": column,
                        "text": spell(column, line.values.get(column)),
                        "heat": heat(line, column, worst),
                    }
                    for column in COLUMNS
                ],
            }
            for line in table.lines
        ],
        "worth": [{"remedy": one.remedy, "switches": table.switched.get(one.remedy, "all"), "alone": one.sentence,
                   "left_out": one.left_out} for one in table.worth],
    }  # fmt: skip


def _link(folder: Path, result: CellResult) -> dict[str, Any]:
    """The page of a cell's case; no address where none was kept or it does not lie in the matrix's folder."""
    name = Path(result.case).name if result.case else ""
    is_there = bool(name) and (folder / "cases" / name / "case.json").is_file()
    href = f"/cases/{folder.name}{OF_MATRIX}{name}" if is_there else ""
    return {"seed": result.seed, "href": href, "failed": result.failed, "wall_s": result.wall_s}


def _high(line: Line, column: str) -> float:
    span = line.values.get(column)
    return (span[1] or 0.0) if span else 0.0


def heat(line: Line, column: str, worst: dict[str, float]) -> str:
    """The shade of a value: good, bad1 to bad5, or none where more is neither better nor worse."""
    span = line.values.get(column)
    if span is None:
        return ""
    if column in AWAITED:
        return "good" if span[1] is not None else "bad3"
    if column not in BAD:
        return ""
    if not span[1]:
        return "good"
    return f"bad{max(1, round(HEATS * span[1] / worst[column]))}"
