"""The telemetry server as an application: who may ask, which part answers, how errors are told."""

import logging
import sqlite3
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.kit.clock import Clock
from oddsock.kit.errors import OddsockError, UsageError
from oddsock.kit.http import guard
from oddsock.telemetry.api import (
    access,
    check_runs,
    containers,
    dashboards,
    events,
    hosts,
    log_tail,
    metric_query,
    monitors,
    pipelines,
    series,
    validate,
    webhooks,
)
from oddsock.telemetry.api.bodies import BODY_BYTES_MAX
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.api.formula_query import FormulaQueries
from oddsock.telemetry.api.formula_sources import Sources
from oddsock.telemetry.api.log_aggregate import LogAggregates
from oddsock.telemetry.api.log_intake import LogIntake
from oddsock.telemetry.api.log_search import LogSearch
from oddsock.telemetry.api.metric_names import MetricNames
from oddsock.telemetry.api.unhandled import Unhandled
from oddsock.telemetry.api.webhooks import Webhooks
from oddsock.telemetry.monitors.watch import Watch
from oddsock.telemetry.pipelines.pipeline import Pipelines
from oddsock.telemetry.settings import TelemetrySettings
from oddsock.telemetry.store.checks import CheckStore
from oddsock.telemetry.store.documents import Documents
from oddsock.telemetry.store.events import EventStore
from oddsock.telemetry.store.logs import LogStore
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.tails import Tails

_log = logging.getLogger(__name__)

NOT_COUNTED = frozenset({access.HEALTH, log_tail.PATH})
"""Paths that are answered however many requests are in work."""

DISK_ERRORS = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
"""What SQLite says when the disk is at fault and not the question."""

COME_AGAIN_S = 1
"""Seconds after which a client that was told 429 may send again."""


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """The parts of a telemetry server that its routes share."""

    settings: TelemetrySettings
    clock: Clock
    documents: Documents
    logs: LogStore
    events: EventStore
    checks: CheckStore
    metrics: MetricStore
    watch: Watch
    webhooks: Webhooks


def build(telemetry: Telemetry) -> web.Application:
    """Datadog's API over *telemetry*; every path but the health one wants its keys."""
    settings, clock, unhandled = telemetry.settings, telemetry.clock, Unhandled()
    tails = Tails(settings.tails_max)
    made = Pipelines(telemetry.documents, settings.logs_past_h_max, settings.logs_ahead_h_max)
    app = web.Application(
        middlewares=[
            _answer_errors(unhandled),
            guard(),
            _limit(settings.requests_at_once_max),
            access.authenticate(settings.api_key, settings.app_key),
        ],
        client_max_size=BODY_BYTES_MAX,
    )
    app.add_routes(unhandled.routes())
    app.add_routes(validate.routes())
    app.add_routes(events.routes(telemetry.events, telemetry.clock))
    app.add_routes(LogIntake(telemetry.logs, tails, clock, settings, made.process).routes())
    app.add_routes(pipelines.routes(made))
    app.add_routes(LogSearch(telemetry.logs, clock).routes())
    app.add_routes(LogAggregates(telemetry.logs, clock).routes())
    app.add_routes(log_tail.routes(tails))
    app.on_shutdown.append(tails.end)
    app.add_routes(check_runs.routes(telemetry.checks, telemetry.clock))
    app.add_routes(series.routes(telemetry.metrics, telemetry.clock))
    app.add_routes(metric_query.routes(telemetry.metrics))
    app.add_routes(hosts.routes(telemetry.metrics, telemetry.clock))
    app.add_routes(containers.routes(telemetry.metrics, telemetry.clock))
    app.add_routes(dashboards.routes(telemetry.documents, clock))
    app.add_routes(webhooks.routes(telemetry.webhooks))
    app.add_routes(monitors.routes(telemetry.watch, settings.monitor_interval_s))
    app.add_routes(FormulaQueries(telemetry.metrics, Sources(telemetry.logs, telemetry.events)).routes())
    app.add_routes(MetricNames(telemetry.metrics, telemetry.clock).routes())
    return app


def _answer_errors(unhandled: Unhandled) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as refusal:
            answered = refusal.answer()
            if refusal.status == 429:
                answered.headers["Retry-After"] = answered.headers["X-RateLimit-Reset"] = str(COME_AGAIN_S)
            return answered
        except UsageError as error:
            return ApiError(400, str(error)).answer()
        except OddsockError as error:
            # Clients try again after a 503.
            return ApiError(503, str(error)).answer()
        except web.HTTPException as error:
            if request.match_info.http_exception is error:
                return unhandled.note(request.method, request.path).answer()
            return ApiError(error.status, (error.text or error.reason).strip()).answer()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in DISK_ERRORS:
                return _internal(request)
            return ApiError(503, f"The store cannot work with its disk: {error}. Free space and send again.").answer()
        except Exception:  # noqa: BLE001  # whatever went wrong in one request, the others are still answered
            return _internal(request)

    return answer


def _internal(request: web.Request) -> web.Response:
    fields = {"method": request.method, "path": request.path}
    _log.exception("a request failed by a fault of ours", extra={"fields": fields})
    return ApiError(500, "Internal error: the server's log says what happened.").answer()


def _limit(at_once_max: int) -> Middleware:
    """Middleware that answers 429 while *at_once_max* requests are in work; live tails do not count."""
    in_work = 0

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal in_work
        if request.path in NOT_COUNTED:
            return await handler(request)
        if in_work >= at_once_max:
            raise ApiError(429, f"Too many requests: {at_once_max} are in work; send this one again in a second.")
        in_work += 1
        try:
            return await handler(request)
        finally:
            in_work -= 1

    return limit
