"""The logs of pods through the pod-log API, where the agent has no folder to read: `timestamps=true`, from the instant
that was told last. The stream of a line is then unknown, so none has a status of its own.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from oddsock.kit.clock import Clock, instant
from oddsock.kit.errors import OddsockError
from oddsock.telemetry.agent.api_server import ApiServer, Obj, pause
from oddsock.telemetry.agent.cri import Line
from oddsock.telemetry.agent.log_records import RecordJoiner
from oddsock.telemetry.agent.log_shipping import BATCH_RECORDS, Send, Tagger, send_all
from oddsock.telemetry.agent.memory import Memory

BYTES_MAX = 1_000_000
"""How much of one container is asked for at once."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """Which container of which pod."""

    namespace: str
    pod: str
    uid: str
    container: str

    @property
    def key(self) -> str:
        """What its position is remembered under."""
        return f"{self.namespace}_{self.pod}_{self.uid}/{self.container}@api"


@dataclass
class PodLogs:
    """Asks *server* for what every container said since it was asked last."""

    server: ApiServer
    tagger: Tagger
    send: Send
    memory: Memory
    clock: Clock
    poll_s: float
    _told: dict[str, int] = field(default_factory=dict)
    """Container to the nanosecond, since 1970, of the last line that the store has."""

    def __post_init__(self) -> None:
        self._told = self.memory.positions()

    async def run(self) -> None:
        """Ship until cancelled."""
        await self.tagger.pods.is_known.wait()
        while True:
            await self.drain()
            await pause(self.clock, self.poll_s)

    async def drain(self) -> None:
        """Ask every container once."""
        for pod in self.tagger.pods.here():
            for container in pod["spec"].get("containers") or ():
                try:
                    await self._ask(pod, container["name"])
                except OddsockError as cause:
                    _log.warning("the log of %s cannot be read: %s", pod["metadata"]["name"], cause)

    async def _ask(self, pod: Obj, container: str) -> None:
        meta = pod["metadata"]
        place = Place(meta["namespace"], meta["name"], meta["uid"], container)
        told = self._told.get(place.key, 0)
        path = f"/api/v1/namespaces/{place.namespace}/pods/{place.pod}/log?timestamps=true&limitBytes={BYTES_MAX}"
        if told:
            path += f"&sinceTime={quote(_instant(told))}"
        status, text = await self.server.text(f"{path}&container={container}")
        if status != 200:
            return
        joiner, rows, last = RecordJoiner(), [], told
        for raw in text.splitlines():
            at, _, said = raw.partition(" ")
            if (at_ns := nanoseconds(at)) > told:
                last = max(last, at_ns)
                # A nanosecond tells a line of one container from the next well enough to be its offset.
                rows += joiner.take(Line(at_ns // 1_000_000, "", said, at_ns, at_ns))
        rows += joiner.flush()
        entries = [self.tagger.entry(place, row, f"{place.key}:{row.begin}") for row in rows]
        for first in range(0, len(entries), BATCH_RECORDS):
            await send_all(self.send, entries[first : first + BATCH_RECORDS], self.clock)
        if last > told:
            self._told[place.key] = last
            self.memory.keep_positions({place.key: last})


def nanoseconds(at: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 instant with up to nine digits; 0 when it is none."""
    head, _, fraction = at.rstrip("Z").partition(".")
    try:
        return round(instant(f"{head}Z").timestamp()) * 1_000_000_000 + int((fraction + "000000000")[:9])
    except ValueError:
        return 0


def _instant(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
