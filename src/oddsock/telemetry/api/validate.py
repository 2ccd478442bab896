"""Whether the server answers, and whether a key is right."""

from aiohttp import web

from oddsock.telemetry.api.access import HEALTH
from oddsock.telemetry.api.errors import answer_json


def routes() -> list[web.RouteDef]:
    """`GET /api/v1/validate`, which wants a key, and the health path, which wants none."""
    return [web.get("/api/v1/validate", _validate), web.get(HEALTH, _tell_health)]


async def _validate(request: web.Request) -> web.Response:
    # Who comes here has shown the right key.
    return answer_json({"valid": True})


async def _tell_health(request: web.Request) -> web.Response:
    return answer_json({"status": "ok"})
