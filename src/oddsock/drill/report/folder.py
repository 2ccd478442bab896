"""A case folder as the report reads it: files only, so that the same folder always gives the same report."""

import hashlib
from pathlib import Path
from typing import Any, Protocol

import msgspec

from oddsock.drill.case import CaseMeta, read_kept_plan
from oddsock.drill.clock_errors import load_right
from oddsock.drill.evidence_files import PHASES, Evidence, latest_logs
from oddsock.drill.history import Entry, read_history
from oddsock.drill.operation import Attempt, attempts
from oddsock.drill.telemetry_files import Answer, load_answers
from oddsock.kit.errors import CannotRun

BEFORE, DURING, AFTER_HEAL, AFTER_MEND = PHASES


class HasPath(Protocol):
    """What the report needs of a case: where its folder is."""

    @property
    def path(self) -> Path:
        """The case folder."""
        ...


class CaseFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report is computed from; *plan* is the copied plan as plain data, *digests* SHA-256 by file."""

    path: Path
    meta: CaseMeta
    plan: dict[str, Any]
    history: list[Entry]
    attempts: list[Attempt]
    undo: list[dict[str, Any]]
    mend: list[dict[str, Any]]
    share: dict[str, Any]
    evidence: dict[str, Evidence]
    answers: dict[str, Answer]  # of telemetry, by file
    logs: dict[str, list[str]]  # pod -> lines of the last log any phase kept
    digests: dict[str, str]

    @property
    def speed(self) -> float:
        """Plan seconds a wall second."""
        return self.meta.speed or 1.0

    def has(self, phase: str, *books: str) -> bool:
        """Whether all of *books* were really read in *phase*."""
        return all(getattr(self.evidence[phase], book).present for book in books)

    def latest(self, book: str, *phases: str) -> str | None:
        """The last of *phases* (all when none is given) in which *book* was read, None when it never was."""
        return next((phase for phase in reversed(phases or PHASES) if self.has(phase, book)), None)

    def missing(self, phase: str, book: str) -> str:
        """Why *book* of *phase* is no evidence, empty when it was read."""
        return getattr(self.evidence[phase], book).missing or ""

    @property
    def remedies(self) -> list[str]:
        """The remedies that were in force when the drill began; none where nobody looked."""
        found = [entry.value["remedies"] for entry in self.entries("steady_state") if "remedies" in entry.value]
        return list(found[-1]) if found else []

    def entries(self, verb: str, *kinds: str) -> list[Entry]:
        """The history's lines of *verb*, of *kinds* only when given, in order."""
        return [entry for entry in self.history if entry.verb == verb and (not kinds or entry.kind in kinds)]


def spell_phase(phase: str) -> str:
    """A phase in a sentence.

    >>> spell_phase("after-heal"), spell_phase("during")
    ('after the heal', 'during the fault')
    """
    words = {BEFORE: "before the fault", DURING: "during the fault"}
    return words.get(phase, phase.replace("after-", "after the "))


def evidence_file(phase: str, book: str) -> str:
    """Where a book stands in the case folder."""
    return f"evidence/{phase}/{book}.json"


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSON lines file; a last line that was cut by a kill is left out."""
    if not path.exists():
        return []
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    try:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in whole.split(b"\n") if line.strip()]
    except msgspec.DecodeError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Take the case from a backup.") from cause


def _json_object(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.exists() else {}
    except msgspec.DecodeError as cause:
        raise CannotRun(f"{path} is damaged: {cause}.", "Take the case from a backup.") from cause


def _digests(folder: Path) -> dict[str, str]:
    names = ["plan.yaml", "history.jsonl", "undo.jsonl", "mend.jsonl", "share.json"]
    paths = [folder / name for name in names] + sorted(p for p in (folder / "evidence").rglob("*") if p.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.exists()
    }


def read_case(case: HasPath) -> CaseFiles:
    """Read the folder of *case*; CannotRun when it is no case or one of its files is damaged."""
    path = case.path
    meta = _json_object(path / "case.json")
    if not meta:
        raise CannotRun(f"{path} holds no case.json, so it is no case folder.", "`oddsock list` shows the cases.")
    history = list(read_history(path / "history.jsonl"))
    try:
        typed_meta, tries = msgspec.convert(meta, CaseMeta), attempts(history)
    except msgspec.ValidationError as cause:
        raise CannotRun(f"The case at {path} is damaged: {cause}.", "Take the case from a backup.") from cause
    logs = latest_logs(case)
    return CaseFiles(
        path=path,
        meta=typed_meta,
        plan=read_kept_plan(path),
        history=history,
        attempts=tries,
        undo=read_json_lines(path / "undo.jsonl"),
        mend=read_json_lines(path / "mend.jsonl"),
        share=_json_object(path / "share.json"),
        evidence={phase: load_right(case, phase) for phase in PHASES},
        answers=load_answers(case),
        logs={pod: log.read_text(encoding="utf-8", errors="replace").splitlines() for pod, log in logs.items()},
        digests=_digests(path),
    )
