"""The pipelines of a store, their order, and a log's way through every enabled one whose filter matches."""

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from oddsock.kit.errors import UsageError
from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft
from oddsock.telemetry.pipelines.errors import PipelineError
from oddsock.telemetry.pipelines.processors import kinds_not_applied, read_pipeline
from oddsock.telemetry.pipelines.remappers import Step
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.documents import Documents

_log = logging.getLogger(__name__)

KIND = "pipeline"
ORDER_KIND = "pipeline-order"
ORDER_ID = "order"
PIPELINES_MAX = 100
PAST_H_MAX = 18.0
AHEAD_H_MAX = 2.0
MS_AN_HOUR = 3_600_000
NAME_CHARACTERS_MAX = 500
NOT_APPLIED_FIELD = "_oddsock_not_applied"
"""Where an answer lists the kinds of processor that are stored and not applied."""


@dataclass(frozen=True)
class Pipeline:
    """One pipeline: its JSON as it is answered, and the step its logs go through (None while it is off)."""

    document: dict[str, Any]
    step: Step | None

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["id"])


class Pipelines:
    """The pipelines of *documents*, compiled; `process` belongs to the main thread, whose clock bounds each rule."""

    def __init__(self, documents: Documents, past_h_max: float = PAST_H_MAX, ahead_h_max: float = AHEAD_H_MAX) -> None:
        self._documents = documents
        self._past_ms_max = past_h_max * MS_AN_HOUR
        self._ahead_ms_max = ahead_h_max * MS_AN_HOUR
        self._pipelines: list[Pipeline] = []
        self._steps: list[Step] = []
        self.reload()

    def reload(self) -> None:
        """Read every pipeline again, in order; those the order does not name come last, oldest first."""
        made = {document["id"]: _compiled(document) for document in self._documents.list(KIND)}
        ordered = [made.pop(name) for name in self._stored_order() if name in made]
        self._pipelines = [*ordered, *made.values()]
        self._steps = [pipeline.step for pipeline in self._pipelines if pipeline.step is not None]

    def _stored_order(self) -> list[str]:
        stored = self._documents.get(ORDER_KIND, ORDER_ID) or {}
        return [str(name) for name in stored.get("pipeline_ids", [])]

    def process(self, log: Log) -> Log:
        """*log* after every enabled pipeline whose filter matches it; the given one is left as it was."""
        if not self._steps:
            return log
        draft = Draft(log)
        for step in self._steps:
            step(draft)
        # The same bounds as at the intake: a date out of a message may not open a day file of any year.
        if not -self._past_ms_max <= draft.at_ms - log.at_ms <= self._ahead_ms_max:
            draft.set_time(log.at_ms)
        return draft.log()

    def get(self, pipeline_id: str) -> dict[str, Any] | None:
        """One pipeline's JSON, None when there is none."""
        return next((pipeline.document for pipeline in self._pipelines if pipeline.id == pipeline_id), None)

    def create(self, body: object) -> dict[str, Any]:
        """Keep a new pipeline, last in order; PipelineError or GrokError when it is wrong."""
        if len(self._pipelines) >= PIPELINES_MAX:
            raise PipelineError("", f"There are {PIPELINES_MAX} pipelines already; delete one first.")
        return self._keep(body, secrets.token_hex(11))

    def replace(self, pipeline_id: str, body: object) -> dict[str, Any] | None:
        """Keep *body* in the place of a pipeline, None when there is none of that id."""
        if self.get(pipeline_id) is None:
            return None
        return self._keep(body, pipeline_id)

    def _keep(self, body: object, pipeline_id: str) -> dict[str, Any]:
        document = _document(Body(body, ""), pipeline_id)
        read_pipeline(Body(document, ""))
        self._documents.put(KIND, pipeline_id, document)
        self.reload()
        return document

    def delete(self, pipeline_id: str) -> bool:
        """Take a pipeline away; False when there is none of that id."""
        found = self._documents.delete(KIND, pipeline_id)
        self.reload()
        return found

    def order(self) -> list[str]:
        """The ids, in order."""
        return [pipeline.id for pipeline in self._pipelines]

    def reorder(self, pipeline_ids: object) -> list[str]:
        """Set the order; PipelineError unless every pipeline is named exactly once."""
        place = "pipeline_ids"
        if not isinstance(pipeline_ids, list) or not all(isinstance(name, str) for name in pipeline_ids):
            raise PipelineError(place, "a list of ids is wanted here.")
        if sorted(pipeline_ids) != sorted(self.order()):
            raise PipelineError(
                place, "every pipeline is wanted exactly once.", f"There are {', '.join(self.order())}."
            )
        self._documents.put(ORDER_KIND, ORDER_ID, {"pipeline_ids": pipeline_ids})
        self.reload()
        return self.order()

    def list(self) -> list[dict[str, Any]]:
        """Every pipeline's JSON, in order."""
        return [pipeline.document for pipeline in self._pipelines]


def _document(body: Body, pipeline_id: str) -> dict[str, Any]:
    name = body.text("name")
    if len(name) > NAME_CHARACTERS_MAX:
        raise PipelineError("name", f"the name has more than {NAME_CHARACTERS_MAX} characters.")
    body.flag("is_enabled", True)
    kept = {"is_enabled": False, "filter": {"query": ""}, "processors": [], **body.value}
    kept.pop(NOT_APPLIED_FIELD, None)
    kept.update(id=pipeline_id, type="pipeline", is_read_only=False)
    unapplied = kinds_not_applied(Body(kept, ""))
    return {**kept, NOT_APPLIED_FIELD: unapplied} if unapplied else kept


def _compiled(document: dict[str, Any]) -> Pipeline:
    if document.get("is_enabled") is not True:
        return Pipeline(document, None)
    try:
        return Pipeline(document, read_pipeline(Body(document, "")))
    except UsageError as cause:
        # An older version took it; the others still hold.
        _log.warning(
            "a stored pipeline cannot be read and is left out: %s", cause, extra={"fields": {"id": document["id"]}}
        )
        return Pipeline(document, None)
