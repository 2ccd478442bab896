"""One process of the shop: reads its arguments, opens its book, serves until SIGTERM, ends quickly.

`python -m oddsock.shop payment -port=8080` is what an image of the manifests stands for. The process follows the
lifeline of whoever started it, so it never outlives a cluster that was killed.
"""

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from oddsock.kit import settings
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun, OddsockError
from oddsock.kit.http import guard, serve
from oddsock.kit.processes import follow_lifeline
from oddsock.kit.sqlite import Book
from oddsock.shop import wire
from oddsock.shop.flags import Flags

BOOK_WAIT_WALL_S = 10.0
"""How long a new pod waits for the book of the one it replaces, in wall seconds."""

BOOK_POLL_WALL_S = 0.05

GRACE_WALL_S = 2.0
"""How long requests in flight may take after SIGTERM, in wall seconds."""


class Log(Protocol):
    """What a process tells its own log."""

    def started(self, port: int) -> None:
        """The service listens on container port *port*."""
        ...

    def ended(self) -> None:
        """The service ends because of a signal."""
        ...

    def failed(self, message: str) -> None:
        """A request could not be answered for a reason of our own."""
        ...


@dataclass(slots=True)
class Surroundings:
    """What a service is given: its name, container port, arguments, switches, clock and the folder of its book."""

    name: str
    port: int
    arguments: Mapping[str, str]
    books: Path
    flags: Flags
    clock: Clock
    environment: Mapping[str, str] = field(default_factory=dict)

    async def open_book(self, schema: str) -> Book:
        """This service's book, waiting for a dying predecessor to let go of it; CannotRun when it does not."""
        path = self.books / f"{self.name}.sqlite"
        end = self.clock.monotonic() + BOOK_WAIT_WALL_S
        while True:
            try:
                return Book.open(path, schema)
            except CannotRun:
                if self.clock.monotonic() >= end:
                    raise
            await self.clock.sleep(BOOK_POLL_WALL_S * self.clock.speed)


LOG: web.AppKey[Log] = web.AppKey("log")
Build = Callable[[Surroundings], Awaitable[web.Application]]


def parse_arguments(arguments: list[str]) -> dict[str, str]:
    """Arguments as either family of originals takes them: `-port=80`, `--port=80` or `-port 80`.

    >>> parse_arguments(["-port=8080", "--decline", "105", "-quiet"])
    {'port': '8080', 'decline': '105', 'quiet': ''}
    """
    parsed: dict[str, str] = {}
    waiting = ""
    for argument in arguments:
        if argument.startswith("-"):
            name, _, value = argument.lstrip("-").partition("=")
            parsed[name] = value
            waiting = "" if "=" in argument else name
        elif waiting:
            parsed[waiting] = argument
            waiting = ""
    return parsed


def books_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder named by BOOKS; without one a temporary folder, and a warning that nothing will last."""
    if chosen := environment.get("BOOKS"):
        folder = Path(chosen)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.mkdtemp(prefix="oddsock-books-"))
    sys.stderr.write(f"BOOKS is not set: the books stand in {folder} and no restart will find them.\n")
    return folder


def own_names(name: str, environment: Mapping[str, str] = os.environ) -> set[str]:
    """The Host names this process answers to beside loopback: its Service, its pod, its pod's address."""
    return {name} | {environment[key] for key in ("HOSTNAME", "POD_IP") if environment.get(key)}


@web.middleware
async def _tell_of_book(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 500 where the book cannot be read or written, such as on a full disk, and logs why."""
    try:
        return await handler(request)
    except sqlite3.Error as cause:
        request.app[LOG].failed(f"{request.method} {request.path}: {cause}")
        return wire.go_error(f"The book cannot be used: {cause}.")


async def live(surroundings: Surroundings, build: Build) -> None:
    """Build the application, serve it until SIGTERM or SIGINT, and let requests in flight end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = await build(surroundings)
    app.middlewares.append(_tell_of_book)
    app.middlewares.insert(0, guard(own_names(surroundings.name, surroundings.environment)))
    host, port = settings.listen_address(surroundings.port, surroundings.environment)
    runner = await serve(app, host, port, GRACE_WALL_S)
    app[LOG].started(surroundings.port)
    await stop.wait()
    app[LOG].ended()
    await runner.cleanup()


def run(name: str, port: int, build: Build, arguments: list[str]) -> int:
    """Run service *name*, by default on container *port*, until a signal; answers the exit code."""
    follow_lifeline()
    parsed = parse_arguments(arguments)
    try:
        surroundings = Surroundings(
            name=name,
            port=int(parsed.get("port") or os.environ.get("PORT") or port),
            arguments=parsed,
            books=books_folder(),
            flags=Flags(),
            clock=SystemClock(settings.speed()),
            environment=os.environ,
        )
        asyncio.run(live(surroundings, build))
    except (OddsockError, ValueError, OSError) as cause:
        sys.stderr.write(f"{name} cannot run: {cause}\n")
        return cause.exit_code if isinstance(cause, OddsockError) else 1
    return 0
