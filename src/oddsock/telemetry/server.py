"""The telemetry server as one process: `python -m oddsock.telemetry.server SETTINGS.json` runs it until SIGTERM, SIGINT
or the end of its lifeline.

Files under its root: telemetry.lock (one server a root), meta.sqlite (documents), and the files of each store.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web

from oddsock.kit import log, processes
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import EXIT_OK, CannotRun, OddsockError, UsageError
from oddsock.kit.files import try_lock
from oddsock.kit.http import serve
from oddsock.telemetry.api.webhooks import Webhooks
from oddsock.telemetry.app import Telemetry, build
from oddsock.telemetry.monitors.delivery import Channels
from oddsock.telemetry.monitors.evaluation import Sources
from oddsock.telemetry.monitors.record import Record
from oddsock.telemetry.monitors.watch import make_watch
from oddsock.telemetry.query.metric_eval import lines_of
from oddsock.telemetry.settings import TelemetrySettings
from oddsock.telemetry.store.checks import CheckStore
from oddsock.telemetry.store.documents import Documents
from oddsock.telemetry.store.events import EventStore
from oddsock.telemetry.store.logs import LogStore
from oddsock.telemetry.store.metrics import Limits, MetricStore

FORGET_S = 3600.0
"""Wall seconds between two looks for logs that are too old."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def opened(settings: TelemetrySettings, clock: Clock) -> AsyncIterator[Telemetry]:
    """Every store under the root, open inside the `async with` block; CannotRun when another server has them."""
    root = Path(settings.root)
    root.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as closing:
        if (lock := try_lock(root / "telemetry.lock")) is None:
            raise CannotRun(
                f"Another telemetry server keeps its files in {root}.", "Stop it, or choose another folder."
            )
        closing.enter_context(lock)
        documents = Documents.open(root / "meta.sqlite")
        closing.callback(documents.close)
        events = EventStore.open(root / "events.sqlite")
        closing.callback(events.close)
        checks = CheckStore.open(root / "checks.sqlite")
        closing.callback(checks.close)
        limits = Limits(series_max=settings.series_max, retention_s=settings.retention_days * 86_400)
        metrics = MetricStore.open(root / "metrics.sqlite", clock, limits)
        closing.callback(metrics.close)
        logs = LogStore.open(root / "logs", clock)
        closing.callback(logs.close)
        record = Record.open(root / "monitors.sqlite")
        closing.callback(record.close)
        sources = Sources(logs, events, checks, partial(lines_of, metrics))
        webhooks = Webhooks(settings.webhooks, documents)
        channels = Channels(webhooks, settings.mail_server, tuple(settings.mail_to))
        yield Telemetry(
            settings=settings,
            clock=clock,
            documents=documents,
            logs=logs,
            events=events,
            checks=checks,
            metrics=metrics,
            webhooks=webhooks,
            watch=make_watch(record, documents, sources, events, channels, clock),
        )


@asynccontextmanager
async def running(settings: TelemetrySettings) -> AsyncIterator[str]:
    """A server that answers inside the `async with` block, by its URL; its stores are closed after its last answer."""
    async with opened(settings, SystemClock(settings.speed)) as telemetry, AsyncExitStack() as closing:
        listener = None if settings.listener_fd is None else socket.socket(fileno=settings.listener_fd)
        runner = await serve(build(telemetry), settings.host, settings.port, listener=listener, auto_decompress=False)
        closing.push_async_callback(runner.cleanup)
        for work, name in (
            (_forget_old(telemetry), "retention"),
            (telemetry.watch.keep_looking(settings.monitor_interval_s), "monitors"),
            (telemetry.watch.keep_delivering(), "messages"),
        ):
            closing.push_async_callback(_cancel, asyncio.create_task(work, name=name))
        yield _url(runner)


async def _forget_old(telemetry: Telemetry) -> None:
    """Delete what is past its retention, now and every *FORGET_S* wall seconds."""
    clock = telemetry.clock
    while True:
        oldest = clock.now() - timedelta(days=telemetry.settings.retention_days)
        try:
            if days := await telemetry.logs.drop_before(int(oldest.timestamp() * 1000)):
                _log.info("forgot %d days of logs", days)
            for store in (telemetry.events, telemetry.checks, telemetry.watch.record):
                store.forget_before(int(oldest.timestamp() * 1000))
        except OddsockError as error:
            _log.error("old logs could not be deleted: %s", error)
        await clock.sleep(FORGET_S * clock.speed)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def run(settings: TelemetrySettings) -> None:
    """Run a server until SIGTERM, SIGINT or the end of its lifeline; call it in the main thread."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def on_lifeline_end() -> None:
        loop.call_soon_threadsafe(stop.set)

    processes.follow_lifeline(on_lifeline_end)
    async with running(settings) as url:
        _log.info("serving at %s", url)
        if settings.ready_fd is not None:
            os.write(settings.ready_fd, f"{url}\n".encode())
            os.close(settings.ready_fd)
        await stop.wait()
        _log.info("stopping")


def main(arguments: list[str]) -> int:
    """Run the server that the JSON file named on the command line describes; the exit code of what happened."""
    log.configure()
    try:
        if len(arguments) != 1:
            raise UsageError("One argument is wanted: the file of the telemetry server's settings.")
        settings = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=TelemetrySettings)
    except (msgspec.MsgspecError, FileNotFoundError) as cause:
        _log.error("The settings of the telemetry server cannot be read: %s.", cause)
        return UsageError.exit_code
    except UsageError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    try:
        asyncio.run(run(settings))
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
