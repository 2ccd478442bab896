"""What telemetry answered, as a case keeps it: one file a question, so that the report is computed from the case alone.

    evidence/telemetry/<id>[-<part>].json   one answer; parts are window and past, before, during and after
    evidence/telemetry/heartbeat.json       whether telemetry had caught up, and who wrote while the fault held
    evidence/telemetry/monitors.json        every monitor, and its changes of state as events
    evidence/telemetry/orders-lines.json    what orders wrote in the window; target-lines: what the target did while the
                                            fault held; cluster-events: what Kubernetes told. The checks read them.

Cards are masked in what lines say; ids and numbers are kept as they came.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from oddsock.drill.evidence_files import CaseFolder
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, write_whole
from oddsock.kit.mask import mask_private

FOLDER = "telemetry"

HEARTBEAT, MONITORS = "heartbeat", "monitors"
ORDERS_LINES, TARGET_LINES, CLUSTER_EVENTS = "orders-lines", "target-lines", "cluster-events"
"""Answers that every case with telemetry has, whatever its plan asks."""

NO_TELEMETRY = "this run had no telemetry to ask"
"""Why an answer is missing where there was nobody to ask."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: *written* is the plan's query, *asked* what was sent, *missing* why there are no rows.

    *kind* is log, metric, view, event, dashboard, monitor or heartbeat; *source* is the address without keys.
    """

    id: str
    kind: str
    part: str = ""
    written: str = ""
    asked: str = ""
    from_at: str = ""
    to_at: str = ""
    asked_at: str = ""
    source: str = ""
    is_local: bool = True
    missing: str | None = None
    is_whole: bool = True
    warnings: tuple[str, ...] = ()
    message: str = ""
    rows: list[dict[str, Any]] = []

    @property
    def present(self) -> bool:
        """Whether there was an answer; an empty one is present."""
        return self.missing is None

    @property
    def name(self) -> str:
        """The name of its file, without folder and ending."""
        return f"{self.id}-{self.part}" if self.part else self.id

    @property
    def file(self) -> str:
        """Where it stands in the case folder."""
        return f"evidence/{FOLDER}/{self.name}.json"


def write_answer(case: CaseFolder, answer: Answer) -> None:
    """Keep *answer* in *case*, masked; CannotRun when the disk refuses."""
    path = case.path / "evidence" / FOLDER / f"{answer.name}.json"
    document = _masked(msgspec.to_builtins(answer))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    except OSError as cause:
        raise explain_disk(cause, path) from cause


def load_answers(case: CaseFolder, *names: str) -> dict[str, Answer]:
    """Every kept answer by the name of its file, those of *names* only when given; CannotRun when one is damaged."""
    paths = sorted((case.path / "evidence" / FOLDER).glob("*.json"))
    return {path.stem: _read(path) for path in paths if not names or path.stem in names}


def _read(path: Path) -> Answer:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise CannotRun(f"The evidence at {path} is damaged: {cause}.", "Take the case from a backup.") from cause


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        # An id may have as many digits as a card.
        return value if key == "id" else mask_private(value)
    if isinstance(value, Mapping):
        return {name: _masked(inner, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, key) for inner in value]
    return value
