"""How many replicas each replica set of a deployment should have next: pure arithmetic over their counts.

Follows kube-controller-manager's deployment controller (rolling.go, recreate.go) without proportional scaling.
"""

import math
from dataclasses import dataclass

from oddsock.cluster.kinds import Obj


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rolling update may do: pods beyond the wanted number, and wanted pods that may be missing."""

    surge: int
    unavailable: int


@dataclass(frozen=True, slots=True)
class Scale:
    """One step: the replica set to scale and the number of its replicas after it."""

    name: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Count:
    """A replica set as the arithmetic sees it: replicas asked for, and of them available."""

    name: str
    replicas: int
    available: int


def limits(spec: Obj) -> Limits:
    """The limits of a deployment's spec; a surge is rounded up, unavailability down, and not both may be zero."""
    wanted = spec.get("replicas", 1)
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = _resolve(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = _resolve(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(surge, min(unavailable, wanted))


def next_steps(wanted: int, new: Count, old: list[Count], allowed: Limits) -> list[Scale]:
    """The steps of a rolling update from *old* (oldest first) towards *wanted* replicas of *new*; none when done."""
    total = new.replicas + sum(count.replicas for count in old)
    if new.replicas > wanted:
        return [Scale(new.name, wanted)]
    room = wanted + allowed.surge - total
    if new.replicas < wanted and room > 0:
        return [Scale(new.name, new.replicas + min(room, wanted - new.replicas))]
    return _old_steps(wanted, new, old, allowed)


def recreate_steps(wanted: int, new: Count, old: list[Count], old_pods_left: bool) -> list[Scale]:
    """The steps of a Recreate: every old replica set to zero, then, when no old pod is left, the new one up."""
    down = [Scale(count.name, 0) for count in old if count.replicas]
    if down:
        return down
    if old_pods_left or new.replicas == wanted:
        return []
    return [Scale(new.name, wanted)]


def _old_steps(wanted: int, new: Count, old: list[Count], allowed: Limits) -> list[Scale]:
    minimum = wanted - allowed.unavailable
    total = new.replicas + sum(count.replicas for count in old)
    spare = total - minimum - (new.replicas - new.available)
    if spare <= 0:
        return []
    left = {count.name: count.replicas for count in old}
    # Old replicas that do not serve go first: no customer misses them.
    for count in old:
        gone = min(spare, max(0, count.replicas - count.available))
        left[count.name] -= gone
        spare -= gone
    available = new.available + sum(min(left[count.name], count.available) for count in old)
    may_go = available - minimum
    for count in old:
        gone = min(max(0, may_go), left[count.name])
        left[count.name] -= gone
        may_go -= gone
    return [Scale(count.name, left[count.name]) for count in old if left[count.name] != count.replicas]


def _resolve(value: int | str, wanted: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        exact = int(value[:-1]) * wanted / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(value)
