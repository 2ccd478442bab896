"""A fault that stands until somebody heals it: a plan of one fault, run by whoever looks at the shop, without a clock.

    begin   plan ─▶ case ─▶ Lease ─▶ undo on the disk ─▶ inject ─▶ seen to take effect      the case is kept, not locked
    end     lock ─▶ heal ─▶ then, beside: settled ─▶ evidence after-heal ─▶ report            the case is let go

While it stands `oddsock heal` may heal it as well: `finish_healed` then does the rest. When the process that keeps it
is killed, it is a case like any other that was killed, and the next start puts back what was there.
"""

import asyncio
import logging
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import yaml

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.access import Access, open_access
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.evidence import EvidenceTaker
from oddsock.drill.fault_windows import FaultWindows, check_faults
from oddsock.drill.faults.delete_pods import DeletePods
from oddsock.drill.faults.kill_pods import KillPods
from oddsock.drill.heal import Healed, journal_of
from oddsock.drill.lease import check_permission, drill_lease
from oddsock.drill.logbook import Logbook, NobodyWatches
from oddsock.drill.plan import Plan, parse_plan
from oddsock.drill.plan_fields import NAME
from oddsock.drill.report import write_report
from oddsock.drill.running import run_to_its_end
from oddsock.drill.settle import await_settled
from oddsock.drill.steady_state import check_names
from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun, OddsockError, UsageError
from oddsock.kit.files import explain_disk, write_whole

MOMENTARY = frozenset({KillPods.name, DeletePods.name})
"""Faults that are over when they have happened: there is nothing to stand, only pods to wait for."""

_log = logging.getLogger(__name__)

BY_HAND = "by-hand"
"""The name of a plan that cannot be called by its fault and target."""

STANDING_MAX = 20
"""How many faults stand at once."""


class FaultOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be broken: fault *type* of the catalogue on deployment *target*, with its *settings*."""

    type: str
    target: str
    settings: dict[str, object] = {}


def write_plan(order: FaultOrder, namespace: str) -> Plan:
    """The plan that *order* is; PlanError where a plan would be refused."""
    name = f"{order.type}-{order.target}"
    fault: dict[str, object] = {"fault": order.type, "target": order.target, "from": 0}
    document = {
        "name": name if re.match(NAME, name) else BY_HAND,
        "title": f"{order.type} of {order.target}, by hand",
        "namespace": namespace,
        "evidence": {"phases": ["after-heal", "after-mend"]},
        "faults": [fault | ({"settings": order.settings} if order.settings else {})],
    }
    return parse_plan(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "the fault")


class _Standing:
    """One fault that stands: its case, and the pen that its history is written with."""

    def __init__(self, plan: Plan, case: Case, cluster: ClusterDoor, clock: Clock) -> None:
        self.plan = plan
        self.case = case
        self.logbook = Logbook(case, clock, NobodyWatches(), total=3)
        self.windows = FaultWindows(case, cluster, clock, self.logbook)
        self.is_ending = False


class StandingFaults:
    """The faults that this process lets stand on one cluster, each in a case of its own under *home*."""

    def __init__(self, home: Path, cluster: ClusterDoor, clock: Clock, meta: ClusterMeta, operator: str) -> None:
        self._home = home
        self._cluster = cluster
        self._clock = clock
        self._meta = meta
        self._operator = operator
        self._standing: dict[str, _Standing] = {}
        self._at_work: set[asyncio.Task[object]] = set()

    @property
    def names(self) -> list[str]:
        """The cases whose faults stand, oldest first."""
        return list(self._standing)

    def is_ending(self, name: str) -> bool:
        """Whether the fault of case *name* is being healed."""
        return name in self._standing and self._standing[name].is_ending

    async def begin(self, order: FaultOrder) -> Case:
        """Inject what *order* says, its undo on the disk first; PlanError, Forbidden or CannotRun when it may not be.

        A momentary fault is healed at once, in the background: its end is waiting for pods.
        """
        if len(self._standing) >= STANDING_MAX:
            raise CannotRun(f"{STANDING_MAX} faults stand already.", "Heal some of them first.")
        plan = write_plan(order, self._cluster.namespace)
        await check_permission(self._cluster)
        check_names(plan, [one.name for one in await self._cluster.deployments()], self._cluster.namespace)
        await check_faults(plan.faults, self._cluster)
        standing = await run_to_its_end(self._begin(plan))
        if order.type in MOMENTARY:
            self._go_on(self._end(standing))
        return standing.case

    async def end(self, name: str) -> list[Healed]:
        """Heal the fault of case *name*; UsageError when it does not stand here, CannotHeal when it could not be.

        What is left of its case, the evidence and the report, follows in the background.
        """
        if name not in self._standing:
            raise UsageError(f"No fault of case {name} stands here.", "Load the page again to see what does.")
        return await run_to_its_end(self._end(self._standing[name]))

    async def finish_healed(self) -> None:
        """See the cases through whose faults somebody else healed meanwhile, in the background."""
        for standing in list(self._standing.values()):
            if not standing.is_ending and not journal_of(standing.case).open_entries():
                self._go_on(self._end(standing))

    async def settle(self) -> None:
        """Return when nothing is under way in the background."""
        while self._at_work:
            await asyncio.gather(*self._at_work, return_exceptions=True)

    async def close(self, wall_s: float) -> None:
        """Heal all that stands, and see what was healed through, within *wall_s*; the next start does what is left."""
        works = [self._end(one) for one in self._standing.values() if not one.is_ending]
        try:
            async with asyncio.timeout(wall_s):
                await asyncio.gather(*works, return_exceptions=True)
                await self.settle()
        except TimeoutError:
            return

    def _go_on(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._take_note)

    def _take_note(self, task: asyncio.Task[object]) -> None:
        self._at_work.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # The case says it, and what stands is still listed as not healed.
            _log.warning("A fault could not be seen through: %s", error)

    async def _begin(self, plan: Plan) -> _Standing:
        case = Case.create(
            self._home,
            plan.name,
            self._clock,
            speed=self._clock.speed,
            namespace=self._cluster.namespace,
            cluster=self._meta,
            operator=self._operator,
        )
        try:
            case.keep()
            standing = _Standing(plan, case, self._cluster, self._clock)
            try:
                write_whole(case.path / "plan.yaml", plan.text)
                standing.logbook.begin("main")
                async with drill_lease(self._cluster, case, self._clock, lambda error: None):
                    await standing.windows.inject(plan.faults[0])
            except BaseException as cause:
                await self._take_back(standing, cause)
                raise
            self._standing[case.name] = standing
            return standing
        except OSError as cause:
            raise explain_disk(cause, case.path) from cause
        finally:
            case.unlock()

    async def _take_back(self, standing: _Standing, cause: BaseException) -> None:
        """Heal what of a fault was done before it failed, and say so in its case; one that did nothing leaves none."""
        case = standing.case
        try:
            await standing.windows.heal_all()
        finally:
            case.let_go()
            if any(journal_of(case)):
                case.end("failed", str(cause) or type(cause).__name__)
            else:
                case.remove()

    async def _end(self, standing: _Standing) -> list[Healed]:
        case = standing.case
        case.lock()
        standing.is_ending = True
        try:
            healed = await standing.windows.heal_all()
        except BaseException:
            standing.is_ending = False
            case.unlock()
            raise
        self._standing.pop(case.name, None)
        self._go_on(self._see_through(standing, healed))
        return healed

    async def _see_through(self, standing: _Standing, healed: list[Healed]) -> None:
        case = standing.case
        sentences = "; ".join(one.sentence for one in healed) or "somebody else did it"
        try:
            await self._take_evidence(standing)
            case.end("completed", f"It was healed: {sentences}.")
            await asyncio.to_thread(write_report, case)
        finally:
            case.let_go()
            case.unlock()

    async def _take_evidence(self, standing: _Standing) -> None:
        """What the books say once everything had time to settle; what cannot be had is missing and says why."""
        access: Access = open_access(standing.plan, self._cluster, self._clock)
        try:
            await await_settled(standing.plan.settle_s, access.shop, self._clock, standing.logbook)
            with standing.logbook.step("evidence", {"phase": "after-heal"}) as step:
                taker = EvidenceTaker(standing.case, self._cluster, access.shop, access.sessions)
                step.value["missing"] = await taker.take("after-heal")
                step.kind = "unknown" if step.value["missing"] else "ok"
        except OddsockError as error:
            standing.logbook.write("note", "evidence", {"sentence": f"no evidence after the heal: {error.sentence}"})
        finally:
            await access.close()
