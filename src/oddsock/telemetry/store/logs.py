"""The store of logs: appended durably, searched, aggregated and followed."""

from collections.abc import Sequence
from pathlib import Path

from oddsock.kit.clock import Clock
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.aggregates import Bucket, Compute, Group


class LogStore:
    """The logs of one folder."""

    def __init__(self) -> None:
        self._logs: list[Log] = []

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "LogStore":
        """Open or make the store in *folder*; CannotRun when another process owns it or the disk is full."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls()

    def close(self) -> None:
        """Finish what is being written and let the files go."""

    async def append(self, logs: Sequence[Log]) -> list[int]:
        """Store *logs* and answer their ids; durable when it returns.

        A log with the attribute `_oddsock.source_offset` = "file:offset" is stored once, however often it is sent:
        it is dropped, with id 0, when a log of the same file and UTC day with that offset or a later one is stored
        already. The attribute itself is not stored.
        """
        raise NotImplementedError

    async def search(
        self,
        search: Search,
        from_ms: int,
        to_ms: int,
        limit: int,
        newest_first: bool = True,
        after: int | None = None,
    ) -> list[Log]:
        """At most *limit* logs with from_ms <= at_ms < to_ms, in order of id, beyond the id *after*."""
        accepts = predicate(search)
        return [log for log in self._logs if from_ms <= log.at_ms < to_ms and accepts(log)][:limit]

    async def aggregate(
        self, search: Search, from_ms: int, to_ms: int, computes: Sequence[Compute], groups: Sequence[Group]
    ) -> list[Bucket]:
        """One bucket for each combination of groups, a single one without groups."""
        raise NotImplementedError

    async def facet_values(
        self, facet: str, from_ms: int, to_ms: int, beginning: str = "", limit: int = 20
    ) -> list[tuple[str, int]]:
        """Values of *facet* that begin with *beginning* and how many logs have them, most frequent first."""
        raise NotImplementedError

    async def tail(self, after_id: int, limit: int) -> list[Log]:
        """At most *limit* logs with ids beyond *after_id*, oldest first."""
        return [log for log in self._logs if log.id > after_id][:limit]

    async def drop_before(self, at_ms: int) -> int:
        """Delete the files of all UTC days that ended before *at_ms*; how many there were."""
        raise NotImplementedError
