"""What is broken and by whom: faults of cases that nobody healed yet, and what no case explains."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Deployment, FaultObject
from oddsock.drill.case import Case, CaseMeta
from oddsock.drill.faults.fault import EXISTS, REPLICAS
from oddsock.drill.heal import journal_of
from oddsock.drill.undo import UNDO_FILE, Undo
from oddsock.kit.errors import OddsockError


class OpenFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that is not healed: of *case*, *by* whom, since when; *state* is stands, healing, drill, left or far."""

    case: str
    fault: str
    target: str
    at: str
    by: str
    state: str
    sentence: str

    @property
    def can_be_healed(self) -> bool:
        """Whether the page may heal it."""
        return self.state in ("stands", "left")


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """Something amiss with *target* that no case explains, and what the cluster says of who did it."""

    target: str
    sentence: str
    hint: str


class OpenFaults:
    """Reads the cases of *home* again and again; an undo journal that did not change is not read twice."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: dict[Path, tuple[tuple[int, int], list[Undo]]] = {}

    def read(self, server: str, namespace: str, ending: Sequence[str] = ()) -> list[OpenFault]:
        """Every open fault, the oldest case first; *ending* are the cases that this console is healing; blocking."""
        found: list[OpenFault] = []
        for path in sorted((self._home / "cases").glob(f"*/{UNDO_FILE}")):
            case = Case(path.parent)
            if undone := self._open_entries(path, case):
                meta = case.meta
                if not meta.cluster.own:
                    is_here = (meta.cluster.server, meta.namespace) == (server, namespace)
                    state = "healing" if case.name in ending else _state(case, is_here)
                    found += [_tell(case, meta, undo, state) for undo in undone]
        return found

    def _open_entries(self, path: Path, case: Case) -> list[Undo]:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if path not in self._seen or self._seen[path][0] != stamp:
                self._seen[path] = (stamp, journal_of(case).open_entries())
        except (OSError, OddsockError):
            # A case that was removed meanwhile, or that is damaged: its own page says so.
            return []
        return self._seen[path][1]


def _state(case: Case, is_here: bool) -> str:
    if not is_here:
        return "far"
    if case.is_alive():
        return "drill"
    return "stands" if case.is_kept() else "left"


def _tell(case: Case, meta: CaseMeta, undo: Undo, state: str) -> OpenFault:
    who = meta.operator or "somebody"
    by = {
        "stands": f"{who}, in this console",
        "healing": f"{who}, in this console; it is being healed",
        "drill": f"{who}: drill {meta.plan} is running",
        "left": f"{who}: {meta.plan}, which was killed",
        "far": f"{who}, on another cluster: `oddsock heal {case.name}`",
    }[state]
    changes = "; ".join(
        f"{change.object} is there"
        if change.path == EXISTS
        else f"{change.deployment} {change.path} {_spell(change.was)} → {_spell(change.injected)}"
        for change in undo.changes
    )
    target = undo.changes[0].deployment if undo.changes else ""
    return OpenFault(case=case.name, fault=undo.fault, target=target, at=undo.at, by=by, state=state, sentence=changes)


def _spell(value: int | str | None) -> str:
    return "none" if value is None else str(value)


async def find_strangers(
    cluster: ClusterDoor,
    deployments: Sequence[Deployment],
    faults: Sequence[FaultObject],
    open_faults: Sequence[OpenFault],
    optional: frozenset[str],
) -> list[Stranger]:
    """What is amiss in *cluster* and explained by none of *open_faults*; *optional* services may be at 0."""
    explained = {one.target for one in open_faults}
    found: list[Stranger] = []
    for one in deployments:
        if one.name in explained or (one.available >= one.replicas and (one.replicas or one.name in optional)):
            continue
        if not one.replicas:
            writer = await cluster.last_writer(one.name, REPLICAS)
            by = f", by {writer}" if writer else ""
            found.append(Stranger(target=one.name, sentence=f"{one.name} is scaled to 0{by}", hint="Scale it up."))
        else:
            sentence = f"{one.name} has {one.available} of {one.replicas} available"
            found.append(Stranger(target=one.name, sentence=sentence, hint="It may only be starting."))
    for fault in faults:
        if fault.target in explained or fault.state not in ("Active", ""):
            continue
        by = f"case {fault.case}, which is not here" if fault.case else "somebody without a case"
        found.append(
            Stranger(
                target=fault.target,
                sentence=f"fault {fault.name} ({fault.type} on {fault.target}), by {by}",
                hint=f"kubectl delete fault {fault.name} -n {cluster.namespace}",
            )
        )
    return found
