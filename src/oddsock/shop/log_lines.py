"""The line formats of the original services, each on its stream.

Spring Boot + sleuth on stdout (carts, orders, shipping), go-kit logfmt on stderr (catalogue, payment, user), morgan
`dev` with colours on stdout (front-end). A Java stack is written only for a real ECONNREFUSED, and its frames are a
template: no JVM runs here (docs/shop.md).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from oddsock.kit.clock import Clock
from oddsock.kit.mask import mask_cards
from oddsock.shop.correlation import Correlation

STDOUT = 1
STDERR = 2

_TRACE: ContextVar[str] = ContextVar("trace", default="")
"""The trace that go-kit and morgan lines end with while a request is served under TRACE_LOGS."""

_THREADS = 10
_NOTHING = Correlation()

REFUSED_STACK = """java.net.ConnectException: Connection refused (Connection refused)
\tat java.net.PlainSocketImpl.socketConnect(Native Method)
\tat java.net.AbstractPlainSocketImpl.doConnect(AbstractPlainSocketImpl.java:350)
\tat java.net.AbstractPlainSocketImpl.connectToAddress(AbstractPlainSocketImpl.java:206)
\tat java.net.AbstractPlainSocketImpl.connect(AbstractPlainSocketImpl.java:188)
\tat java.net.SocksSocketImpl.connect(SocksSocketImpl.java:392)
\tat java.net.Socket.connect(Socket.java:589)
\tat sun.net.NetworkClient.doConnect(NetworkClient.java:175)
\tat sun.net.www.http.HttpClient.openServer(HttpClient.java:463)
\tat sun.net.www.protocol.http.HttpURLConnection.connect(HttpURLConnection.java:1032)
\tat org.springframework.web.client.RestTemplate.doExecute(RestTemplate.java:659)
\tat works.weave.socks.orders.services.AsyncGetService.postResource(AsyncGetService.java:69)
\tat java.lang.Thread.run(Thread.java:748)"""
"""The frames of a refused call: a template in the original's shape."""


def write(stream: int, line: str) -> None:
    """Put *line* on *stream* (a file descriptor) in one write, so that lines never mix."""
    os.write(stream, (line + "\n").encode())


@contextmanager
def traced(trace: str) -> Iterator[None]:
    """Inside the block each go-kit and morgan line ends with `trace_id=` and *trace*, with nothing when it is empty."""
    token = _TRACE.set(trace)
    try:
        yield
    finally:
        _TRACE.reset(token)


def _with_trace(line: str) -> str:
    return f"{line} trace_id={trace}" if (trace := _TRACE.get()) else line


def spring_line(at: datetime, level: str, app: str, thread: str, logger: str, message: str, by: Correlation) -> str:
    """One record of Spring Boot with sleuth: UTC milliseconds, level, [app,trace,span,exportable], pid, thread, logger.

    The exportable flag is `false`, as in the original without a collector; without a trace all three are empty.
    """
    stamp = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    sleuth = f"{app},{by.trace},{by.span},false" if by.trace else f"{app},,,"
    return f"{stamp} {level:>5} [{sleuth}] {os.getpid()} --- [{thread[-15:]:>15}] {logger:<40} : {message}"


def logfmt_line(at: datetime, caller: str, fields: Mapping[str, object]) -> str:
    """One record of go-kit's logfmt logger: ts, caller, then *fields*; values with blanks or quotes are quoted."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06d}".rstrip("0").ljust(1, "0") + "Z"
    return " ".join([f"ts={stamp}", f"caller={caller}", *(f"{name}={_quoted(v)}" for name, v in fields.items())])


def _quoted(value: object) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if any(sign in text for sign in ' "=\n'):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return text


def go_duration(duration_s: float) -> str:
    """A duration as Go prints it.

    >>> go_duration(0.000000736), go_duration(0.0125), go_duration(2.5)
    ('736ns', '12.5ms', '2.5s')
    """
    nanoseconds = round(duration_s * 1e9)
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.9f}".rstrip("0").rstrip(".") + unit
    return f"{nanoseconds}ns"


def morgan_line(method: str, url: str, status: int, duration_ms: float | None, length: int | None) -> str:
    """One record of morgan's `dev` format: colour by class of status, no timestamp."""
    colour = {5: 31, 4: 33, 3: 36, 2: 32}.get(status // 100, 0)
    took = "-" if duration_ms is None else f"{duration_ms:.3f}"
    size = "-" if length is None else str(length)
    return f"\x1b[0m{method} {url} \x1b[{colour}m{status} \x1b[0m{took} ms - {size}\x1b[0m"


class SpringLog:
    """The log of a Java service, on stdout."""

    def __init__(self, app: str, port: int, clock: Clock, masked: bool = False) -> None:
        self._app = app
        self._port = port
        self._clock = clock
        self._masked = masked
        self._requests = 0

    def record(self, level: str, logger: str, message: str, by: Correlation = _NOTHING) -> None:
        """Write one record; requests rotate over ten thread names as Tomcat's do."""
        thread = f"http-nio-{self._port}-exec-{self._requests % _THREADS + 1}" if by.trace else "main"
        self.bare(spring_line(self._clock.now(), level, self._app, thread, logger, message, by))

    def next_request(self) -> None:
        """Move on to the next thread name."""
        self._requests += 1

    def bare(self, text: str) -> None:
        """Write *text* without a record's head, as System.out.println does."""
        write(STDOUT, mask_cards(text) if self._masked else text)

    def started(self, port: int) -> None:
        """The record of a finished start."""
        self.record("INFO", "works.weave.socks.Application", f"Started {self._app} on port(s): {port} (http)")

    def ended(self) -> None:
        """The record of an end by SIGTERM."""
        self.record("INFO", "works.weave.socks.Application", f"Closing {self._app}")

    def failed(self, message: str) -> None:
        """The record of a request that ended in an exception of our own."""
        self.record("ERROR", "o.a.c.c.C.[.[.[/].[dispatcherServlet]", f"Servlet.service() threw exception: {message}")


class GoKitLog:
    """The log of a Go service, on stderr; its Printf lines go to stdout."""

    def __init__(self, clock: Clock, masked: bool = False) -> None:
        self._clock = clock
        self._masked = masked

    def fields(self, caller: str, fields: Mapping[str, object]) -> None:
        """Write one record of *fields*."""
        line = _with_trace(logfmt_line(self._clock.now(), caller, fields))
        write(STDERR, mask_cards(line) if self._masked else line)

    def method(self, name: str, began: float, **fields: object) -> None:
        """Write the record of service method *name*, begun at *began* on the clock's monotonic seconds."""
        took = go_duration(self._clock.monotonic() - began)
        self.fields("logging.go:25", {"method": name, **fields, "took": took})

    def error(self, message: str) -> None:
        """Write the record of a request that failed."""
        self.fields("server.go:110", {"err": message})

    def bare(self, text: str) -> None:
        """Write *text* to stdout without time or key, as fmt.Printf does."""
        line = _with_trace(text)
        write(STDOUT, mask_cards(line) if self._masked else line)

    def started(self, port: int) -> None:
        """The record of a finished start."""
        self.fields("main.go:154", {"transport": "HTTP", "port": port})

    def ended(self) -> None:
        """The record of an end by SIGTERM."""
        self.fields("main.go:164", {"exit": "terminated"})

    failed = error


class MorganLog:
    """The log of the Node service, on stdout."""

    def __init__(self, masked: bool = False) -> None:
        self._masked = masked

    def request(self, method: str, url: str, status: int, duration_ms: float | None, length: int | None) -> None:
        """Write the record of one answered request."""
        self.bare(morgan_line(method, url, status, duration_ms, length))

    def bare(self, text: str) -> None:
        """Write *text* as console.log does."""
        line = _with_trace(text)
        write(STDOUT, mask_cards(line) if self._masked else line)

    def started(self, port: int) -> None:
        """The record of a finished start."""
        self.bare(f"App now running in production mode on port {port}")

    def ended(self) -> None:
        """Node says nothing at its end."""

    def failed(self, message: str) -> None:
        """The record of a request that could not be answered."""
        self.bare(message)
