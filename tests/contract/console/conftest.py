"""A console over a cluster in memory, served on loopback, and somebody who came by its link."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.console.access import Access
from oddsock.console.app import make_app
from oddsock.console.desk import Desk
from oddsock.console.settings import Settings
from oddsock.kit import http
from oddsock.kit.clock import SystemClock

KEY = "the owner's key"


class MemoryDesk(Desk):
    """A desk whose cluster is in memory; it has no telemetry."""

    def __init__(self, settings: Settings, memory: MemoryCluster) -> None:
        super().__init__(settings)
        self._memory = memory

    @property
    def has_cluster(self) -> bool:
        return True

    async def cluster(self) -> MemoryCluster:
        return self._memory


class Visitor:
    """A browser with a session: a cookie, and the token that its pages carry."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self.session = session
        self.csrf = ""

    async def enter(self, link: str) -> None:
        """Come by the link with code *link*, and learn the token from the first page."""
        page = await self.text(f"/enter?link={link}")
        found = re.search(r'name="csrf" content="([^"]+)"', page)
        assert found, page
        self.csrf = found[1]

    async def text(self, path: str) -> str:
        """The page *path*."""
        async with self.session.get(self.base + path) as answer:
            return await answer.text()

    async def json(self, path: str) -> dict[str, object]:
        """The twin *path*."""
        async with self.session.get(self.base + path) as answer:
            assert answer.status == 200, await answer.text()
            document: dict[str, object] = await answer.json()
            return document

    async def change(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, object]]:
        """POST *body* as JSON with the token, unless *headers* say otherwise."""
        sent = {"X-Csrf-Token": self.csrf, **headers}
        async with self.session.post(self.base + path, json=body, headers=sent) as answer:
            document = await answer.json() if "json" in answer.content_type else {"text": await answer.text()}
            return answer.status, document

    async def submit(self, path: str, **fields: str) -> tuple[int, str]:
        """POST a form with the token, as a browser without JavaScript does; redirects are not followed."""
        form = {"csrf": self.csrf, **fields}
        headers = {"Accept": "text/html"}
        async with self.session.post(self.base + path, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()


@pytest.fixture
def memory() -> MemoryCluster:
    """A shop of three services whose namespace is for drills; nobody answers at their addresses."""
    return MemoryCluster(
        {"front-end": 1, "orders": 1, "payment": 2},
        clock=SystemClock(),
        annotations={"oddsock.dev/drills": "allowed"},
    )


@pytest.fixture
async def console(tmp_path: Path, memory: MemoryCluster) -> AsyncIterator[str]:
    """The address of a console whose first link's code is `first`."""
    settings = Settings(home=str(tmp_path), key=KEY, first_link="first", speed=100, now_poll_s=0.005)
    desk = MemoryDesk(settings, memory)
    runner = await http.serve(make_app(desk, Access(KEY, "first", SystemClock())), "127.0.0.1", 0, grace_s=0.1)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def visitor(console: str) -> AsyncIterator[Visitor]:
    """Somebody who came by the link."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        somebody = Visitor(console, session)
        await somebody.enter("first")
        yield somebody
