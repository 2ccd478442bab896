"""What a call to Datadog may answer, turned into the house's errors; a refused query knows its mistake's column."""

import re

import msgspec

from oddsock.kit.errors import CannotRun, Forbidden, OddsockError, Unreachable, UsageError

API = "Telemetry"

_COLUMN = re.compile(r"\bcolumn (\d+)", re.IGNORECASE)
_FORBIDDEN = "Check DD_API_KEY and DD_APP_KEY; `oddsock env` prints those of a stack."


class QueryRefused(UsageError):
    """A query or document was refused; *column* (from 1) is where its mistake stands, None when nobody said."""

    def __init__(self, sentence: str, column: int | None = None) -> None:
        super().__init__(sentence)
        self.column = column


class NotThere(CannotRun):
    """What was asked for does not exist."""


class _Refusal(msgspec.Struct):
    errors: list[str] = []


def make_refusal(address: str, what: str, status: int, body: bytes) -> OddsockError:
    """The error that answer *status* to *what* means: QueryRefused, Forbidden, NotThere, Unreachable or CannotRun."""
    sentence = _sentence(body) or f"HTTP {status}"
    if status in (400, 422):
        found = _COLUMN.search(sentence)
        return QueryRefused(sentence, int(found[1]) if found else None)
    if status in (401, 403):
        return Forbidden(f"{address} forbids {what}: {sentence.rstrip('.')}.", _FORBIDDEN)
    if status == 404:
        return NotThere(f"{address} has no {what}: {sentence.rstrip('.')}.")
    if status == 429 or status >= 500:
        return Unreachable(API, address, f"{what}: {sentence.rstrip('.')}", "Try again later.")
    return CannotRun(f"{address} refused {what}: {sentence.rstrip('.')}.")


def _sentence(body: bytes) -> str:
    try:
        return "; ".join(msgspec.json.decode(body, type=_Refusal).errors)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
