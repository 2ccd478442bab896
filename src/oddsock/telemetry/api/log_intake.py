"""Logs taken in: `POST /api/v2/logs` and the older `/v1/input[/{key}]`; answered when what was sent is on disk."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.telemetry.api.access import INPUT
from oddsock.telemetry.api.bodies import read_body
from oddsock.telemetry.api.errors import answer_json
from oddsock.telemetry.intake import Intake
from oddsock.telemetry.records import Log
from oddsock.telemetry.settings import TelemetrySettings
from oddsock.telemetry.tails import Tails

PATH = "/_oddsock/intake"

TURN_S = 0.02
"""Wall seconds of one batch in the pipelines after which other requests have their turn."""

_log = logging.getLogger(__name__)


class LogSink(Protocol):
    """Where logs go; what `append` returned for is durable."""

    async def append(self, logs: Sequence[Log]) -> list[int]:
        """Store *logs* and answer their ids."""
        ...


class LogIntake:
    """Reads, processes and stores what is sent; *process* is what the pipelines make of one log."""

    def __init__(
        self,
        sink: LogSink,
        tails: Tails,
        clock: Clock,
        settings: TelemetrySettings,
        process: Callable[[Log], Log] | None = None,
    ) -> None:
        self._sink = sink
        self._tails = tails
        self._clock = clock
        self._settings = settings
        self._process = process
        self._counts = {"stored": 0, "outside": 0, "cut": 0}

    def routes(self) -> list[web.RouteDef]:
        """The intake's paths, and the one that tells what became of the logs."""
        return [
            web.post("/api/v2/logs", self._take),
            web.post(INPUT, self._take_as_before),
            web.post(f"{INPUT}/{{key}}", self._take_as_before),
            web.get(PATH, self._tell_counts),
        ]

    async def _take(self, request: web.Request) -> web.Response:
        await self._store(request)
        return answer_json({}, 202)

    async def _take_as_before(self, request: web.Request) -> web.Response:
        await self._store(request)
        return answer_json({})

    async def _store(self, request: web.Request) -> None:
        body = await read_body(request)
        intake = Intake(
            now=self._clock.now(),
            past_h_max=self._settings.logs_past_h_max,
            ahead_h_max=self._settings.logs_ahead_h_max,
        )
        batch = intake.read(body, request.content_type, request.query)
        logs = await self._processed(batch.logs)
        if logs:
            self._tails.publish(logs, await self._sink.append(logs))
        self._counts["stored"] += len(logs)
        self._counts["outside"] += batch.outside
        self._counts["cut"] += batch.cut
        if batch.outside or batch.cut:
            fields = {"outside": batch.outside, "cut": batch.cut, "sent": len(batch.logs) + batch.outside}
            _log.warning("logs were left out for their date or cut", extra={"fields": fields})

    async def _processed(self, logs: list[Log]) -> list[Log]:
        if self._process is None:
            return logs
        processed: list[Log] = []
        began = self._clock.monotonic()
        for log in logs:
            processed.append(self._process(log))
            # A slow rule of somebody's pipeline may not keep everybody else waiting for a whole batch.
            if self._clock.monotonic() - began > TURN_S:
                await self._clock.sleep(0)
                began = self._clock.monotonic()
        return processed

    async def _tell_counts(self, request: web.Request) -> web.Response:
        return answer_json(self._counts)
