"""Service checks on the wire: posting as Datadog has it; reading, for which Datadog has no call, on a path of ours."""

from typing import Any

from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.event_shapes import iso_of
from oddsock.telemetry.api.fields import read_int, read_object, read_tags, read_text
from oddsock.telemetry.records import ServiceCheck
from oddsock.telemetry.store.checks import HISTORY_MAX, CheckStore

CHECKS_MAX = 1000
"""How many reports one request may hold."""

AWAY_S_MAX = 600
"""How far from now a report may be, wall seconds: Datadog takes ten minutes."""

STATUSES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def routes(checks: CheckStore, clock: Clock) -> list[web.RouteDef]:
    """`POST /api/v1/check_run`, and `GET /_oddsock/checks?check=NAME[&tags=A,B][&limit=N]`, newest reports first."""

    def now_ms() -> int:
        return round(clock.now().timestamp() * 1000)

    async def post(request: web.Request) -> web.Response:
        body = await read_json(request)
        reports = body if isinstance(body, list) else [body]
        if len(reports) > CHECKS_MAX:
            raise ApiError(400, f"{len(reports)} reports are too many: at most {CHECKS_MAX} are taken at once.")
        checks.append([_read(report, now_ms()) for report in reports])
        return answer_json({"status": "ok"}, 202)

    async def show(request: web.Request) -> web.Response:
        name = request.query.get("check", "")
        limit = read_int(dict(request.query), "limit", 1)
        if not name:
            return answer_json({"checks": checks.names()})
        if not 1 <= limit <= HISTORY_MAX:
            raise ApiError(400, f"limit must be from 1 to {HISTORY_MAX}.")
        wanted = {tag for tag in request.query.get("tags", "").split(",") if tag}
        found = [_show(reports) for reports in checks.history(name, limit) if wanted <= _tags_of(reports[0])]
        return answer_json({"check": name, "subjects": found})

    return [web.post("/api/v1/check_run", post), web.get("/_oddsock/checks", show)]


def _read(report: Any, now_ms: int) -> ServiceCheck:
    fields = read_object(report, "service check")
    status = read_int(fields, "status", -1)
    if status not in range(len(STATUSES)):
        raise ApiError(400, "status must be 0 (OK), 1 (warning), 2 (critical) or 3 (unknown).")
    at_ms = read_int(fields, "timestamp", 0) * 1000 if fields.get("timestamp") else now_ms
    if abs(at_ms - now_ms) > AWAY_S_MAX * 1000:
        raise ApiError(400, f"timestamp is more than {AWAY_S_MAX // 60} minutes away from now.")
    return ServiceCheck(
        check=read_text(fields, "check", 200, wanted=True),
        at_ms=at_ms,
        status=status,
        host=read_text(fields, "host_name", 255),
        message=read_text(fields, "message", 4000),
        tags=read_tags(fields),
    )


def _tags_of(report: ServiceCheck) -> set[str]:
    return {*report.tags, f"host:{report.host}"}


def _show(reports: list[ServiceCheck]) -> dict[str, Any]:
    return {
        "host": reports[0].host,
        "tags": list(reports[0].tags),
        "status": STATUSES[reports[0].status],
        "reports": [
            {"at": iso_of(report.at_ms), "status": STATUSES[report.status], "message": report.message}
            for report in reports
        ],
    }
