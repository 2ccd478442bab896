"""What is armed at the points of this pod (kit/armed), whose turn it is, and what then happens.

A row is {id, pods, point, action, nth, percentage, seed, delayMs}. Beside the file of rows, <file>.<id> gets a line a
reach (the order, or what else names the request) and <file>.<id>.hits a byte a hit. So the n-th time is counted over
restarts and replicas, and the cluster reads how often a fault was met.
"""

import asyncio
import hashlib
import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from oddsock.kit.armed import POINT, ArmedFile, tell_hit
from oddsock.kit.armed import Row as ArmedRow
from oddsock.kit.clock import SystemClock
from oddsock.shop.calls import BROKEN, NoAnswer

KEYS = ("order", "request_id", "webhook_id")
"""The facts that may name what came by, the best one first."""

KEY_CHARACTERS_MAX = 200

HANG_POLL_WALL_S = 0.05
"""How often what hangs looks whether the fault is over, in wall seconds."""

WALL = SystemClock()


class Dropped(asyncio.CancelledError):
    """What is under way is given up without a word: a server cuts the connection, as if its caller had gone."""


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """One armed fault, as the cluster writes it; *nth* 0 means every time, of which *seed* picks *percentage*."""

    id: str
    pods: tuple[str, ...]
    point: str
    action: str
    nth: int = 0
    percentage: int = 100
    seed: int = 0
    delay_ms: int = 0


class _Ledger:
    """Who came by at one fault, read on from where this process stopped."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._read_to = 0
        self._total = 0
        self._times: Counter[str] = Counter()

    def enter(self, key: str) -> tuple[int, int]:
        """Note that *key* came by: the how manyth it is of all, and of its own; counted over every process."""
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"{key}\n".encode())
            # After an append the offset is behind what was appended, whoever else writes meanwhile.
            end = os.lseek(file, 0, os.SEEK_CUR)
            lines = os.pread(file, end - self._read_to, self._read_to).decode().split("\n")[:-1]
        finally:
            os.close(file)
        self._read_to = end
        self._total += len(lines)
        self._times.update(lines)
        return self._total, self._times[key]


class ArmedPoints:
    """The faults armed for *pod* by the file *path*."""

    def __init__(self, path: str, pod: str) -> None:
        self._path = path
        self._file = ArmedFile(path, pod)
        self._seen: Sequence[ArmedRow] = ()
        self._rows: dict[str, list[Row]] = {}
        self._ledgers: dict[str, _Ledger] = {}

    def at(self, point: str) -> Sequence[Row]:
        """What is armed at *point* now; one stat where the file is as it was or absent."""
        found = self._file.of(POINT)
        if found is not self._seen:
            self._seen, self._rows = found, {}
            for row in msgspec.convert(found, list[Row]):
                self._rows.setdefault(row.point, []).append(row)
        return self._rows.get(point, ())

    async def meet(self, rows: Sequence[Row], facts: Mapping[str, object]) -> None:
        """Count the reach at each of *rows*, and do what those say whose turn it is."""
        key = next((str(facts[name]) for name in KEYS if facts.get(name)), "")[:KEY_CHARACTERS_MAX].replace("\n", " ")
        for row in rows:
            ledger = self._ledgers.setdefault(row.id, _Ledger(f"{self._path}.{row.id}"))
            number, attempt = ledger.enter(key)
            if is_hit(row, key, number, attempt):
                tell_hit(row.id)
                await self._act(row)

    async def _act(self, row: Row) -> None:
        match row.action:
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                while any(row.id == other.id for other in self.at(row.point)):
                    await WALL.sleep(HANG_POLL_WALL_S)
            case "delay":
                await WALL.sleep(row.delay_ms / 1000)
            case "drop":
                raise Dropped
            case "error":
                raise NoAnswer(BROKEN, f"fault point {row.point}")


def is_hit(row: Row, key: str, number: int, attempt: int) -> bool:
    """Whether the fault *row* is for reach *number*, which is *attempt* of *key*; without a key the number decides.

    >>> row = Row("f", ("a",), "before-authorise", "crash", nth=2)
    >>> [is_hit(row, "", number, number) for number in (1, 2, 3)]
    [False, True, False]
    """
    if row.nth:
        return number == row.nth
    chosen_by = f"{row.seed}:{key}:{attempt}" if key else f"{row.seed}::{number}"
    share = int.from_bytes(hashlib.blake2b(chosen_by.encode(), digest_size=8).digest()) / 2**64
    return share * 100 < row.percentage
