"""Runs a plan: the only place of the drill with tasks and time.

    Lease and permission -> names exist -> lead -> steady state -> evidence before
    -> main clock: customers, faults, evidence during, abort conditions, side by side
    -> every fault healed and ready -> settled -> evidence after-heal

Every way out heals first: an error, a signal (the task is cancelled), an abort condition, a lost Lease. `recovery` goes
on from here with the test order and the mend.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.abort import AbortWatch
from oddsock.drill.access import Access, open_access
from oddsock.drill.case import Case
from oddsock.drill.customers import operations
from oddsock.drill.evidence import EvidenceTaker
from oddsock.drill.fault_windows import FaultWindows, check_faults
from oddsock.drill.lease import check_permission, drill_lease
from oddsock.drill.logbook import Logbook, NobodyWatches, Observer, Step
from oddsock.drill.operation import Operation
from oddsock.drill.plan import Plan
from oddsock.drill.plan_fields import PlannedFault
from oddsock.drill.remedy_window import find_remedies
from oddsock.drill.running import run_to_its_end, run_together
from oddsock.drill.schedule import Moment, Schedule
from oddsock.drill.settle import await_settled
from oddsock.drill.shopper import act, press_again
from oddsock.drill.steady_state import await_steady_state, check_services, check_socks
from oddsock.drill.telemetry_evidence import TelemetryTaker
from oddsock.drill.telemetry_filling import gather_facts
from oddsock.drill.telemetry_span import read_span
from oddsock.kit.clock import Clock
from oddsock.kit.errors import Interrupted, OddsockError
from oddsock.kit.files import explain_disk, write_whole
from oddsock.kit.mask import mask_private

HISTORY_FORMAT = 1
"""The version of what stands in history.jsonl."""


class Saving(NamedTuple):
    """What a run leaves out: evidence but *books* (none named: all is kept), and the rest of the time for settling
    once nothing has changed for *still_wall_s* wall seconds (0: it waits to the end).
    """

    books: tuple[str, ...] = ()
    still_wall_s: float = 0.0


SAVES_NOTHING = Saving()


class DrillResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the breaking part of a drill ended; *missing* is what evidence could not be had, by phase and book."""

    state: Literal["completed", "aborted"]
    sentence: str
    settled: bool
    operations: int
    missing: dict[str, dict[str, str]] = {}


async def run_drill(
    plan: Plan,
    cluster: ClusterDoor,
    case: Case,
    clock: Clock,
    observer: Observer | None = None,
    access: Access | None = None,
    saving: Saving = SAVES_NOTHING,
) -> DrillResult:
    """Break, buy and gather as *plan* says, into *case*; everything is healed when this returns or raises.

    A run that is one of many may be *saving* of what it gathers and waits for.
    Interrupted after a cancellation, CannotHeal when something could not be put back, else the error that stopped it.
    The case says how it ended, except that `completed` is left to `run_recovery`.
    """
    access = access or open_access(plan, cluster, clock)
    drill = _Drill(plan, cluster, case, clock, observer or NobodyWatches(), access, saving)
    try:
        try:
            return await drill.run()
        finally:
            await run_to_its_end(access.close())
    except asyncio.CancelledError as cause:
        if case.meta.state in ("running", "aborted"):
            case.end("interrupted", "it was interrupted when all was done and healed")
        raise Interrupted("The drill was interrupted; everything is healed.", f"Its case is {case.path}.") from cause


class _Drill:
    """One run."""

    def __init__(
        self,
        plan: Plan,
        cluster: ClusterDoor,
        case: Case,
        clock: Clock,
        observer: Observer,
        access: Access,
        saving: Saving,
    ) -> None:
        self._plan = plan
        self._cluster = cluster
        self._case = case
        self._clock = clock
        self._access = access
        self._saving = saving
        self._operations = operations(plan)
        self._abort = AbortWatch(plan.abort, observer)
        faults = len(plan.lead.faults) + len(plan.faults)
        asked = plan.evidence.telemetry
        phases = len(plan.evidence.phases) + asked.has_before + bool(asked.views) + (not asked.is_empty)
        total = len(self._operations) + 2 * faults + phases + 2
        self._logbook = Logbook(case, clock, self._abort, total)
        self._windows = FaultWindows(case, cluster, clock, self._logbook)
        self._evidence = EvidenceTaker(case, cluster, access.shop, access.sessions, books=saving.books)
        self._telemetry = TelemetryTaker(case, access.telemetry, plan.evidence.telemetry, cluster.namespace, clock)
        self._missing: dict[str, dict[str, str]] = {}
        self._has_ended = False

    async def run(self) -> DrillResult:
        """The steps of the docstring above; on every way out it heals while the Lease is still held."""
        try:
            self._keep_plan()
            await check_permission(self._cluster)
            async with drill_lease(self._cluster, self._case, self._clock, self._abort.stop_for):
                try:
                    result = await self._run_phases()
                except BaseException as cause:
                    await run_to_its_end(self.end_badly(cause))
                    raise
        except BaseException as cause:
            await run_to_its_end(self.end_badly(cause))
            raise
        if result.state == "aborted":
            self._case.end("aborted", result.sentence)
        return result

    async def _run_phases(self) -> DrillResult:
        plan = self._plan
        self._logbook.write("note", "drill", self._describe())
        await check_services(plan, self._cluster)
        await check_faults([*plan.lead.faults, *plan.faults], self._cluster)
        await self._await_steady_state()
        await check_socks(plan, self._access.shop)
        if plan.lead.operations or plan.lead.faults:
            await self._run_lead()
            await self._await_steady_state()
        await self._take_evidence("before")
        await self._await_baseline()
        finished = await self._run_main()
        await self._windows.heal_all()
        if self._abort.error:
            raise self._abort.error
        settled = await await_settled(
            plan.settle_s, self._access.shop, self._clock, self._logbook, self._saving.still_wall_s
        )
        await self._take_evidence("after-heal")
        await self._ask_telemetry()
        return DrillResult(
            state="completed" if finished else "aborted",
            sentence="The plan ran to its end." if finished else f"The drill was aborted: {self._abort.sentence}.",
            settled=settled,
            operations=len(self._operations),
            missing=self._missing,
        )

    async def end_badly(self, cause: BaseException) -> None:
        """Heal at once and say in the case how it ended; CannotHeal when something could not be put back."""
        if self._has_ended:
            return
        self._has_ended = True
        self._logbook.goes_on_without_disk = True
        interrupted = isinstance(cause, asyncio.CancelledError)
        state: Literal["interrupted", "failed"] = "interrupted" if interrupted else "failed"
        how = "it was interrupted" if interrupted else str(cause) or type(cause).__name__
        try:
            healed = await self._windows.heal_all()
        except OddsockError as error:
            self._end(state, f"{how}; and healing failed: {error}")
            raise
        self._end(state, "; healed: ".join([how, *(f"{one.id}: {one.sentence}" for one in healed)]))

    def _end(self, state: Literal["interrupted", "failed"], how: str) -> None:
        try:
            self._logbook.write("note", state, {"sentence": how})
            self._case.end(state, how)
        except OSError as error:
            raise explain_disk(error, self._case.path) from error

    def _keep_plan(self) -> None:
        try:
            # The copy stays runnable: a masked test card gets its other digits from the seed.
            write_whole(self._case.path / "plan.yaml", mask_private(self._plan.text))
        except OSError as cause:
            raise explain_disk(cause, self._case.path) from cause

    def _describe(self) -> dict[str, Any]:
        plan, speed = self._plan, self._clock.speed
        return {
            "format": HISTORY_FORMAT,
            "plan": plan.name,
            "seed": plan.seed,
            "speed": speed,
            "server": self._cluster.server,
            "namespace": self._cluster.namespace,
            "switches": plan.steady_state.switches,
            "sentence": f"{plan.title}: plan {plan.name}, seed {plan.seed}, {speed:g} plan seconds a second",
        }

    async def _await_steady_state(self) -> None:
        with self._logbook.step("steady_state") as step:
            step.value["sentence"] = await await_steady_state(self._plan, self._cluster, self._access.shop, self._clock)
            step.value["remedies"] = await find_remedies(self._cluster)

    async def _take_evidence(self, phase: str) -> None:
        if phase not in self._plan.evidence.phases:
            return
        with self._logbook.step("evidence", {"phase": phase}) as step:
            missing = await self._evidence.take(phase)
            self._missing[phase] = missing
            step.value |= {"missing": missing}
            step.kind = "unknown" if missing else "ok"

    async def _await_baseline(self) -> None:
        """A metric has a before only when it was measured before."""
        if self._plan.evidence.telemetry.has_before and self._access.telemetry is not None:
            with self._logbook.step("telemetry", {"phase": "before"}) as step:
                step.value["sentence"] = await self._telemetry.await_baseline()

    async def _take_views(self) -> None:
        if self._plan.evidence.telemetry.views:
            with self._logbook.step("telemetry", {"phase": "during"}) as step:
                self._keep_missing(step, await self._telemetry.take_views())

    async def _ask_telemetry(self) -> None:
        span = read_span(self._case.history)
        if self._telemetry.is_idle or span is None:
            return
        with self._logbook.step("telemetry", {"phase": "after-heal"}) as step:
            facts = gather_facts(self._case, span)
            self._keep_missing(step, await self._telemetry.take_answers(span, facts))

    def _keep_missing(self, step: Step, missing: dict[str, str]) -> None:
        step.value["missing"] = missing
        step.kind = "unknown" if missing else "ok"

    async def _run_lead(self) -> None:
        self._logbook.begin("lead")
        schedule = Schedule()
        faults = self._fault_works(schedule, [(fault, float(fault.until_s or 0)) for fault in self._plan.lead.faults])
        await run_together([*faults, *self._customer_works(schedule, "lead")], self._abort.stopped())
        await self._windows.heal_all()
        if self._abort.error:
            raise self._abort.error

    async def _run_main(self) -> bool:
        """Whether the main clock ran to its end; False when an abort condition or a lost Lease stopped it."""
        plan = self._plan
        self._logbook.begin("main")
        schedule = Schedule()
        works = self._fault_works(schedule, [(fault, plan.heals_at_s(fault)) for fault in plan.faults])
        works += self._customer_works(schedule, "main")
        if plan.during_at_s is not None:
            works.append(self._take_during(schedule, schedule.plan("evidence", plan.during_at_s)))
        timekeeper = asyncio.ensure_future(self._abort.watch_time(self._logbook))
        try:
            finished = await run_together(works, self._abort.stopped())
        finally:
            timekeeper.cancel()
            await asyncio.gather(timekeeper, return_exceptions=True)
        if self._abort.aborted:
            self._logbook.write("note", "abort", {"sentence": self._abort.sentence})
        return finished and not self._abort.aborted

    def _fault_works(
        self, schedule: Schedule, faults: Sequence[tuple[PlannedFault, float]]
    ) -> list[Coroutine[Any, Any, None]]:
        works = []
        for fault, heals_at_s in faults:
            injecting = schedule.plan("inject", fault.from_s)
            healing = schedule.plan("heal", heals_at_s)
            works.append(self._hold_fault(schedule, fault, injecting, healing))
        return works

    async def _hold_fault(self, schedule: Schedule, fault: PlannedFault, injecting: Moment, healing: Moment) -> None:
        await self._logbook.sleep_until(injecting.at_s)
        await schedule.await_turn(injecting)
        await self._windows.inject(fault)
        injecting.done.set()
        await self._logbook.sleep_until(healing.at_s)
        await schedule.await_turn(healing)
        await self._windows.heal(fault.id)
        healing.done.set()

    def _customer_works(self, schedule: Schedule, phase: str) -> list[Coroutine[Any, Any, None]]:
        planned: dict[str, list[tuple[Operation, Moment]]] = defaultdict(list)
        for operation in self._operations:
            if operation.phase == phase:
                moment = schedule.plan("load" if operation.load else "operation", operation.at_s)
                # A second press does not wait for what the first one comes to.
                lane = operation.id if operation.beside else operation.username
                planned[lane].append((operation, moment))
        return [self._serve_customer(schedule, steps) for steps in planned.values()]

    async def _serve_customer(self, schedule: Schedule, steps: Sequence[tuple[Operation, Moment]]) -> None:
        for operation, moment in steps:
            await self._logbook.sleep_until(moment.at_s)
            await schedule.await_turn(moment)
            do = press_again if operation.beside else act
            await do(operation, self._access.sessions, self._logbook)
            moment.done.set()

    async def _take_during(self, schedule: Schedule, moment: Moment) -> None:
        await self._logbook.sleep_until(moment.at_s)
        await schedule.await_turn(moment)
        await self._take_evidence("during")
        await self._take_views()
        moment.done.set()
