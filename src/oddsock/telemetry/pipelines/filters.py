"""The filter of a pipeline or a category: a log search, asked of one log in memory."""

from collections.abc import Callable

from oddsock.kit.errors import QueryError
from oddsock.telemetry.pipelines.errors import PipelineError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log

Filter = Callable[[Log], bool]


def read_filter(query: str, place: str) -> Filter:
    """The predicate of *query*, every log's for an empty one; PipelineError with the column of a wrong query."""
    if query.strip() in ("", "*"):
        return _every_log
    try:
        return predicate(parse_search(query))
    except QueryError as cause:
        raise PipelineError(place, str(cause)) from cause


def _every_log(_log: Log) -> bool:
    return True
