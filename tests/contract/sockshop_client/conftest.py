"""A stub of the shop: one web server that answers what a test tells it, and remembers what it was asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from oddsock.kit import http


@dataclass
class Stub:
    """Answers by "METHOD /path"; the value is a status with a document, a text, or "cut" to cut the connection."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, "CIMultiDictProxy[str]", Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What the test said, or 404."""
        body = await request.json() if request.can_read_body and request.content_length else None
        self.asked.append((f"{request.method} {request.path_qs}", request.headers, body))
        found = self.answers.get(
            f"{request.method} {request.path_qs}", self.answers.get(f"{request.method} {request.path}")
        )
        if found == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(found, str):
            return web.Response(text=found, content_type="text/html")
        status, document = found if found is not None else (404, {"message": "not found"})
        response = web.json_response(
            document, status=status, headers=self.headers.get(f"{request.method} {request.path}")
        )
        if request.path in {"/register", "/login"} and status == 200:
            response.set_cookie("md.sid", "s:1.x", httponly=True)
            response.set_cookie("logged_in", "1")
        return response

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [path for path, _, _ in self.asked]


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """The stub, served on a free port of loopback."""
    made = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = await http.serve(app, "127.0.0.1", 0, grace_s=0.1)
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()
