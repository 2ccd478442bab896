"""A plan's faults in force: injected when their undo is on the disk, seen to take effect, healed to what was there."""

from collections.abc import Sequence
from typing import Any

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.case import Case
from oddsock.drill.faults.catalog import lacking_types, make_fault
from oddsock.drill.faults.fault import Effect, Fault
from oddsock.drill.faults.fault_object import lacking
from oddsock.drill.heal import Healed, heal_fault, journal_of
from oddsock.drill.logbook import Logbook
from oddsock.drill.plan_fields import PlannedFault
from oddsock.drill.undo import Undo, inject
from oddsock.kit.clock import Clock, iso, wait_for
from oddsock.kit.errors import CannotHeal, OddsockError

EFFECT_S_MAX = 120.0
"""Plan seconds within which an injected fault must show in the cluster."""

EFFECT_WALL_S_MIN = 30.0
"""Processes need real time to end: no wait for an effect is shorter than this."""

EFFECT_POLL_WALL_S = 0.05
"""Wall seconds between two looks."""


async def check_faults(planned: Sequence[PlannedFault], cluster: ClusterDoor) -> None:
    """Return when *cluster* can do every fault *planned*; CannotRun naming those that it lacks."""
    names = [fault.fault for fault in planned]
    if lacking_types(names, ()) and (missing := lacking_types(names, await cluster.fault_types())):
        raise lacking(missing, cluster.server)


class FaultWindows:
    """Injects and heals the faults of one drill."""

    def __init__(self, case: Case, cluster: ClusterDoor, clock: Clock, logbook: Logbook) -> None:
        self._journal = journal_of(case)
        self._cluster = cluster
        self._clock = clock
        self._logbook = logbook

    async def inject(self, planned: PlannedFault) -> Effect:
        """Inject *planned* and wait until it shows; an effect that never showed is written down as unknown."""
        fault = make_fault(planned.fault, planned.target, planned.settings)
        value = {"fault": planned.fault, "target": planned.target, "sentence": fault.describe()}
        with self._logbook.step("inject", value, actor=f"fault:{planned.id}") as step:
            undo = await inject(fault, planned.id, self._cluster, self._journal, self._clock)
            step.value |= {
                "window_from_at": undo.at,
                "was": undo.values("was"),
                "now": undo.values("injected"),
            }
            effect = await self._await_effect(fault, undo)
            step.value |= {"took_effect": effect.took, "effect": effect.sentence}
            if not effect.took:
                step.kind = "unknown"
                step.value["sentence"] = f"{fault.describe()}, but it did not take effect: {effect.sentence}"
        return effect

    async def heal(self, fault_id: str) -> Healed | None:
        """Put back what fault *fault_id* changed and wait until it is ready; None when there is nothing to heal."""
        undo = next((entry for entry in self._journal.open_entries() if entry.id == fault_id), None)
        if undo is None:
            return None
        target = undo.changes[0].deployment if undo.changes else ""
        value: dict[str, Any] = {"fault": undo.fault, "target": target, "window_from_at": undo.at}
        with self._logbook.step("heal", value, actor=f"fault:{undo.id}") as step:
            healed = await heal_fault(undo, self._cluster, self._journal, self._clock)
            step.value |= {
                "window_to_at": iso(self._clock.now()),
                "was": undo.values("injected"),
                "now": undo.values("was") if not healed.left else {},
                "result": healed.result,
                "left": msgspec.to_builtins(healed.left),
                "sentence": healed.sentence,
            }
        return healed

    async def heal_all(self) -> list[Healed]:
        """Heal every fault that is still in force, the last first; CannotHeal naming each that could not be.

        One that was put back but could not be written down (a full disk) raises its CannotRun after all are tried.
        """
        healed: list[Healed] = []
        failures: list[OddsockError] = []
        for undo in reversed(self._journal.open_entries()):
            try:
                done = await self.heal(undo.id)
            except OddsockError as error:
                failures.append(error)
            else:
                healed += [done] if done else []
        if unhealed := [error.sentence for error in failures if isinstance(error, CannotHeal)]:
            raise CannotHeal(" ".join(unhealed), "Look at the cluster, then run `oddsock heal`.")
        if failures:
            raise failures[0]
        return healed

    async def _await_effect(self, fault: Fault, undo: Undo) -> Effect:
        last = Effect(took=False, sentence="the cluster was not asked")

        async def took() -> bool:
            nonlocal last
            last = await fault.took_effect(self._cluster, undo.changes)
            return last.took

        deadline_s = max(EFFECT_S_MAX, EFFECT_WALL_S_MIN * self._clock.speed)
        await wait_for(took, self._clock, deadline_s, EFFECT_POLL_WALL_S * self._clock.speed)
        return last
