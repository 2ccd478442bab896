"""The way of an order as a graph: services with their health, the calls between them with rates and errors.

The numbers are the services' own: each counts what it is asked at its /metrics, and the growth between two looks is a
rate. Nobody counts a call that reached nobody; the edge from orders to payment is therefore told by orders, which
counts the orders that it tried to have paid and those that failed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from oddsock.clients.kubernetes.objects import Deployment, FaultObject
from oddsock.clients.sockshop.counters import Sample

WINDOW_S = 15.0
"""Wall seconds over which a rate is told: long enough for a slow shop, short enough to see it break."""

SAMPLES_MAX = 64

SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox", "gateway")
"""Every service an order may pass, as the shop's Deployments and Services are called."""

COUNTED = tuple(name for name in SERVICES if name != "gateway")
"""Those whose /metrics are read; the gateway counts nothing."""

OPTIONAL = frozenset({"gateway"})
"""Drawn only where it runs, or was meant to."""

BROWSER = "customers"

PLACES: dict[str, tuple[int, int]] = {
    BROWSER: (0, 1),
    "front-end": (1, 1),
    "catalogue": (2, 0),
    "orders": (2, 1),
    "user": (2, 2),
    "carts": (3, 0),
    "payment": (3, 1),
    "shipping": (3, 2),
    "gateway": (4, 1),
    "mailbox": (4, 2),
}
"""Column and row of each node."""

WIDTH, HEIGHT = 960, 330
BOX_WIDTH, BOX_HEIGHT = 118, 54
_COLUMN, _ROW = 208, 112

_REQUESTS = frozenset({"http_request_duration_seconds_count", "request_duration_seconds_count"})

Asks = Callable[[Sample], bool]


@dataclass(frozen=True)
class Way:
    """One edge: who calls whom, whose counters tell it, which of them count a call and which an error."""

    caller: str
    callee: str
    counted_by: str
    calls: Asks
    errors: Asks
    tells: str


def _asked(*paths: str) -> Asks:
    """Requests whose path (or route) begins with one of *paths*."""

    def is_one(sample: Sample) -> bool:
        path = "/" + (sample.labels.get("path") or sample.labels.get("route") or "").lstrip("/")
        return sample.name in _REQUESTS and path.startswith(paths)

    return is_one


def _refused(*paths: str) -> Asks:
    """The same, answered 5xx, or 406 for an order that was declined."""
    asked = _asked(*paths)

    def is_one(sample: Sample) -> bool:
        status = sample.labels.get("status_code", "")
        return asked(sample) and (status.startswith("5") or status == "406")

    return is_one


def _named(name: str, **labels: str) -> Asks:
    def is_one(sample: Sample) -> bool:
        return sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())

    return is_one


def _way(caller: str, callee: str, *paths: str) -> Way:
    return Way(caller, callee, callee, _asked(*paths), _refused(*paths), f"requests that {callee} counts")


WAYS = (
    Way(
        BROWSER, "front-end", "front-end",
        _asked("/cart", "/catalogue", "/orders", "/user"), _refused("/cart", "/catalogue", "/orders", "/user"),
        "requests for cart, catalogue, orders and user that front-end counts; it counts no others",
    ),
    _way("front-end", "catalogue", "/catalogue", "/tags"),
    _way("front-end", "carts", "/carts"),
    _way("front-end", "user", "/customers", "/cards", "/addresses", "/login", "/register"),
    _way("front-end", "orders", "/orders"),
    Way(
        "orders", "payment", "orders",
        _named("shop_orders_by_status_total", status="PENDING"), _named("shop_orders_failed_total"),
        "orders that became PENDING, and that failed, as orders counts them",
    ),
    _way("orders", "shipping", "/shipping"),
)  # fmt: skip
"""The edges with numbers."""

BARE_WAYS = (
    ("orders", "user", "orders reads the customer, the address and the card; counted at front-end's edge"),
    ("orders", "mailbox", "notices go by mail, which nobody counts"),
    ("payment", "gateway", "the gateway counts nothing"),
)
"""The edges without: who, whom, why."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and errors a wall second."""

    calls: float
    errors: float


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A service: *state* is well, hurt, silent, away or off, and *sentence* says so; *x*, *y* are its middle."""

    name: str
    state: str
    sentence: str
    x: int
    y: int


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of *caller* to *callee*; *rate* is None where it is not known, and *tells* says whose number it is."""

    caller: str
    callee: str
    state: str
    rate: Rate | None
    tells: str
    line: str
    """The path as SVG has it."""
    label_x: float
    label_y: float


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """The graph; *window_s* is how many wall seconds the rates are of, 0 at the first look."""

    nodes: list[Node]
    edges: list[Edge]
    window_s: float
    width: int
    height: int
    box_width: int
    box_height: int


class Counts:
    """What the services counted at the last looks, so that a rate can be told: a ring of SAMPLES_MAX looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, dict[tuple[str, str], tuple[float, float]]]] = deque(maxlen=SAMPLES_MAX)

    def add(self, at_s: float, counters: Mapping[str, Sequence[Sample] | None]) -> None:
        """Take in what each service counted at *at_s*; None of one that did not answer."""
        found = {
            (way.caller, way.callee): (_sum(samples, way.calls), _sum(samples, way.errors))
            for way in WAYS
            if (samples := counters.get(way.counted_by)) is not None
        }
        self._looks.append((at_s, found))
        while len(self._looks) > 2 and at_s - self._looks[1][0] >= WINDOW_S:
            self._looks.popleft()

    @property
    def window_s(self) -> float:
        """How many wall seconds lie between the oldest look and the newest."""
        return self._looks[-1][0] - self._looks[0][0] if self._looks else 0.0

    def rate(self, caller: str, callee: str) -> Rate | None:
        """Calls and errors a second of one edge; None with fewer than two looks at it."""
        seen = [(at_s, found[caller, callee]) for at_s, found in self._looks if (caller, callee) in found]
        if len(seen) < 2 or seen[-1][0] <= seen[0][0] or seen[-1][0] != self._looks[-1][0]:
            return None
        calls, errors = 0.0, 0.0
        for (_, before), (_, now) in pairwise(seen):
            # Another process counts from 0 again.
            calls += now[0] - before[0] if now[0] >= before[0] else now[0]
            errors += now[1] - before[1] if now[1] >= before[1] else now[1]
        span_s = seen[-1][0] - seen[0][0]
        return Rate(calls=round(calls / span_s, 2), errors=round(errors / span_s, 2))


def draw(
    deployments: Sequence[Deployment],
    faults: Iterable[FaultObject],
    silent: Mapping[str, str],
    broken: Iterable[str],
    counts: Counts,
) -> Flow:
    """The graph of the shop as it is: *silent* services and why, the deployments that are known to be *broken*."""
    there = {one.name: one for one in deployments}
    known = set(broken)
    shown = [name for name in SERVICES if name in there and not (_is_left_out(there[name]) and name not in known)]
    frozen = {one.target: one.type for one in faults if one.state == "Active"}
    nodes = [_node(there[name], frozen, silent) for name in shown]
    x, y = _middle(BROWSER)
    customers = Node(name=BROWSER, state="well", sentence="browsers and drills", x=x, y=y)
    states = {node.name: node.state for node in nodes}
    edges = [
        _edge(way.caller, way.callee, counts.rate(way.caller, way.callee), way.tells, states)
        for way in WAYS
        if way.callee in states
    ]
    edges += [_edge(caller, callee, None, why, states) for caller, callee, why in BARE_WAYS if callee in states]
    return Flow(
        nodes=[customers, *nodes] if nodes else [],
        edges=edges,
        window_s=round(counts.window_s, 1),
        width=WIDTH,
        height=HEIGHT,
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
    )


def _is_left_out(deployment: Deployment) -> bool:
    return deployment.name in OPTIONAL and not deployment.replicas


def _node(deployment: Deployment, frozen: Mapping[str, str], silent: Mapping[str, str]) -> Node:
    name = deployment.name
    x, y = _middle(name)
    told = f"{deployment.available} of {deployment.replicas} available"
    if not deployment.replicas:
        state, told = "off", "scaled to 0"
    elif not deployment.available:
        state = "away"
    elif name in silent:
        state, told = "silent", f"{told}, but {silent[name]}"
    elif name in frozen:
        state, told = "hurt", f"{told}, under a fault: {frozen[name]}"
    elif deployment.available < deployment.replicas:
        state = "hurt"
    else:
        state = "well"
    return Node(name=name, state=state, sentence=told, x=x, y=y)


def _edge(caller: str, callee: str, rate: Rate | None, tells: str, states: Mapping[str, str]) -> Edge:
    if states[callee] in ("off", "away", "silent"):
        state = "cut"
    elif rate is not None and rate.errors:
        state = "erring"
    else:
        state = "busy" if rate is not None and rate.calls else "idle"
    line, label_x, label_y = _line(_middle(caller), _middle(callee))
    return Edge(
        caller=caller,
        callee=callee,
        state=state,
        rate=rate,
        tells=tells,
        line=line,
        label_x=label_x,
        label_y=label_y,
    )


def _middle(name: str) -> tuple[int, int]:
    column, row = PLACES[name]
    return 64 + column * _COLUMN, 52 + row * _ROW


def _line(start: tuple[int, int], end: tuple[int, int]) -> tuple[str, float, float]:
    """The straight line from the edge of one box to the edge of another, and where its label stands."""
    across, down = end[0] - start[0], end[1] - start[1]
    reach_x = (BOX_WIDTH / 2 + 4) / abs(across) if across else 9.0
    reach_y = (BOX_HEIGHT / 2 + 4) / abs(down) if down else 9.0
    share = min(reach_x, reach_y)
    x1, y1 = start[0] + across * share, start[1] + down * share
    x2, y2 = end[0] - across * share, end[1] - down * share
    return f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", round((x1 + x2) / 2, 1), round((y1 + y2) / 2 - 6, 1)


def _sum(samples: Sequence[Sample], wanted: Asks) -> float:
    return sum(one.value for one in samples if wanted(one))
