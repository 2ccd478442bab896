"""Which telemetry a verb asks: the store of the stack of that name, or with --datadog the real Datadog."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from oddsock.kit.errors import CannotRun, UsageError
from oddsock.kit.settings import home

if TYPE_CHECKING:
    from oddsock.clients.datadog.datadog import Datadog


def connect_telemetry(name: str, datadog: bool) -> "Datadog":
    """A connection that only reads; CannotRun when stack *name* is not up or has none, UsageError without keys."""
    from oddsock.clients.datadog.datadog import Datadog
    from oddsock.stack.state import require

    if datadog:
        return Datadog.from_environment()
    state = require(home(), name)
    if not state.telemetry:
        raise CannotRun(
            f"Stack {name} runs without telemetry.", "Start it without --no-telemetry, or ask Datadog with --datadog."
        )
    return stack_telemetry(name, state.telemetry)


def stack_telemetry(name: str, address: str) -> "Datadog":
    """A connection that only reads to the store of stack *name* at *address*, with the stack's own keys."""
    from oddsock.clients.datadog.datadog import Datadog
    from oddsock.stack.state import folder
    from oddsock.stack.telemetry import read_keys

    keys = read_keys(folder(home(), name))
    return Datadog(address, keys.get("api_key", ""), keys.get("app_key", ""), read_only=True)


@asynccontextmanager
async def open_telemetry(name: str, datadog: bool, query: str = "") -> AsyncIterator["Datadog"]:
    """The same for as long as it is needed; a refused *query* is told with a caret under its mistake."""
    from oddsock.clients.datadog.errors import QueryRefused

    door = connect_telemetry(name, datadog)
    try:
        yield door
    except QueryRefused as refused:
        raise UsageError(point_at(refused.sentence, query, refused.column)) from refused
    finally:
        await door.close()


def point_at(sentence: str, query: str, column: int | None) -> str:
    """*sentence* with the query's line below it and a caret under *column* (from 1).

    >>> print(point_at("Column 3: no.", "a (", 3))
    Column 3: no.
      a (
        ^
    """
    if column is None or not query:
        return sentence
    before = query[: column - 1]
    line = query.split("\n")[before.count("\n")]
    place = len(before) - (before.rfind("\n") + 1)
    return f"{sentence}\n  {line}\n  {' ' * place}^"
