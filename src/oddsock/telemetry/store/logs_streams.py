"""The streams and statuses of one file of logs, in memory: what all logs of a stream have in common is kept once.

A stream is a service, host, source and tag set. A process has some hundred of them; tags of unbounded values (an
order's id) belong into attributes.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from oddsock.telemetry.query.log_match import stream_test
from oddsock.telemetry.query.log_tree import Match
from oddsock.telemetry.records import Log

Stream: TypeAlias = tuple[str, str, str, tuple[str, ...]]
"""service, host, source, tags."""

ANSWERS_MAX = 512


class Streams:
    """Ids count from 1 in the order of arrival, so what was decided for the first n streams stays decided."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Stream] = []
        self._ids: dict[Stream, int] = {}
        self._statuses: dict[str, int] = {}
        self._answers: OrderedDict[Match, tuple[int, frozenset[int]]] = OrderedDict()
        self.counts: dict[tuple[int, int], int] = {}

    def load(self, connection: sqlite3.Connection) -> None:
        """Read what the file holds, in the place of what is in memory."""
        entries = [
            (service, host, source, tuple(msgspec.json.decode(tags, type=list[str])))
            for service, host, source, tags in connection.execute(
                "SELECT service, host, source, tags FROM streams ORDER BY id"
            )
        ]
        with self._lock:
            self._entries = entries
            self._ids = {entry: at for at, entry in enumerate(entries, 1)}
            self._statuses = dict(connection.execute("SELECT name, id FROM statuses ORDER BY id"))
            self._answers.clear()
            self.counts = {
                (stream, status): n
                for stream, status, n in connection.execute(
                    "SELECT stream, status, SUM(n) FROM minutes GROUP BY stream, status"
                )
            }

    def id_of(self, log: Log, connection: sqlite3.Connection) -> tuple[int, int]:
        """The ids of a log's stream and status, made in the open transaction when they are new."""
        stream = (log.service, log.host, log.source, log.tags)
        stream_id, status_id = self._ids.get(stream), self._statuses.get(log.status)
        if stream_id is None:
            stream_id = len(self._entries) + 1
            tags = msgspec.json.encode(log.tags).decode()
            connection.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?)", (stream_id, *stream[:3], tags))
            with self._lock:
                self._entries.append(stream)
                self._ids[stream] = stream_id
        if status_id is None:
            status_id = len(self._statuses) + 1
            connection.execute("INSERT INTO statuses VALUES (?, ?)", (status_id, log.status))
            with self._lock:
                self._statuses[log.status] = status_id
        return stream_id, status_id

    def stream(self, stream_id: int) -> Stream:
        """One stream."""
        return self._entries[stream_id - 1]

    def statuses(self) -> dict[int, str]:
        """Every status by id."""
        with self._lock:
            return {status_id: name for name, status_id in self._statuses.items()}

    def streams(self) -> frozenset[int]:
        """Every stream."""
        return frozenset(range(1, len(self._entries) + 1))

    def streams_of(self, match: Match) -> frozenset[int]:
        """The streams that a test of service, host, source or tags accepts; an answer is kept for the next asker."""
        with self._lock:
            known, found = self._answers.pop(match, (0, frozenset[int]()))
            fresh = self._entries[known:]
            if fresh:
                accepts = stream_test(match)
                found |= {at for at, entry in enumerate(fresh, known + 1) if accepts(*entry)}
            self._answers[match] = (known + len(fresh), found)
            if len(self._answers) > ANSWERS_MAX:
                self._answers.popitem(last=False)
        return found

    def statuses_of(self, accepts: Callable[[str], bool]) -> frozenset[int]:
        """The statuses that are accepted."""
        return frozenset(status_id for status_id, name in self.statuses().items() if accepts(name))
