"""What every reading call on logs names: a query, two instants, indexes, a shift of time."""

from typing import Any, TypeVar

import msgspec

from oddsock.kit.date_math import instant_ms
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.query.log_tree import Search

INDEXES = frozenset({"*", "main"})
"""The one index of the store, and the word for all."""

DAY_S = 86_400

Shape = TypeVar("Shape")


class Filter(msgspec.Struct, rename={"start": "from"}):
    """`filter` of a request, as Datadog's clients write it."""

    query: str | None = None
    start: str | int | None = None
    to: str | int | None = None
    indexes: list[str] | None = None


class Options(msgspec.Struct, rename="camel"):
    """`options` of a request: *time_offset* in seconds shifts both ends; a time zone changes nothing here."""

    time_offset: int | None = None
    timezone: str | None = None


class Range(msgspec.Struct, frozen=True):
    """What was asked, understood: *from_ms* <= at_ms < *to_ms*, and what the asker should know."""

    search: Search
    from_ms: int
    to_ms: int
    is_known_index: bool = True

    def warnings(self) -> list[dict[str, str]]:
        """`meta.warnings` in Datadog's shape."""
        found = [
            {"code": "query", "title": "The query may not ask what it seems to", "detail": text}
            for text in self.search.warnings
        ]
        if not self.is_known_index:
            found.append(
                {
                    "code": "unknown_index",
                    "title": "One or several indexes are missing or invalid",
                    "detail": "This store has one index, `main`; `*` means it too.",
                }
            )
        return found


def understand(filter_: Filter, options: Options, now_ms: int) -> Range:
    """The search and the instants of *filter_*; 400 or QueryError when they make no sense."""
    search = parse_search(filter_.query or "*")
    shift_ms = (options.time_offset or 0) * 1000
    if abs(shift_ms) > 366 * DAY_S * 1000:
        raise ApiError(400, "options.timeOffset is more than a year.")
    from_ms = instant_ms(_text(filter_.start, "now-15m"), now_ms) + shift_ms
    to_ms = instant_ms(_text(filter_.to, "now"), now_ms) + shift_ms
    if from_ms > to_ms:
        raise ApiError(400, "filter.from lies after filter.to: give them the other way round.")
    is_known = filter_.indexes is None or not filter_.indexes or bool(INDEXES & set(filter_.indexes))
    return Range(search, from_ms, to_ms, is_known)


def _text(instant: str | int | None, default: str) -> str:
    return default if instant is None or instant == "" else str(instant)


def convert(body: object, shape: type[Shape]) -> Shape:
    """*body* as *shape*; 400 with the path of what does not fit."""
    try:
        return msgspec.convert({} if body is None else body, shape)
    except msgspec.ValidationError as cause:
        raise ApiError(400, f"The request cannot be understood: {cause}.") from None


def metadata(elapsed_ms: int, request_id: str, asked: Range) -> dict[str, Any]:
    """`meta` of an answer."""
    found: dict[str, Any] = {"elapsed": elapsed_ms, "request_id": request_id, "status": "done"}
    if warnings := asked.warnings():
        found["warnings"] = warnings
    return found
