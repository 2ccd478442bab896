"""Prometheus text at GET /metrics (exposition format 0.0.4), small enough to need no library.

Metric names and labels are the original services': Go and Java count `http_request_duration_seconds`, shipping the
older `request_duration_seconds`; the front-end counts four first segments of its paths only.
"""

from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.kit.clock import Clock

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The default buckets of the Go client, in seconds."""

SERIES_MAX = 1000
"""How many label sets one metric keeps; further ones are left out rather than eat memory."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _labels(names: Sequence[str], values: Sequence[str], extra: str = "") -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    inside = ",".join([*pairs, extra] if extra else pairs)
    return f"{{{inside}}}" if inside else ""


class Histogram:
    """Durations in seconds by label values."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str]) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        self._series: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def observe(self, values: tuple[str, ...], duration_s: float) -> None:
        """Count one duration under label *values*."""
        if values not in self._series and len(self._series) >= SERIES_MAX:
            return
        counts, total = self._series.setdefault(values, ([0] * (len(BUCKETS_S) + 1), [0.0]))
        counts[next((n for n, top in enumerate(BUCKETS_S) if duration_s <= top), len(BUCKETS_S))] += 1
        total[0] += duration_s

    def render(self) -> str:
        """The histogram as Prometheus reads it."""
        lines = [f"# HELP {self.name} {self.help_text}", f"# TYPE {self.name} histogram"]
        for values, (counts, total) in sorted(self._series.items()):
            seen = 0
            for top, count in zip([*map(str, BUCKETS_S), "+Inf"], counts, strict=True):
                seen += count
                bucket = f'le="{top.removesuffix(".0")}"'
                lines.append(f"{self.name}_bucket{_labels(self.labels, values, bucket)} {seen}")
            lines.append(f"{self.name}_sum{_labels(self.labels, values)} {total[0]:.9g}")
            lines.append(f"{self.name}_count{_labels(self.labels, values)} {seen}")
        return "\n".join(lines) + "\n"


class Counter:
    """A number that only grows, by label values."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str]) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        # Without labels it is there from the start, so that whoever reads it sees the first count happen.
        self._series: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def add(self, values: tuple[str, ...] = ()) -> None:
        """Count one more under label *values*."""
        if values in self._series or len(self._series) < SERIES_MAX:
            self._series[values] = self._series.get(values, 0) + 1

    def render(self) -> str:
        """The counter as Prometheus reads it."""
        lines = [f"# HELP {self.name} {self.help_text}", f"# TYPE {self.name} counter"]
        lines += [f"{self.name}{_labels(self.labels, values)} {n}" for values, n in sorted(self._series.items())]
        return "\n".join(lines) + "\n"


class Gauge:
    """A number that goes up and down, read when it is asked for: label values and value, one a series."""

    def __init__(
        self, name: str, help_text: str, labels: Sequence[str], read: Callable[[], dict[tuple[str, ...], float]]
    ) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        self._read = read

    def render(self) -> str:
        """The gauge as Prometheus reads it."""
        lines = [f"# HELP {self.name} {self.help_text}", f"# TYPE {self.name} gauge"]
        lines += [f"{self.name}{_labels(self.labels, values)} {n:g}" for values, n in sorted(self._read().items())]
        return "\n".join(lines) + "\n"


class Metrics:
    """What one service counts: its request durations, labelled as *shape* says, and more metrics of its own.

    Shapes: `go` {method, path, status_code, isWS} · `java` {service, method, path, status_code} · `shipping` (the old
    name and `route`) · `node` (lower-case method; paths cart, catalogue, orders, user only).
    """

    NODE_PATHS = frozenset({"cart", "catalogue", "orders", "user"})

    def __init__(self, service: str, shape: str, clock: Clock) -> None:
        self._service = service
        self._shape = shape
        self._clock = clock
        labels = {
            "go": ("method", "path", "status_code", "isWS"),
            "java": ("service", "method", "path", "status_code"),
            "shipping": ("service", "method", "route", "status_code"),
            "node": ("service", "method", "path", "status_code"),
        }[shape]
        name = "request_duration_seconds" if shape == "shipping" else "http_request_duration_seconds"
        self.durations = Histogram(name, "Time spent serving HTTP requests, in seconds.", labels)
        self.more: list[Histogram | Counter | Gauge] = []

    def _values(self, request: web.Request, status: str) -> tuple[str, ...] | None:
        if self._shape == "node":
            # A stream lasts as long as its page is open, which is no duration of a request.
            if request.path.endswith("/status-stream"):
                return None
            first = request.path.strip("/").split("/", 1)[0]
            return (self._service, request.method.lower(), first, status) if first in self.NODE_PATHS else None
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "other"
        if self._shape == "go":
            return (request.method, path, status, "false")
        return (self._service, request.method, path, status)

    @property
    def middleware(self) -> Middleware:
        """Counts every request, its own failures too."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            began = self._clock.monotonic()
            status = "500"
            try:
                response = await handler(request)
                status = str(response.status)
                return response
            except web.HTTPException as answer:
                status = str(answer.status)
                raise
            finally:
                if (values := self._values(request, status)) is not None:
                    self.durations.observe(values, self._clock.monotonic() - began)

        return count

    async def answer(self, _request: web.Request) -> web.Response:
        """GET /metrics."""
        text = "".join(metric.render() for metric in [self.durations, *self.more])
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
