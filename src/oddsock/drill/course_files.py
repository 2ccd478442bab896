"""The course of a case as its files tell it: history, mend journal, logs of the orders pods, answers of telemetry."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Shown
from oddsock.drill.case import Case
from oddsock.drill.course import Course, read_course
from oddsock.drill.evidence_files import latest_logs, phases_taken, read_book
from oddsock.drill.history import Entry
from oddsock.drill.telemetry_files import CLUSTER_EVENTS, HEARTBEAT, ORDERS_LINES, TARGET_LINES, load_answers
from oddsock.kit.errors import CannotRun

ORDERS_POD = "orders-"
"""How the name of a pod of the orders service begins."""


def load_course(
    case: Case,
    history: Iterable[Entry] | None = None,
    shown: Iterable[Shown] | None = None,
    logs: dict[str, list[str]] | None = None,
) -> Course:
    """The course of *case*, of all its orders or of those that *history* and *shown* are about.

    CannotRun when a whole line of a file is damaged.
    """
    if shown is None:
        shown = [row for phase in phases_taken(case) for row in _shown(case, phase)]
    answers = load_answers(case, HEARTBEAT, ORDERS_LINES, TARGET_LINES, CLUSTER_EVENTS)
    entries = case.history if history is None else history
    mend_lines = read_mend_lines(case.path / "mend.jsonl")
    return read_course(entries, mend_lines, orders_logs(case) if logs is None else logs, answers, shown)


def orders_logs(case: Case) -> dict[str, list[str]]:
    """The lines of every pod of the orders service that was ever seen."""
    return {
        pod: path.read_text(encoding="utf-8", errors="replace").splitlines()
        for pod, path in latest_logs(case).items()
        if pod.startswith(ORDERS_POD) and not pod.startswith(f"{ORDERS_POD}db")
    }


def _shown(case: Case, phase: str) -> list[Shown]:
    return read_book(case.evidence_dir(phase) / "shown.json", "shown", phase, Shown).rows


def read_mend_lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a mend journal; none when there is no file; a torn last line is left out."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
    except msgspec.DecodeError as cause:
        raise CannotRun(f"A line of {path} is damaged: {cause}.", "Take the case from a backup.") from cause
