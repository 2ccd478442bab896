"""The objects a control plane starts with: made as a POST would make them, before there is an API, and awaited."""

from collections.abc import Callable, Iterable

import msgspec

from oddsock.cluster.addresses import SERVICE_ADDRESS
from oddsock.cluster.api.admission import admit_new
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import BY_NAME, Obj
from oddsock.cluster.schema import prune
from oddsock.cluster.status import ApiError
from oddsock.cluster.store import AlreadyExists, Store
from oddsock.kit.errors import CannotRun

MANAGER = "oddsock"
"""Who is told to have written them."""
_AWAITED = ("Deployment", "Service")


class Arrival(msgspec.Struct, frozen=True):
    """All Deployments are available and all Services have an address: network *mode*, "host:port" by Service name.

    *others* are the addresses of further ports, by "service.port".
    """

    mode: str
    services: dict[str, str]
    others: dict[str, str] = {}


def create_all(store: Store, objects: Iterable[Obj]) -> None:
    """Put *objects* into *store*; those that are there already stay as they are. CannotRun for one that is refused."""
    for obj in objects:
        name = f"{obj.get('kind')}/{(obj.get('metadata') or {}).get('name')}"
        kind = BY_NAME.get(obj.get("kind", ""))
        if kind is None or kind.api_version != obj.get("apiVersion"):
            raise CannotRun(f"The cluster knows no {obj.get('kind')} of {obj.get('apiVersion')}.")
        space = ((obj.get("metadata") or {}).get("namespace") or "default") if kind.namespaced else ""
        try:
            prune(obj)
            store.create(admit_new(store, Target(kind, space), obj), manager=MANAGER)
        except AlreadyExists:
            continue
        except ApiError as refusal:
            raise CannotRun(f"{name} was refused with {refusal.code}: {refusal.sentence}") from refusal


class Awaited:
    """Follows Deployments and Services until those of *objects* have arrived, all at once, then calls *tell*."""

    def __init__(self, store: Store, objects: Iterable[Obj], mode: str, tell: Callable[[Arrival], None]) -> None:
        self._mode = mode
        self._tell = tell
        self._services: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._missing = {_key(obj) for obj in objects if obj["kind"] in _AWAITED}
        self._wanted = frozenset(self._missing)
        self._ends = [store.subscribe(kind, self._on_change) for kind in _AWAITED]
        self._end_if_complete()

    def _on_change(self, type_: str, obj: Obj) -> None:
        if (key := _key(obj)) not in self._wanted:
            return
        if self._has_arrived(obj):
            self._missing.discard(key)
        else:
            self._missing.add(key)
        self._end_if_complete()

    def _has_arrived(self, obj: Obj) -> bool:
        if obj["kind"] == "Deployment":
            return is_available(obj)
        name, annotations = obj["metadata"]["name"], obj["metadata"].get("annotations") or {}
        self._services[name] = annotations.get(SERVICE_ADDRESS, "")
        for key, address in annotations.items():
            if key.startswith(f"{SERVICE_ADDRESS}."):
                self._others[f"{name}.{key.removeprefix(f'{SERVICE_ADDRESS}.')}"] = address
        return bool(self._services[name])

    def _end_if_complete(self) -> None:
        if not self._missing and self._ends:
            for end in self._ends:
                end()
            self._ends.clear()
            self._tell(Arrival(self._mode, dict(sorted(self._services.items())), self._others))


def is_available(deployment: Obj) -> bool:
    """Whether every replica that *deployment* asks for is available, by what its status says of its newest spec."""
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return bool(seen and status.get("availableReplicas", 0) >= wanted)


def _key(obj: Obj) -> tuple[str, str, str]:
    meta = obj["metadata"]
    return obj["kind"], meta.get("namespace") or "default", meta["name"]
