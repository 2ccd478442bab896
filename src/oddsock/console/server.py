"""`python -m oddsock.console.server SETTINGS`: the console as a process, until SIGTERM or the end of its stack."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from oddsock.console.access import Access
from oddsock.console.app import make_app
from oddsock.console.desk import Desk
from oddsock.console.settings import Settings, read_settings
from oddsock.kit import http, log, processes
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_OK, CannotRun, OddsockError

_log = logging.getLogger(__name__)


async def serve(settings: Settings, told: Callable[[int], None] = lambda port: None) -> None:
    """Serve until SIGINT or SIGTERM; *told* is given the port as soon as pages are answered."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    desk = Desk(settings)
    access = Access(settings.key, settings.first_link, SystemClock())
    listener = _listener(settings)
    runner = await http.serve(make_app(desk, access), "127.0.0.1", settings.port, listener=listener)
    try:
        told(int(listener.getsockname()[1]))
        await stopped.wait()
    finally:
        await runner.cleanup()


def _listener(settings: Settings) -> socket.socket:
    if settings.listener_fd is not None:
        return socket.socket(fileno=settings.listener_fd)
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", settings.port))
    except OSError as cause:
        listener.close()
        raise CannotRun(
            f"Port {settings.port} on 127.0.0.1 cannot be listened on: {os.strerror(cause.errno or 0)}.",
            "Stop the program that has it, or choose another port.",
        ) from cause
    return listener


def main() -> int:
    """Serve as the file on the line says; answer the exit code."""
    log.configure()
    # It tells every call it makes, and a page that is followed makes several a second.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        settings = read_settings(Path(sys.argv[1]))
        processes.follow_lifeline()
        asyncio.run(serve(settings))
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
