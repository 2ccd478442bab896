"""kill -9 while logs are taken in: what was acknowledged is there, and what a shipper sends again is there once."""

import http.client
import json
import threading
import urllib.error
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from oddsock.kit.clock import SystemClock, sleep_blocking

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server

BATCH = 40
BATCHES_BETWEEN_KILLS = 5
PROGRESS_S_MAX = 60.0
POLL_S = 0.01
REFUSED = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass
class Shippers:
    """Two who send without a pause to whichever server there is: one forgets what failed, one sends it again."""

    server: "Server"
    acknowledged: list[int] = field(default_factory=list)
    offset: int = 0
    """What the careful one has had acknowledged: lines 0 to this, this one excluded."""
    failed: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Start both."""
        for work in (self._send_careless, self._send_careful):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def end(self) -> None:
        """Stop both after what they are sending."""
        self._over.set()
        for thread in self._threads:
            thread.join(PROGRESS_S_MAX)
            assert not thread.is_alive()

    def wait_for_progress(self) -> None:
        """Return when both had some more batches acknowledged."""
        clock, careless, careful = SystemClock(), len(self.acknowledged), self.offset
        end = clock.monotonic() + PROGRESS_S_MAX
        wanted = BATCH * BATCHES_BETWEEN_KILLS
        while len(self.acknowledged) - careless < wanted or self.offset - careful < wanted:
            assert clock.monotonic() < end, "the senders get nowhere"
            sleep_blocking(POLL_S)

    def _send_careless(self) -> None:
        number = 0
        while not self._over.is_set():
            batch = [{"message": f"n {n}", "service": "careless", "n": n} for n in range(number, number + BATCH)]
            number += BATCH
            if self._post(batch):
                self.acknowledged += [int(str(log["n"])) for log in batch]

    def _send_careful(self) -> None:
        while not self._over.is_set():
            lines = range(self.offset, self.offset + BATCH)
            batch = [
                {"message": f"line {n}", "service": "careful", "n": n, "_oddsock.source_offset": f"orders.log:{n}"}
                for n in lines
            ]
            if self._post(batch):
                self.offset = lines.stop

    def _post(self, batch: list[dict[str, Any]]) -> bool:
        try:
            self.server.ask("POST", "/api/v2/logs", json.dumps(batch).encode())
        except REFUSED:
            self.failed += 1
            sleep_blocking(POLL_S)
            return False
        return True


def _stored(server: "Server", service: str) -> Counter[int]:
    """How often each number of *service* is stored, read page by page."""
    found: Counter[int] = Counter()
    wanted: dict[str, Any] = {"filter": {"query": f"service:{service}", "from": "now-2h", "to": "now+1h"}}
    page: dict[str, Any] = {"limit": 1000}
    while page:
        answer = server.ask("POST", "/api/v2/logs/events/search", json.dumps({**wanted, "page": page}).encode())
        found.update(int(log["attributes"]["attributes"]["n"]) for log in answer["data"])
        after = answer["meta"].get("page", {}).get("after")
        page = {"limit": 1000, "cursor": after} if after else {}
    return found


@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="twice"), pytest.param(10, id="ten_times", marks=pytest.mark.proof)]
)
def test_no_acknowledged_log_is_lost_and_none_sent_again_is_stored_twice(
    start_server: "Callable[..., Server]", kills: int
) -> None:
    shippers = Shippers(start_server())
    shippers.begin()
    for _ in range(kills):
        shippers.wait_for_progress()
        shippers.server.kill()
        shippers.server = start_server()
    shippers.wait_for_progress()
    shippers.end()
    careless, careful = _stored(shippers.server, "careless"), _stored(shippers.server, "careful")
    assert shippers.failed >= kills
    assert [n for n in shippers.acknowledged if n not in careless] == []
    assert [n for n, times in careless.items() if times > 1] == []
    assert careful == Counter(range(shippers.offset))
    assert shippers.server.stop() == 0
    print(
        f"{kills} kills: {len(shippers.acknowledged) + shippers.offset} logs acknowledged, {shippers.failed} posts cut"
    )
