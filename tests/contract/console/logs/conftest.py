"""A console over a telemetry server that runs as a process of its own, and a person with a session in it."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contract.datadog.conftest import Server, start

from oddsock.console.access import Access
from oddsock.console.app import make_app
from oddsock.console.desk import Desk
from oddsock.console.settings import Settings
from oddsock.kit import http
from oddsock.kit.clock import SystemClock

ANSWER_S_MAX = 30.0


@dataclass
class Person:
    """Somebody who came by a link."""

    base: str
    session: aiohttp.ClientSession

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        """Status and text of *path*; redirects are not followed."""
        async with self.session.get(self.base + path, params=query, allow_redirects=False) as got:
            return got.status, await got.text()

    async def ask(self, path: str, status: int = 200, span: Mapping[str, str] | None = None, **query: str) -> Any:
        """The JSON of *path* for *query* and *span*, which must be answered with *status*."""
        query = {**query, **(span or {})}
        async with self.session.get(self.base + path, params=query, headers={"Accept": "application/json"}) as got:
            assert got.status == status, await got.text()
            return await got.json()


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A telemetry server for the tests of a module; each sends under marks of its own."""
    running = start(tmp_path_factory.mktemp("telemetry"))
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()


@pytest.fixture
async def person(telemetry: Server, tmp_path: Path) -> AsyncIterator[Person]:
    """A person in a console whose telemetry is `telemetry` and which has no cluster."""
    settings = Settings(
        home=str(tmp_path),
        key="k",
        telemetry=telemetry.url,
        api_key=telemetry.api_key,
        app_key=telemetry.app_key,
    )
    desk = Desk(settings)
    runner = await http.serve(make_app(desk, Access("k", "first", SystemClock())), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    base = f"http://{host}:{port}"
    jar = aiohttp.CookieJar(unsafe=True)
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
            async with session.get(f"{base}/enter?link=first", allow_redirects=False) as entered:
                assert entered.status == 303
            yield Person(base, session)
    finally:
        await runner.cleanup()
