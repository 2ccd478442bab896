"""Which cases and matrices there are under a home, and the one that a name in an address means.

A drill's case is named as its folder. A matrix keeps its cells' cases in its own folder: `RUN~CASE` means one of them.
No name leads out of these folders: neither dots, nor slashes, nor a link on the disk.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from oddsock.drill.case import Case, CaseMeta, list_cases

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,199}\Z")
OF_MATRIX = "~"

TABLE = "matrix.json"

KILLED = "killed"
"""How a case is that says of itself that it runs, and that nobody owns."""


@dataclass(frozen=True)
class Shelf:
    """The cases and matrices under *home*."""

    home: Path

    def find(self, name: str) -> Case:
        """The case that *name* means; HTTPNotFound when there is none."""
        run, is_cell, cell = name.rpartition(OF_MATRIX)
        parent = self.matrix(run) / "cases" if is_cell else self.home / "cases"
        path = _inside(parent, cell)
        if path is None or not (path / "case.json").is_file():
            raise web.HTTPNotFound(text=f"There is no case {name}. The page Cases lists those there are.")
        return Case(path)

    def matrix(self, run: str) -> Path:
        """The folder of the matrix *run*; HTTPNotFound when there is none."""
        path = _inside(self.home / "matrices", run)
        if path is None or not path.is_dir():
            raise web.HTTPNotFound(text=f"There is no matrix {run}. The page Matrix lists those there are.")
        return path

    def cases(self) -> list[Case]:
        """Every drill's case that an address can name, newest first."""
        return [case for case in reversed(list_cases(self.home)) if NAME.match(case.name)]

    def matrices(self) -> list[Path]:
        """The folders of every matrix that has a table, newest table first."""
        found = [path for path in (self.home / "matrices").glob(f"*/{TABLE}") if NAME.match(path.parent.name)]
        return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def _inside(parent: Path, name: str) -> Path | None:
    """The entry *name* of *parent*, None when that is not a plain name or the entry leads elsewhere."""
    if not NAME.match(name):
        return None
    path = parent / name
    return path if path.resolve() == parent.resolve() / name else None


def name_of(case: Case) -> str:
    """What an address calls *case*."""
    parent = case.path.parent.parent
    return f"{parent.name}{OF_MATRIX}{case.name}" if parent.parent.name == "matrices" else case.name


def is_live(case: Case, meta: CaseMeta) -> bool:
    """Whether somebody works on *case* now, or lets its fault stand.

    Only who says that it runs is asked: to ask is to hold its lock for a moment, which a mend that begins may need.
    """
    return case.is_kept() or (meta.state == "running" and case.is_alive())


def state_of(case: Case, meta: CaseMeta) -> str:
    """running, killed, completed, interrupted, aborted or failed."""
    if is_live(case, meta):
        return "running"
    return KILLED if meta.state == "running" else meta.state
