"""A case: the folder of one run, with everything that its report can be recomputed from.

    case.json  plan.yaml  lock  kept  history.jsonl  undo.jsonl  mend.jsonl
    evidence/<phase>/...  exports/...  report.{md,html,json,xml}

The living owner holds `lock`; when nobody holds it and case.json still says running, the owner was killed. A console
that lets a fault stand holds `kept` and leaves `lock` to whoever heals it.
"""

import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import msgspec
import yaml

from oddsock import __version__
from oddsock.drill.evidence_files import BookEvidence, Row, read_book
from oddsock.drill.history import History
from oddsock.drill.row_files import write_rows
from oddsock.kit.clock import Clock, SystemClock, iso
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.kit.files import explain_disk, try_lock, write_whole

State = Literal["running", "completed", "interrupted", "aborted", "failed"]


class ClusterMeta(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster a run used: its API *server*, whether the run booted it for itself (*own*), the *stack*'s name."""

    server: str = ""
    own: bool = False
    stack: str = ""


class CaseMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What case.json says of a run."""

    name: str
    plan: str
    started_at: str
    state: State = "running"
    kind: Literal["drill", "reconcile"] = "drill"
    ended_how: str = ""
    ended_at: str = ""
    seed: int = 0
    speed: float = 1.0
    namespace: str = "sock-shop"
    cluster: ClusterMeta = ClusterMeta()
    operator: str = ""
    mode: str = ""
    version: str = __version__
    python: str = ""


class Case:
    """One run's folder; `lock` it to write, anybody may read; at the end of a `with` it is given back."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._lock: IO[str] | None = None
        self._kept: IO[str] | None = None
        self.history = History(path / "history.jsonl", self._clock)

    @classmethod
    def create(cls, home: Path, plan_name: str, clock: Clock | None = None, stem: str = "", **meta: Any) -> "Case":
        """Make and lock a new case for plan *plan_name* under *home*; CannotRun when the disk refuses.

        Its name is *stem*, else made of the time and the plan.
        """
        clock = clock or SystemClock()
        started_at = iso(clock.now())
        stem = stem or f"{started_at[:19].replace(':', '').replace('-', '').replace('T', '-')}-{plan_name}"
        try:
            path = _make_folder(home / "cases", stem)
            case = cls(path, clock)
            case.lock()
            case.write_meta(
                CaseMeta(
                    name=path.name, plan=plan_name, started_at=started_at, python=platform.python_version(), **meta
                )
            )
        except OSError as cause:
            raise explain_disk(cause, home / "cases") from cause
        return case

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> "Case":
        """The case at *path*; UsageError when there is none."""
        if not (path / "case.json").exists():
            raise UsageError(f"{path} is not a case folder.", "`oddsock list` shows the cases there are.")
        return cls(path, clock)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def meta(self) -> CaseMeta:
        """What case.json says now; CannotRun when it is damaged."""
        path = self.path / "case.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=CaseMeta)
        except msgspec.DecodeError as cause:
            raise CannotRun(f"{path} is damaged: {cause}.") from cause

    def write_meta(self, meta: CaseMeta) -> None:
        """Replace case.json, whole and durable; CannotRun when the disk refuses."""
        _write_json(self.path / "case.json", meta)

    def change_meta(self, **changes: Any) -> None:
        """Replace some fields of case.json."""
        self.write_meta(msgspec.structs.replace(self.meta, **changes))

    def end(self, state: State, how: str) -> None:
        """Say how the run ended."""
        self.change_meta(state=state, ended_how=how, ended_at=iso(self._clock.now()))

    def lock(self) -> None:
        """Own this case until `unlock` or the end of this process; CannotRun when another living process does."""
        if self._lock is None:
            self._lock = try_lock(self.path / "lock")
            if self._lock is None:
                raise CannotRun(f"Case {self.name} is in use by a living process.", "Wait until it ends, or stop it.")

    def unlock(self) -> None:
        """Give the case back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def keep(self) -> None:
        """Let what this case broke stand until `let_go` or the end of this process; CannotRun when another keeps it."""
        if self._kept is None:
            self._kept = try_lock(self.path / "kept")
            if self._kept is None:
                raise CannotRun(f"Case {self.name} is kept by a living process.", "Heal it, or stop that process.")

    def let_go(self) -> None:
        """Keep it no longer."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def is_kept(self) -> bool:
        """Whether a living process lets what this case broke stand; anybody may heal it all the same."""
        if self._kept is not None:
            return True
        if not (self.path / "kept").exists():
            return False
        if (lock := try_lock(self.path / "kept")) is None:
            return True
        lock.close()
        return False

    def __enter__(self) -> "Case":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unlock()

    @property
    def is_locked(self) -> bool:
        """Whether this object owns the case."""
        return self._lock is not None

    def is_alive(self) -> bool:
        """Whether another living process owns this case."""
        if self._lock is not None:
            return False
        if (lock := try_lock(self.path / "lock")) is None:
            return True
        lock.close()
        return False

    def remove(self) -> None:
        """Take the folder away: it held nothing but an undo that is done."""
        shutil.rmtree(self.path, ignore_errors=True)

    def evidence_dir(self, phase: str) -> Path:
        """The folder of *phase*'s evidence."""
        return self.path / "evidence" / phase

    def read_book(self, phase: str, book: str, row: type[Row]) -> BookEvidence[Row]:
        """One book of one phase, with rows of type *row*."""
        return read_book(self.evidence_dir(phase) / f"{book}.json", book, phase, row)

    def write_book(
        self, phase: str, book: str, rows: Iterable[object], *, source: str, missing: str | None = None
    ) -> None:
        """Keep one book of one phase; *missing* says why there is no evidence."""
        head = {
            "book": book,
            "phase": phase,
            "taken_at": iso(self._clock.now()),
            "source": source,
            "missing": missing,
        }
        path = self.evidence_dir(phase) / f"{book}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_rows(path, head, rows)
        except OSError as cause:
            raise explain_disk(cause, path) from cause


def list_cases(home: Path) -> list[Case]:
    """Every case under *home*, oldest first."""
    return [Case(found.parent) for found in sorted((home / "cases").glob("*/case.json"))]


def latest(home: Path) -> Case | None:
    """The newest case under *home*, or None."""
    found = list_cases(home)
    return found[-1] if found else None


def find_case(home: Path, name: str | None) -> Case:
    """The case that *name* means: a folder's path, a case's name or its beginning; the newest without a name."""
    if name is None:
        if (case := latest(home)) is None:
            raise UsageError(f"There is no case under {home / 'cases'} yet.", "`oddsock drill incident-3` makes one.")
        return case
    if (Path(name) / "case.json").exists():
        return Case(Path(name).absolute())
    matches = [case for case in list_cases(home) if case.name.startswith(name)]
    if len(matches) != 1:
        problem = "No case is" if not matches else f"{len(matches)} cases are"
        raise UsageError(f"{problem} named {name}.", "`oddsock list` shows the cases there are.")
    return matches[0]


def read_kept_plan(folder: Path) -> dict[str, Any]:
    """The plan that the case in *folder* was run by, as plain data; empty without one, CannotRun when damaged."""
    path = folder / "plan.yaml"
    if not path.exists():
        return {}
    try:
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Take the case from a backup.") from cause
    return plan if isinstance(plan, dict) else {}


def _write_json(path: Path, document: object) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    except OSError as cause:
        raise explain_disk(cause, path) from cause


def _make_folder(parent: Path, stem: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for n in range(1, 1000):
        path = parent / (stem if n == 1 else f"{stem}-{n}")
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return path
    raise CannotRun(f"{parent} already holds 999 cases named {stem}.", "Remove old cases.")
