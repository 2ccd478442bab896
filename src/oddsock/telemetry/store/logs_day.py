"""One file of logs: a UTC day, opened by its owner's one writing thread, read through connections of its own.

logs        one row a log; id = at_ms << 20 | sequence, so the primary key is the order of time and the cursor of pages
words       full-text index over the tokens of message and attribute values, folded by query/log_words. The tokenizer is
            `ascii`, which takes every character beyond ASCII as part of a token: text that is not ASCII is cut and
            folded before it comes here, so the index and the predicate agree on every token
streams     service, host, source and tags, once a combination; statuses likewise
minutes     the roll-up: how many logs of a stream and status in a minute;
            minutes_of_all the same without the streams
marks       how far a source file was stored: one row a file instead of a unique key in every log
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

import msgspec

from oddsock.kit.errors import CannotRun
from oddsock.telemetry.query.log_sql import BREAK, SEQUENCE_BITS
from oddsock.telemetry.query.log_values import flatten, shown
from oddsock.telemetry.query.log_words import joined, tokens
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs_streams import Streams

SOURCE_OFFSET = "_oddsock.source_offset"
"""The reserved attribute by which a log is stored once; see LogStore.append."""

MINUTE_MS = 60_000
SEQUENCE_MAX = (1 << SEQUENCE_BITS) - 1
SEQUENCES_KEPT_MAX = 50_000
READERS_IDLE_MAX = 4

SCHEMA = """
CREATE TABLE IF NOT EXISTS logs (
  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, status INTEGER NOT NULL, trace_id TEXT, message TEXT NOT NULL,
  folded TEXT, attributes TEXT, flat TEXT
);
CREATE INDEX IF NOT EXISTS logs_by_stream ON logs (stream, status);
CREATE INDEX IF NOT EXISTS logs_by_trace ON logs (trace_id) WHERE trace_id IS NOT NULL;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5
  (message, attributes, content='', columnsize=0, tokenize="ascii tokenchars '_'");
CREATE TABLE IF NOT EXISTS streams (
  id INTEGER PRIMARY KEY, service TEXT NOT NULL, host TEXT NOT NULL, source TEXT NOT NULL, tags TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS statuses (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS minutes (
  minute INTEGER NOT NULL, stream INTEGER NOT NULL, status INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (minute, status, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS minutes_of_all (
  minute INTEGER NOT NULL, status INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (minute, status)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (file TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
"""


class DayFile:
    """The logs of one UTC day: written by one thread, read by any number."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.streams = Streams()
        self._writer = connection
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._closed = False
        self._reload()

    @classmethod
    def open(cls, path: Path) -> "DayFile":
        """Open or make the file; CannotRun when it cannot be."""
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA cache_size=-16384")
            connection.execute("PRAGMA wal_autocheckpoint=4000")
            connection.executescript(SCHEMA)
            return cls(path, connection)
        except sqlite3.Error as cause:
            raise CannotRun(
                f"The logs in {path} cannot be opened: {cause}.", "Check the disk and the folder's owner."
            ) from cause

    def _reload(self) -> None:
        self.streams.load(self._writer)
        self._marks: dict[str, int] = dict(self._writer.execute("SELECT file, offset FROM marks"))
        self._sequences: dict[int, int] = {}
        last = self._writer.execute("SELECT max(id) FROM logs").fetchone()[0]
        self._last_ms = -1 if last is None else last >> SEQUENCE_BITS

    def append(self, logs: Sequence[Log]) -> list[int]:
        """Store *logs* in one durable transaction; their ids in the order given, 0 for what is stored already."""
        if len(self._sequences) >= SEQUENCES_KEPT_MAX:
            self._sequences.clear()
        try:
            return self._commit(logs)
        except UnicodeEncodeError:
            return self._commit([_encodable(log) for log in logs])
        except sqlite3.Error as cause:
            raise CannotRun(f"Logs cannot be written to {self.path}: {cause}.", "Check the disk.") from cause

    def _commit(self, logs: Sequence[Log]) -> list[int]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            ids = self._insert(logs)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            self._reload()
            raise
        self._last_ms = max(self._last_ms, max(ids, default=-1) >> SEQUENCE_BITS)
        return ids

    def _insert(self, logs: Sequence[Log]) -> list[int]:
        ids: list[int] = []
        rows: list[tuple[Any, ...]] = []
        words: list[tuple[int, str, str]] = []
        minutes: Counter[tuple[int, int, int]] = Counter()
        marks: dict[str, int] = {}
        for log in logs:
            attributes = log.attributes
            if SOURCE_OFFSET in attributes:
                attributes = dict(attributes)
                if self._is_stored(str(attributes.pop(SOURCE_OFFSET)), marks):
                    ids.append(0)
                    continue
            log_id = self._next_id(log.at_ms)
            stream, status = self.streams.id_of(log, self._writer)
            folded = None if log.message.isascii() and "\0" not in log.message else joined(log.message)
            body, flat, values = _columns(attributes) if attributes else (None, None, "")
            rows.append((log_id, stream, status, log.trace_id or None, log.message, folded, body, flat))
            words.append((log_id, log.message if folded is None else folded, values))
            minutes[log_id // (MINUTE_MS << SEQUENCE_BITS), stream, status] += 1
            ids.append(log_id)
        rows.sort()
        words.sort()
        write = self._writer.executemany
        write("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        write("INSERT INTO words (rowid, message, attributes) VALUES (?, ?, ?)", words)
        write(
            "INSERT INTO minutes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(*key, n) for key, n in sorted(minutes.items())],
        )
        of_all: Counter[tuple[int, int]] = Counter()
        for (minute, _, status), n in minutes.items():
            of_all[minute, status] += n
        write(
            "INSERT INTO minutes_of_all VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(*key, n) for key, n in sorted(of_all.items())],
        )
        write("INSERT INTO marks VALUES (?, ?) ON CONFLICT DO UPDATE SET offset = excluded.offset", marks.items())
        self._marks.update(marks)
        for (_, stream, status), n in minutes.items():
            self.streams.counts[stream, status] = self.streams.counts.get((stream, status), 0) + n
        return ids

    def _is_stored(self, source_offset: str, marks: dict[str, int]) -> bool:
        """Whether a line was stored before; when not, its mark goes into *marks*."""
        file, _, digits = source_offset.rpartition(":")
        if not file or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            return False
        offset = int(digits)
        if offset <= marks.get(file, self._marks.get(file, -1)):
            return True
        marks[file] = offset
        return False

    def _next_id(self, at_ms: int) -> int:
        """The next free id of a millisecond; a full one lends the room of the next."""
        sequence = self._sequences.get(at_ms)
        if sequence is None:
            sequence = 0
            if at_ms <= self._last_ms:
                low = at_ms << SEQUENCE_BITS
                query = "SELECT max(id) FROM logs WHERE id BETWEEN ? AND ?"
                last = self._writer.execute(query, (low, low | SEQUENCE_MAX)).fetchone()[0]
                sequence = 0 if last is None else (last & SEQUENCE_MAX) + 1
        if sequence > SEQUENCE_MAX:
            return self._next_id(at_ms + 1)
        self._sequences[at_ms] = sequence + 1
        return at_ms << SEQUENCE_BITS | sequence

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, for one thread at a time; CannotRun when the day was deleted meanwhile."""
        try:
            connection = self._readers.get_nowait()
        except Empty:
            connection = self._connected()
        try:
            yield connection
        finally:
            if self._closed or self._readers.qsize() >= READERS_IDLE_MAX:
                connection.close()
            else:
                self._readers.put(connection)

    def _connected(self) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA cache_size=-8192")
        except sqlite3.Error as cause:
            raise CannotRun(f"The logs in {self.path} cannot be opened: {cause}.", "Was the day deleted?") from cause
        return connection

    def close(self) -> None:
        """Close what is not in use, and the rest when it comes back."""
        self._closed = True
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                break
        self._writer.close()

    def delete(self) -> None:
        """Close and remove the file."""
        self.close()
        for path in (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)


def _columns(attributes: dict[str, Any]) -> tuple[str, str | None, str]:
    """Attributes as JSON, the same laid flat when that differs, and the tokens of their values."""
    laid = flatten(attributes)
    texts = [" ".join(tokens(shown(value))) for values in laid.values() for value in values]
    body = msgspec.json.encode(attributes).decode()
    flat = msgspec.json.encode({path: values[0] if len(values) == 1 else values for path, values in laid.items()})
    return body, None if flat == body.encode() else flat.decode(), f" {BREAK} ".join(texts)


def _encodable(log: Log) -> Log:
    """A log whose texts are all Unicode: half a surrogate pair becomes `?`."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, dict):
            return {clean(name): clean(inner) for name, inner in value.items()}
        return [clean(member) for member in value] if isinstance(value, list | tuple) else value

    fields = {name: clean(getattr(log, name)) for name in log.__struct_fields__}
    return Log(**{**fields, "tags": tuple(fields["tags"])})
