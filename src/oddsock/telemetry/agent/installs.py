"""The shipped dashboards, monitors and log pipelines, made in the store through its API, each once a stack."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any, Protocol

import msgspec

from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun, Forbidden, OddsockError, Unreachable
from oddsock.telemetry.agent.api_server import backoff_s, pause
from oddsock.telemetry.agent.memory import Memory

TRIES_MAX = 10
PIPELINES = "pipelines"

_log = logging.getLogger(__name__)
Make = Callable[[dict[str, Any]], Awaitable[object]]


class DocumentStore(Protocol):
    """Where documents are made."""

    async def create_dashboard(self, document: dict[str, Any]) -> object:
        """Make a dashboard of Datadog's JSON."""
        ...

    async def create_monitor(self, document: dict[str, Any]) -> object:
        """Make a monitor of Datadog's JSON."""
        ...

    async def create_pipeline(self, document: dict[str, Any]) -> object:
        """Make a log pipeline of Datadog's JSON."""
        ...


async def install(folders: Sequence[str], store: DocumentStore, memory: Memory, clock: Clock) -> None:
    """Make every document of data/*folders* that was not made yet; what is refused is told and left out."""
    makes: dict[str, Make] = {
        "dashboards": store.create_dashboard,
        "monitors": store.create_monitor,
        PIPELINES: store.create_pipeline,
    }
    for folder in folders:
        for name, document in shipped(folder):
            if not memory.is_installed(name):
                await _make(name, document, makes[folder], clock)
                memory.keep_installed(name)


def shipped(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """(folder/file, document) of every JSON file in data/*folder*, by name; none when there is no such folder."""
    place = resources.files("oddsock") / "data" / folder
    if not place.is_dir():
        return []
    files = sorted((file for file in place.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return [(f"{folder}/{file.name}", msgspec.json.decode(file.read_bytes())) for file in files]


async def _make(name: str, document: dict[str, Any], make: Make, clock: Clock) -> None:
    for tried in range(1, TRIES_MAX + 1):
        try:
            await make(document)
        except (Unreachable, Forbidden) as cause:
            if tried == TRIES_MAX:
                raise CannotRun(f"{name} cannot be made: {cause}") from cause
            await pause(clock, backoff_s(tried))
        except OddsockError as cause:
            _log.error("%s is left out, the store refuses it: %s", name, cause)
            return
        else:
            return
