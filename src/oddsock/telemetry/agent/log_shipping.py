"""Logs to the store: records of container log files, tagged and sent in batches, in the order of each file.

A position advances only when the store has taken what is before it. After a kill some lines are sent again; each
carries `_oddsock.source_offset`, file and byte, by which our store keeps it once. The real Datadog has no such thing.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun, Forbidden, OddsockError, Unreachable
from oddsock.kit.mask import mask_cards
from oddsock.telemetry.agent.api_server import Obj, backoff_s, pause
from oddsock.telemetry.agent.log_files import LogFile, LogFiles
from oddsock.telemetry.agent.log_records import Record
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.tags import container_tags, deployment_tags, named_after, value_of

BATCH_RECORDS = 1000
BATCH_BYTES = 2_000_000
QUEUE_RECORDS_MAX = 5000
"""Records that are read ahead of what the store has taken; the rest waits in its files."""

POD_S_MAX = 3.0
"""Wall seconds that the lines of a pod which the cluster does not tell wait, before they go with its name only."""

KEEP_S = 1.0
"""Wall seconds between two writings of the positions."""

UNMASKED = "UNMASKED_CARD_LOG"
"""The shop's switch under which a pod's lines are sent as they are; all others lose their card numbers here."""

STATUS = {"stdout": "info", "stderr": "error"}
"""The status of a line by its stream, as the real Agent has it before any pipeline."""

_log = logging.getLogger(__name__)
Send = Callable[[Sequence[object]], Awaitable[None]]


class Sent(Protocol):
    """Where a record came from."""

    namespace: str
    pod: str
    uid: str
    container: str


@dataclass(slots=True)
class Tagger:
    """Makes log entries of records: tags, service, source and host of their pods."""

    pods: Pods
    cluster_name: str
    extra: tuple[str, ...] = ()
    masks_all: bool = False
    """For a store that is not of this machine: no card number leaves it."""

    def entry(self, place: Sent, record: Record, source_offset: str = "") -> dict[str, Any]:
        """The log entry of *record* as the intake takes it."""
        pod = self.pods.find(place.uid)
        tags = self._tags(place, pod)
        service = value_of(tags, "service") or place.container
        message = record.message if pod is not None and self._is_unmasked(pod) else mask_cards(record.message)
        entry: dict[str, Any] = {
            "message": message,
            "service": service,
            "ddsource": service,
            "ddtags": ",".join(tag for tag in tags if not tag.startswith("service:")),
            "hostname": value_of(tags, "kube_node"),
            "timestamp": record.at_ms,
        }
        if status := STATUS.get(record.stream):
            entry["status"] = status
        if source_offset:
            entry["_oddsock.source_offset"] = source_offset
        return entry

    def _tags(self, place: Sent, pod: Obj | None) -> list[str]:
        if pod is not None:
            tags = container_tags(pod, place.container)
        else:
            name = named_after(place.pod)
            tags = [f"kube_namespace:{place.namespace}", f"pod_name:{place.pod}"]
            tags += deployment_tags(name) if name else []
            tags += [f"kube_container_name:{place.container}", f"container_name:{place.container}"]
        return [*tags, f"kube_cluster_name:{self.cluster_name}", *self.extra]

    def _is_unmasked(self, pod: Obj) -> bool:
        rows = [row for one in pod["spec"].get("containers") or () for row in one.get("env") or ()]
        asked = any(row.get("name") == UNMASKED and str(row.get("value")).lower() == "on" for row in rows)
        return asked and not self.masks_all


@dataclass
class LogShipping:
    """Ships what *files* say through *send*; the parts of one agent's logs."""

    files: LogFiles
    tagger: Tagger
    send: Send
    memory: Memory
    clock: Clock
    poll_s: float
    namespaces: tuple[str, ...] = ()
    _queue: deque[tuple[LogFile, Record]] = field(default_factory=deque)
    _touched: dict[str, LogFile] = field(default_factory=dict)
    _first_seen: dict[str, float] = field(default_factory=dict)
    _kept_at: float = 0.0

    async def run(self) -> None:
        """Ship until cancelled."""
        while True:
            if not await self.step():
                self.keep_positions(self.clock.monotonic() - self._kept_at >= KEEP_S)
                await pause(self.clock, self.poll_s)

    async def drain(self) -> None:
        """Ship what is there now, held records too, and remember the positions, also when it is cancelled."""
        try:
            # Not until nothing is new: a shop that goes on talks faster than that.
            while await self._send_batch(is_last=True) == BATCH_RECORDS:
                pass
        finally:
            self.keep_positions()

    async def step(self) -> bool:
        """Look once and send one batch; whether there was one."""
        return await self._send_batch() > 0

    async def _send_batch(self, is_last: bool = False) -> int:
        self.gather(is_last)
        batch = self._cut()
        if not batch:
            return 0
        await send_all(self.send, [self._entry(*one) for one in batch], self.clock)
        # Not before: what is cut off in the middle of a call must still be waiting.
        for file, _ in batch:
            self._queue.popleft()
            self._touched[file.key] = file
        self.keep_positions(self.clock.monotonic() - self._kept_at >= KEEP_S)
        return len(batch)

    def gather(self, is_last: bool = False) -> None:
        """Read what is new into the queue, as far as it may be full."""
        for file, path in self.files.look():
            if len(self._queue) >= QUEUE_RECORDS_MAX:
                # Nobody looked at the other files, so none of them is known to be silent.
                return
            if self._may_go(file):
                records = self.files.read(file, path)
                self._queue += [(file, record) for record in records]
                self._touched[file.key] = file
        for file in self.files.silent():
            self._queue += [(file, record) for record in file.records.flush()]
        if is_last:
            for file in self._touched.values():
                self._queue += [(file, record) for record in file.records.flush()]

    def keep_positions(self, now: bool = True) -> None:
        """Write the positions of the files that were read down, if *now*, and forget files that are gone."""
        if not now or not (self._touched or self._kept_at == 0.0):
            return
        waiting: dict[str, int] = {}
        for file, record in self._queue:
            waiting[file.key] = min(record.begin, waiting.get(file.key, record.begin))
        offsets = {key: min(file.told_to, waiting.get(key, file.told_to)) for key, file in self._touched.items()}
        gone = [key for key in self.files.forget_gone() if key not in waiting]
        self.memory.keep_positions({key: at for key, at in offsets.items() if key not in gone}, gone)
        self._touched = {key: file for key, file in self._touched.items() if key in waiting}
        self._kept_at = self.clock.monotonic()

    def _may_go(self, file: LogFile) -> bool:
        if self.namespaces and file.namespace not in self.namespaces:
            return False
        if self.tagger.pods.find(file.uid) is not None:
            self._first_seen.pop(file.uid, None)
            return True
        first = self._first_seen.setdefault(file.uid, self.clock.monotonic())
        return self.clock.monotonic() - first >= POD_S_MAX

    def _cut(self) -> list[tuple[LogFile, Record]]:
        batch: list[tuple[LogFile, Record]] = []
        size = 0
        for file, record in self._queue:
            if len(batch) == BATCH_RECORDS or size >= BATCH_BYTES:
                break
            batch.append((file, record))
            size += sum(map(len, record.texts))
        return batch

    def _entry(self, file: LogFile, record: Record) -> dict[str, Any]:
        # Offsets of one name only grow: each stream of a file has a name, for their records overtake each other.
        return self.tagger.entry(file, record, f"{file.key}#{record.stream}:{record.begin}")


async def send_all(send: Send, rows: Sequence[object], clock: Clock) -> None:
    """Send *rows*, again and again while the store is away; what it refuses by itself is left out and told."""
    failures = 0
    while True:
        try:
            await send(rows)
            if failures:
                _log.info("telemetry answers again")
            return
        except (Unreachable, Forbidden) as cause:
            failures += 1
            if failures == 1:
                _log.warning("nothing can be sent for now: %s", cause)
            await pause(clock, backoff_s(failures))
        except (CannotRun, OddsockError) as cause:
            if len(rows) == 1:
                _log.error("one row is left out, the store refuses it: %s", cause)
                return
            half = len(rows) // 2
            await send_all(send, rows[:half], clock)
            await send_all(send, rows[half:], clock)
            return
