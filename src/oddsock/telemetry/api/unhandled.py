"""What was asked for and is not answered: counted, so that a user sees what is missing."""

from aiohttp import web

from oddsock.telemetry.api.errors import ApiError, answer_json

PATHS_MAX = 500
"""How many different calls are told apart; more are counted together."""

PATH = "/_oddsock/unhandled"


class Unhandled:
    """Calls without an answer of ours, by method and path."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def note(self, method: str, path: str) -> ApiError:
        """Count the call; the 404 it is answered with."""
        call = (method, path)
        if call not in self._counts and len(self._counts) >= PATHS_MAX:
            call = ("*", "(others)")
        self._counts[call] = self._counts.get(call, 0) + 1
        return ApiError(404, "Not found", f"{method} {path} is not answered here; {PATH} lists such calls.")

    async def serve(self, request: web.Request) -> web.Response:
        """`{"unhandled": [{"method", "path", "count"}]}`, the most wanted first."""
        rows = sorted(self._counts.items(), key=lambda row: (-row[1], row[0]))
        return answer_json({"unhandled": [{"method": method, "path": path, "count": n} for (method, path), n in rows]})

    def routes(self) -> list[web.RouteDef]:
        """The list's own path."""
        return [web.get(PATH, self.serve)]
