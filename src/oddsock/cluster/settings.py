"""What a control plane is told when it starts."""

from typing import Any, Literal

import msgspec

from oddsock.cluster.images import Program

Wanted = Literal["auto", "ns", "ports"]


class ControlPlaneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a control plane is told; *images* as `images.Images` reads it, *speed* in plan seconds a wall second."""

    root: str
    token: str
    images: dict[str, list[str] | Program]
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one, which `on_ready` and *ready_fd* tell."""
    speed: float = 1.0
    forks: bool = True
    """Whether pods of images that may be are forked from a warm process; without, every pod is executed."""
    network: Wanted = "ports"
    """`ns` and `auto` enter a network namespace, which only a process of its own can do, before it has a loop."""
    namespaces: tuple[str, ...] = ("default", "kube-system")
    objects: tuple[dict[str, Any], ...] = ()
    """Made before anything else happens, in this order, each as a POST of it would be."""
    ready_fd: int | None = None
    """An inherited file descriptor that gets the server's URL as a line when the API can be called; with *objects* a
    second line, `first_objects.Arrival` as JSON, when all of them have arrived; and is closed."""
