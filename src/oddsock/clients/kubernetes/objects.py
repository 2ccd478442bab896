"""What the drill knows of a cluster: flat, typed rows, as they also stand in a case's evidence.

Instants are ISO 8601 UTC with milliseconds, empty where the cluster does not say. Source of the fields:
https://kubernetes.io/docs/reference/kubernetes-api/
"""

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

ADDRESS_ANNOTATION = "oddsock.dev/address"
"""Where a Service of our own cluster really listens: 127.0.0.1:port; `.<port name>` for its other ports."""

CASE_LABEL = "oddsock.dev/case"
"""The label of a Fault object that says for which case it was made."""

FAULT_TYPES = (
    "freeze",
    "kill",
    "fault-point",
    "disk-full",
    "clock-skew",
    "latency",
    "http-error",
    "reset",
    "drop-reply",
    "black-hole",
    "bandwidth",
)
"""What a Fault object can be; only our own cluster knows the resource."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A Deployment: *replicas* asked for, *ready* and *available* by its status, *container* names its first."""

    name: str
    replicas: int
    ready: int
    available: int
    updated: int = 0
    surplus: int = 0  # pods of older specs that a roll-out has still to end
    image: str = ""
    container: str = ""
    selector: dict[str, str] = {}
    is_observed: bool = True  # the status speaks of the newest spec
    created_at: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether every replica that is asked for is of the newest spec and ready, and none is left over."""
        return self.is_settled_with(self.replicas)

    def is_settled_with(self, ready: int) -> bool:
        """The same when *ready* replicas are enough: of two that share a book, one waits for the other all its life."""
        is_rolled_out = self.updated == self.replicas and not self.surplus
        return self.is_observed and is_rolled_out and self.ready >= min(ready, self.replicas)


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod of *deployment* (empty when it has none); *reason* says why it waits or ended, as the cluster puts it."""

    name: str
    deployment: str
    phase: str
    ready: bool
    restarts: int
    node: str = ""
    ip: str = ""
    image: str = ""
    reason: str = ""
    created_at: str = ""
    started_at: str = ""
    deleted_at: str = ""
    labels: dict[str, str] = {}


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A Service; *ports* as `name:port`, *address* where it really listens when the cluster is ours."""

    name: str
    cluster_ip: str
    type: str = "ClusterIP"
    ports: list[str] = []
    selector: dict[str, str] = {}
    address: str = ""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The ready *addresses* (`ip:port`) behind Service *name*."""

    name: str
    addresses: list[str]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to object *kind*/*name*, *count* times from *first_at* to *at*."""

    reason: str
    message: str
    kind: str
    name: str
    at: str
    first_at: str
    count: int
    type: str
    source: str


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node and whether it is ready."""

    name: str
    ready: bool
    version: str = ""
    labels: dict[str, str] = {}


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote a field last, by the field manager's name, and when."""

    manager: str
    at: str

    def __str__(self) -> str:
        return f"{self.manager} at {self.at}" if self.at else self.manager


@dataclass(frozen=True)
class ServiceDoor:
    """Where a Service answers for a client outside the cluster: *url* without a slash at its end, *headers* to send."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    @property
    def host(self) -> str:
        """The host to connect to."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


class FaultSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The spec of a Fault object as the wire has it: on a *target* service, or deployment.

    Times are wall milliseconds; *percentage* of what passes meets the fault, chosen by *seed*; a *caller* deployment
    restricts it to the connections of that one.
    """

    type: str
    target: dict[str, str]
    caller: dict[str, str] | None = None
    percentage: int = 100
    latency_ms: int = 0
    jitter_ms: int = 0
    status: int = 0
    bytes_per_second: int = 0
    seed: int = 0
    point: str = ""
    action: str = ""
    nth: int = 0
    delay_ms: int = 0
    offset_ms: int = 0


class FaultObject(msgspec.Struct, frozen=True, kw_only=True):
    """A Fault object: its *state* (Active, Done, Failed, empty before the cluster saw it), what it met so far."""

    name: str
    type: str
    target: str
    uid: str = ""
    case: str = ""  # CASE_LABEL, empty where somebody else made it
    state: str = ""
    hits: int = 0
    message: str = ""
    created_at: str = ""
