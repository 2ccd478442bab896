"""Who may ask: the two keys of Datadog's API, where clients put them, and the errors of the wrong ones."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.telemetry.api.errors import ApiError

API_KEY = "DD-API-KEY"
APP_KEY = "DD-APPLICATION-KEY"
HEALTH = "/_oddsock/health"
INPUT = "/v1/input"
"""Where old shippers post logs, with the key at the end of the path."""

_API_KEY_ONLY = frozenset(
    {
        ("GET", "/api/v1/validate"),
        ("POST", "/api/v2/logs"),
        ("POST", "/api/v1/series"),
        ("POST", "/api/v2/series"),
        ("POST", "/api/v1/events"),
        ("POST", "/api/v2/events"),
        ("POST", "/api/v1/check_run"),
        ("POST", INPUT),
    }
)


def authenticate(api_key: str, app_key: str) -> Middleware:
    """Middleware that answers 401 to a request without its keys and 403 to one with wrong ones, as Datadog does."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != HEALTH:
            _expect(api_key, _given_api_key(request))
            if not _is_intake(request) and request.match_info.http_exception is None:
                _expect(app_key, request.headers.get(APP_KEY) or request.query.get("application_key", ""))
        return await handler(request)

    return check


def _is_intake(request: web.Request) -> bool:
    return (request.method, request.path) in _API_KEY_ONLY or request.path.startswith(f"{INPUT}/")


def _given_api_key(request: web.Request) -> str:
    in_path = request.path.removeprefix(f"{INPUT}/") if request.path.startswith(f"{INPUT}/") else ""
    return request.headers.get(API_KEY) or request.query.get("api_key", "") or in_path


def _expect(key: str, given: str) -> None:
    if not given:
        raise ApiError(401, "Unauthorized")
    # A header may hold any bytes, which aiohttp decodes with surrogates.
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()):
        raise ApiError(403, "Forbidden")
