"""Healing: what faults changed is put back, by the journal alone, so that it works after the drill was killed.

    the field holds ...   the injected value   ->  restored to what was there before
                          what was there       ->  nothing to do
                          something else       ->  left as it is, and who made it so is said

An object of ours (a Fault) is deleted if it still names our case. Then the Deployments are waited for. Healing twice
changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Deployment
from oddsock.drill.case import Case, list_cases
from oddsock.drill.faults.fault import ENV, EXISTS, REPLICAS, Change
from oddsock.drill.undo import UNDO_FILE, Closed, Left, Result, Undo, UndoJournal
from oddsock.kit.clock import Clock, SystemClock, instant, iso, wait_for
from oddsock.kit.errors import CannotHeal, CannotRun, OddsockError

READY_S_MAX = 300.0
"""Plan seconds within which a healed Deployment must be ready again."""

READY_WALL_S_MIN = 60.0
"""A process needs real time to start, at whatever speed: no wait ends before this many wall seconds."""

GONE_WALL_S_MAX = 30.0
"""Wall seconds within which a deleted object must be gone."""

POLL_WALL_S = 0.2
"""Wall seconds between two looks at a Deployment or an object."""

KILLED = "the drill was killed before it could end"


class Healed(msgspec.Struct, frozen=True, kw_only=True):
    """What healing fault *id* came to: sentences of what was *restored*, and the fields that were *left*."""

    id: str
    fault: str
    at: str
    result: Result
    restored: list[str]
    left: list[Left]

    @property
    def sentence(self) -> str:
        """All of it, for a person."""
        parts = [*self.restored, *(left.sentence for left in self.left)]
        return "; ".join(parts) if parts else "nothing was to be put back"


def unhealed_cases(home: Path, *, with_kept: bool = False) -> list[Case]:
    """The cases under *home* with a fault that nobody healed and no living owner, oldest first.

    A case with a cluster of its own is not among them: that cluster ended with its drill. Those that a living console
    keeps are among them *with_kept* only: who asks for a heal means them, who tidies up after the dead does not.
    """
    return [
        case
        for case in list_cases(home)
        if journal_of(case).open_entries()
        and not case.meta.cluster.own
        and not case.is_alive()
        and (with_kept or not case.is_kept())
    ]


def journal_of(case: Case) -> UndoJournal:
    """The undo journal of *case*."""
    return UndoJournal(case.path / UNDO_FILE)


def close_killed_cases(home: Path, clock: Clock | None = None) -> list[Case]:
    """Say in every case whose owner is dead that it was killed; the undo of a cluster that died with it is closed."""
    clock = clock or SystemClock()
    killed = []
    for case in list_cases(home):
        if case.meta.state != "running" or case.is_alive() or case.is_kept():
            continue
        try:
            case.lock()
        except CannotRun:
            continue  # somebody took it this moment
        try:
            if case.meta.cluster.own:
                write_off(case, clock)
            case.end("interrupted", KILLED)
        finally:
            case.unlock()
        killed.append(case)
    return killed


def write_off(case: Case, clock: Clock) -> None:
    """Close the undo journal of *case* because the cluster it speaks of is gone for good."""
    journal = journal_of(case)
    for undo in journal.open_entries():
        journal.write(Closed(id=undo.id, at=iso(clock.now()), result="nothing"))


async def heal_case(case: Case, cluster: ClusterDoor, clock: Clock) -> list[Healed]:
    """Heal every open fault of *case*, the last first; CannotHeal with a sentence for each that could not be."""
    is_ours = case.is_locked
    case.lock()
    try:
        _check_same_cluster(case, cluster)
        undone, failures = await _heal_open(journal_of(case), cluster, clock)
        if not is_ours:
            _write_down(case, undone, not failures, clock)
    finally:
        if not is_ours:
            case.unlock()
    if failures:
        raise CannotHeal(" ".join(failures), f"Look at the cluster, then run `oddsock heal {case.name}` again.")
    return [healed for _, healed in undone]


async def heal_fault(undo: Undo, cluster: ClusterDoor, journal: UndoJournal, clock: Clock) -> Healed:
    """Put back what *undo* says, wait until it is ready, and write that down; CannotHeal when it is not so in the end.

    A disk that refuses the last line is said in the answer and is no failure of the heal.
    """
    restored: list[str] = []
    left: list[Left] = []
    try:
        fields = [change for change in undo.changes if change.path != EXISTS]
        for change in undo.changes:
            if change.path == EXISTS:
                await _delete_object(change, cluster, clock, restored, left)
        for name in dict.fromkeys(change.deployment for change in fields):
            await _restore(name, [one for one in fields if one.deployment == name], cluster, restored, left)
        await _await_ready(undo.changes, cluster, clock)
    except CannotHeal:
        raise
    except OddsockError as cause:
        raise CannotHeal(f"Fault {undo.id} ({undo.fault}) could not be healed: {cause.sentence}", cause.hint) from cause
    result: Result = "left" if left else "restored" if restored else "nothing"
    at = iso(clock.now())
    try:
        journal.write(Closed(id=undo.id, at=at, result=result, left=left))
    except CannotRun as cause:
        # The cluster is healed; a journal that still says otherwise is healed once more and then finds nothing to do.
        restored.append(f"but {cause.sentence}")
    return Healed(id=undo.id, fault=undo.fault, at=at, result=result, restored=restored, left=left)


async def _heal_open(
    journal: UndoJournal, cluster: ClusterDoor, clock: Clock
) -> tuple[list[tuple[Undo, Healed]], list[str]]:
    healed: list[tuple[Undo, Healed]] = []
    failures: list[str] = []
    for undo in reversed(journal.open_entries()):
        try:
            healed.append((undo, await heal_fault(undo, cluster, journal, clock)))
        except CannotHeal as cause:
            # What one fault broke must not stay broken because another cannot be healed.
            failures.append(cause.sentence)
    return healed, failures


async def _delete_object(
    change: Change, cluster: ClusterDoor, clock: Clock, restored: list[str], left: list[Left]
) -> None:
    found = await cluster.fault(change.name)
    if found is None:
        return
    if found.case != change.injected:
        by = f"case {found.case}" if found.case else "somebody who named no case"
        sentence = f"fault {change.name} was left: it is not of case {change.injected} but of {by}"
        left.append(Left(path=change.path, found=found.case or None, by=by, sentence=sentence))
        return
    await cluster.delete_fault(change.name)

    async def is_gone() -> bool:
        now = await cluster.fault(change.name)
        return now is None or now.uid != found.uid

    if not await wait_for(is_gone, clock, GONE_WALL_S_MAX * clock.speed, POLL_WALL_S * clock.speed):
        raise CannotHeal(
            f"Fault {change.name} was deleted, but after {GONE_WALL_S_MAX:.0f} s it is still there.",
            "See it with `kubectl get faults`.",
        )
    hits = "1 hit" if found.hits == 1 else f"{found.hits} hits"
    restored.append(f"fault {change.name} ({found.type} on {found.target}) ended after {hits}")


async def _restore(
    name: str, changes: Sequence[Change], cluster: ClusterDoor, restored: list[str], left: list[Left]
) -> None:
    if await cluster.deployment(name) is None:
        sentence = f"deployment {name} is gone, so nothing was put back into it"
        left += [Left(path=change.path, found=None, by="", sentence=sentence) for change in changes[:1]]
        return
    env = await cluster.env(name) if any(change.path.startswith(ENV) for change in changes) else {}
    variables: dict[str, str | None] = {}
    for change in changes:
        found: int | str | None
        if change.path == REPLICAS:
            found = await cluster.replicas(name)
        elif change.path.startswith(ENV):
            found = env.get(change.variable)
        else:
            continue  # pods come back by themselves
        if found == change.injected:
            if change.path == REPLICAS:
                await cluster.scale(name, int(change.was or 0))
            else:
                variables[change.variable] = None if change.was is None else str(change.was)
            restored.append(f"{name} {change.path} put back to {_spell(change.was)}")
        elif found != change.was:
            left.append(await _leave(name, change, found, cluster))
    if variables:
        await cluster.set_env(name, variables)


async def _leave(name: str, change: Change, found: int | str | None, cluster: ClusterDoor) -> Left:
    writer = await cluster.last_writer(name, change.path)
    by = str(writer) if writer else "somebody the cluster does not name"
    sentence = (
        f"{name} {change.path} was left at {_spell(found)}: {by} set it after the fault "
        f"(the fault had set {_spell(change.injected)}, before it was {_spell(change.was)})"
    )
    return Left(path=change.path, found=found, by=by, sentence=sentence)


async def _await_ready(changes: Sequence[Change], cluster: ClusterDoor, clock: Clock) -> None:
    enough = {change.deployment: change.ready for change in changes}
    unready: list[str] = []

    def is_ready(one: Deployment) -> bool:
        ready = enough[one.name]
        return one.is_settled if ready is None else one.is_settled_with(ready)

    async def are_ready() -> bool:
        found = [one for one in await cluster.deployments() if one.name in enough]
        unready[:] = [f"{one.name} has {one.ready} of {one.replicas} ready" for one in found if not is_ready(one)]
        return not unready

    deadline_s = max(READY_S_MAX, READY_WALL_S_MIN * clock.speed)
    if not await wait_for(are_ready, clock, deadline_s, POLL_WALL_S * clock.speed):
        raise CannotHeal(
            f"Everything was put back, but after {deadline_s / clock.speed:.0f} s {', '.join(unready)}.",
            "See the pods' events and logs with kubectl.",
        )


def _check_same_cluster(case: Case, cluster: ClusterDoor) -> None:
    meta = case.meta
    if meta.cluster.server and meta.cluster.server != cluster.server:
        raise CannotHeal(
            f"Case {case.name} broke something in {meta.cluster.server}, not in {cluster.server}.",
            "Name its cluster with --kubeconfig or --context.",
        )
    namespaces = {undo.namespace for undo in journal_of(case).open_entries()} - {cluster.namespace}
    if namespaces:
        raise CannotHeal(
            f"Case {case.name} broke something in namespace {namespaces.pop()}, not in {cluster.namespace}."
        )


def _write_down(case: Case, undone: list[tuple[Undo, Healed]], is_whole: bool, clock: Clock) -> None:
    """Say in a case whose drill is dead how it ended and what was healed, at the plan time it would have been.

    Of one that a console keeps only what was healed: the console says how it ended.
    """
    is_kept = case.is_kept()
    for undo, healed in undone:
        last = max(case.history, key=lambda entry: entry.n, default=None)
        since_s = (clock.now() - instant(last.at)).total_seconds() * case.meta.speed if last else 0.0
        case.history.append(
            "ok",
            "heal",
            actor=f"fault:{undo.id}",
            phase=last.phase if last else "recovery",
            plan_s=(last.plan_s if last else 0.0) + since_s,
            operation=undo.id,
            value={
                "fault": undo.fault,
                "target": undo.changes[0].deployment if undo.changes else "",
                "result": healed.result,
                "sentence": healed.sentence,
                "window_from_at": undo.at,
                "was": undo.values("injected"),
                "now": undo.values("was") if healed.result == "restored" else {},
                "after_kill": not is_kept,
            },
        )
    if case.meta.state == "running" and not is_kept:
        case.end("interrupted", KILLED + ("; it was healed afterwards" if undone and is_whole else ""))


def _spell(value: int | str | None) -> str:
    return "none" if value is None else str(value)
