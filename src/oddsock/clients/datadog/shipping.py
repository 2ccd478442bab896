"""What is sent to Datadog: logs, series, events and service checks, in bodies no larger than it takes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from oddsock.clients.datadog.connection import Connection

LOGS_A_BODY_MAX = 1000
LOG_BODY_BYTES_MAX = 4_500_000
"""Below Datadog's 5 MB, so that an entry's comma and brackets never matter."""

SERIES_BODY_BYTES_MAX = 4_000_000
ROWS_A_BODY_MAX = 10_000


class Shipping:
    """The sending half of `Datadog`; every call returns when the server has taken everything."""

    connection: Connection

    async def send_logs(self, entries: Sequence[object], tags: Iterable[str] = ()) -> None:
        """Send log *entries* as the intake takes them (message, service, ddsource, ddtags ...), all tagged *tags*."""
        told = ",".join(tags)
        path = f"/api/v2/logs?ddtags={quote(told, safe='')}" if told else "/api/v2/logs"
        for body in _bodies(entries, LOGS_A_BODY_MAX, LOG_BODY_BYTES_MAX):
            await self.connection.ship(path, b"[" + body + b"]", "logs", to_intake=True)

    async def send_series(self, series: Sequence[object]) -> None:
        """Send *series* in the v2 shape: metric, type (1 count, 2 rate, 3 gauge), points, resources, tags."""
        for body in _bodies(series, ROWS_A_BODY_MAX, SERIES_BODY_BYTES_MAX):
            await self.connection.ship("/api/v2/series", b'{"series":[' + body + b"]}", "series")

    async def send_event(self, event: object) -> None:
        """Send one event in the v1 shape: title, text, date_happened, tags, alert_type, source_type_name ..."""
        # v1 events are taken plain only.
        await self.connection.ship("/api/v1/events", msgspec.json.encode(event), "an event", packed=False)

    async def send_events(self, events: Iterable[object]) -> None:
        """Send *events* one by one, as v1 takes them."""
        for event in events:
            await self.send_event(event)

    async def send_checks(self, checks: Sequence[object]) -> None:
        """Send service checks: check, host_name, status (0 OK, 1 warning, 2 critical, 3 unknown), timestamp, tags."""
        for body in _bodies(checks, ROWS_A_BODY_MAX, SERIES_BODY_BYTES_MAX):
            await self.connection.ship("/api/v1/check_run", b"[" + body + b"]", "service checks", packed=False)

    async def send_check(self, check: object) -> None:
        """Send one service check."""
        await self.send_checks([check])

    async def validate_key(self) -> bool:
        """Whether the server takes the API key."""
        answer = await self.connection.ask(dict[str, Any], "GET", "/api/v1/validate", what="the API key")
        return bool(answer.get("valid"))


def _bodies(rows: Sequence[object], rows_max: int, bytes_max: int) -> Iterator[bytes]:
    """The rows' JSON with commas between, cut so that no body has more than *rows_max* rows or *bytes_max* bytes."""
    body: list[bytes] = []
    size = 0
    for row in rows:
        text = msgspec.json.encode(row)
        if body and (len(body) == rows_max or size + len(text) + 1 > bytes_max):
            yield b",".join(body)
            body, size = [], 0
        body.append(text)
        size += len(text) + 1
    if body:
        yield b",".join(body)
