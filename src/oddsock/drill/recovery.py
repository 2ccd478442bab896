"""After the faults are healed: see that all is restored, that the shop sells, mend what is odd, and look again.

    restore -> /health -> test order -> account -> plan of the mend -> (apply -> settled -> evidence -> checks)

A mend is applied only when the plan (or the caller) says so, and never in a shop that is not restored or does not sell.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.mail import NoticeMail, send_notice
from oddsock.drill.access import Access, open_access
from oddsock.drill.account import account_books, read_books
from oddsock.drill.case import Case
from oddsock.drill.evidence import EvidenceTaker
from oddsock.drill.evidence_files import load
from oddsock.drill.fault_windows import FaultWindows
from oddsock.drill.lease import check_permission, drill_lease
from oddsock.drill.logbook import Logbook, NobodyWatches, Observer
from oddsock.drill.mend import MendResult, apply_mend
from oddsock.drill.mend_action import MendOptions, MendPlan, Question
from oddsock.drill.mend_plan import plan_mend
from oddsock.drill.plan import Plan
from oddsock.drill.running import run_to_its_end, run_together
from oddsock.drill.settle import await_settled
from oddsock.drill.steady_state import await_healthy, ready_deadline_s
from oddsock.drill.telemetry_evidence import TelemetryTaker
from oddsock.drill.trial import TrialResult, place_trial_order
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import Interrupted, OddsockError, Unreachable

MAILBOX = "mailbox"
RESTORE_S_MAX = 300.0
RESTORE_POLL_WALL_S = 0.2

Answers = Callable[[Sequence[Question]], Awaitable[dict[str, bool]]]
"""Asks a person which suspected re-attempts are charged: order id to yes or no."""


class RecoveryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What recovery came to; `mend` is None when nothing was applied, *left* counts what a second mend would do."""

    restored: bool
    healthy: bool
    trial: TrialResult | None
    plan: MendPlan | None
    mend: MendResult | None
    odd_after: int | None
    left: int | None
    sentence: str


async def run_recovery(
    plan: Plan,
    cluster: ClusterDoor,
    case: Case,
    clock: Clock,
    observer: Observer | None = None,
    access: Access | None = None,
    ask: Answers | None = None,
    carried_over: bool = False,
) -> RecoveryResult:
    """Recover as *plan* says, into *case*, and say in the case that it is completed; *carried_over* mends those too.

    Interrupted after a cancellation: nothing is broken then, and a mend that was cut short is simply run again.
    """
    access = access or open_access(plan, cluster, clock)
    recovery = _Recovery(plan, cluster, case, clock, observer or NobodyWatches(), access, ask, carried_over)
    case.change_meta(state="running", ended_how="", ended_at="")
    try:
        try:
            result = await recovery.run()
        finally:
            await run_to_its_end(access.close())
    except asyncio.CancelledError as cause:
        case.end("interrupted", "it was interrupted during the recovery")
        raise Interrupted(
            "The recovery was interrupted.", f"`oddsock mend {case.name}` goes on where it was."
        ) from cause
    except OddsockError as error:
        case.end("failed", f"the recovery failed: {error}")
        raise
    case.end("completed", result.sentence)
    return result


class _Recovery:
    """One run of it."""

    def __init__(
        self,
        plan: Plan,
        cluster: ClusterDoor,
        case: Case,
        clock: Clock,
        observer: Observer,
        access: Access,
        ask: Answers | None,
        carried_over: bool,
    ) -> None:
        self._plan = plan
        self._cluster = cluster
        self._case = case
        self._clock = clock
        self._observer = observer
        self._access = access
        self._ask = ask
        self._carried_over = carried_over
        self._logbook = Logbook(case, clock, observer, total=len(plan.recovery.health) + 6)
        self._windows = FaultWindows(case, cluster, clock, self._logbook)
        self._evidence = EvidenceTaker(case, cluster, access.shop, access.sessions)
        self._lost: OddsockError | None = None
        self._stop = asyncio.Event()
        self._result: RecoveryResult | None = None

    async def run(self) -> RecoveryResult:
        """Everything of the docstring above, with the Lease held."""
        await check_permission(self._cluster)
        async with drill_lease(self._cluster, self._case, self._clock, self._lose):
            await run_together([self._go()], self._stop.wait())
        if self._result is None:
            raise self._lost or Interrupted("The recovery ended early.")
        return self._result

    def _lose(self, error: OddsockError) -> None:
        self._lost = error
        self._stop.set()

    async def _go(self) -> None:
        wanted = self._plan.recovery
        self._logbook.begin("recovery")
        await self._windows.heal_all()
        restored = await self._check_restored()
        healthy = await self._check_health()
        trial = None
        if wanted.test_order and restored and healthy:
            trial = await place_trial_order(wanted.test_order, self._access, self._case, self._clock, self._logbook)
        mend_plan = await self._plan_mend()
        mend, odd_after, left = None, None, None
        sells = trial is None or trial.sells
        applies = wanted.mend.apply and mend_plan is not None and restored and healthy and sells
        if applies and mend_plan is not None:
            mend = await self._apply(mend_plan)
            if "after-mend" in self._plan.evidence.phases:
                odd_after, left = await self._look_again()
        self._result = RecoveryResult(
            restored=restored,
            healthy=healthy,
            trial=trial,
            plan=mend_plan,
            mend=mend,
            odd_after=odd_after,
            left=left,
            sentence=_sum_up(restored, healthy, trial, mend_plan, mend, odd_after),
        )

    async def _check_restored(self) -> bool:
        """Whether every deployment has what it had before the faults, and is ready."""
        before = load(self._case, "before").deployments
        was = {str(row["name"]): (int(row["replicas"]), int(row["ready"])) for row in before.rows}
        changed: list[str] = []

        async def is_restored() -> bool:
            found = {one.name: one for one in await self._cluster.deployments()}
            changed[:] = [
                f"{name} has {found[name].ready} of {replicas} ready" if name in found else f"{name} is gone"
                for name, (replicas, ready) in was.items()
                if name not in found or found[name].replicas != replicas or not found[name].is_settled_with(ready)
            ]
            return not changed

        with self._logbook.step("restore") as step:
            if before.missing is not None:
                step.kind = "unknown"
                step.value["sentence"] = f"what there was before is not known: {before.missing}"
                return True
            deadline_s = ready_deadline_s(RESTORE_S_MAX, self._clock)
            poll_s = RESTORE_POLL_WALL_S * self._clock.speed
            restored = bool(await wait_for(is_restored, self._clock, deadline_s, poll_s))
            step.kind = "ok" if restored else "fail"
            step.value["sentence"] = (
                f"{len(was)} deployments have the replicas they had before, and as many ready"
                if restored
                else "; ".join(changed)
            )
        return restored

    async def _check_health(self) -> bool:
        """Whether every service of the plan says OK; one line of the history each."""
        healthy = True
        for service in self._plan.recovery.health:
            with self._logbook.step("health", {"service": service}) as step:
                deadline_s = ready_deadline_s(RESTORE_S_MAX, self._clock)
                problems = await await_healthy([service], self._access.shop, self._clock, deadline_s)
                step.kind = "fail" if problems else "ok"
                if not problems:
                    parts = await self._access.shop.health(service)
                    step.value["components"] = {part.service: part.status for part in parts}
                step.value["sentence"] = "; ".join(problems) or f"{service} is OK"
                healthy = healthy and not problems
        return healthy

    async def _plan_mend(self) -> MendPlan | None:
        """What would mend what the newest evidence shows; None when there is none to judge by."""
        taken = [phase for phase in ("after-mend", "after-heal") if load(self._case, phase).orders.present]
        if not taken:
            return None
        books = read_books(self._case, taken[0])
        account = account_books(books)
        options = await self._options()
        mend_plan = plan_mend(account, books.ledger, options)
        if mend_plan.questions and self._ask is not None:
            options = msgspec.structs.replace(options, answers=await self._ask(mend_plan.questions))
            mend_plan = plan_mend(account, books.ledger, options)
        self._logbook.write(
            "note",
            "mend_plan",
            {
                "replay": options.replay,
                "actions": [action.text for action in mend_plan.actions],
                "questions": [question.text for question in mend_plan.questions],
                "left": [each.text for each in mend_plan.left],
                "sentence": f"{account.odd} odd; {len(mend_plan.actions)} actions would mend, "
                f"{len(mend_plan.questions)} questions are open, {len(mend_plan.left)} things are left to a person",
            },
        )
        return mend_plan

    async def _options(self) -> MendOptions:
        try:
            supports_retry = await self._access.shop.supports_retry()
        except Unreachable:
            supports_retry = True  # a plan can be made all the same; before it is applied, orders must answer
        return MendOptions(
            replay=self._plan.recovery.mend.replay, carried_over=self._carried_over, supports_retry=supports_retry
        )

    async def _apply(self, mend_plan: MendPlan) -> MendResult:
        async def mail(notice: NoticeMail) -> None:
            await send_notice(await self._cluster.service_url(MAILBOX, "smtp"), notice, self._clock)

        self._logbook.begin("mend")
        with self._logbook.step("mend", {"actions": len(mend_plan.actions)}) as step:
            known = sum(1 for _ in self._case.history)
            mend = await apply_mend(self._case, self._cluster, self._access.shop, mend_plan, self._clock, mail)
            for entry in list(self._case.history)[known:]:
                self._observer.event(entry)
            failed = mend.with_result("failed")
            step.kind = "ok" if mend.is_whole else "unknown"
            step.value["sentence"] = f"{mend.changed} actions done" + (
                f", {len(failed)} failed: {'; '.join(one.sentence for one in failed)}" if failed else ""
            )
        return mend

    async def _look_again(self) -> tuple[int | None, int | None]:
        """Settle, take the evidence after the mend, and answer what is still odd and what a second mend would do."""
        await await_settled(self._plan.settle_s, self._access.shop, self._clock, self._logbook)
        with self._logbook.step("evidence", {"phase": "after-mend"}) as step:
            missing = await self._evidence.take("after-mend")
            step.value["missing"] = missing
            step.kind = "unknown" if missing else "ok"
        await self._look_at_monitors()
        if "orders" in missing:
            return None, None
        books = read_books(self._case, "after-mend")
        account = account_books(books)
        again = plan_mend(account, books.ledger, await self._options())
        told = f"{account.odd} odd of {account.attempts} attempts; mending again would do {len(again.actions)} things"
        value = {"phase": "after-mend", "odd": account.odd, "again": len(again.actions), "sentence": told}
        self._logbook.write("note", "checks", value)
        return account.odd, len(again.actions)

    async def _look_at_monitors(self) -> None:
        """Keep the monitors once more: by now one that fired has recovered."""
        asked = self._plan.evidence.telemetry
        if not asked.is_empty and self._access.telemetry is not None:
            namespace = self._cluster.namespace
            taker = TelemetryTaker(self._case, self._access.telemetry, asked, namespace, self._clock)
            await taker.take_monitors()


def _sum_up(
    restored: bool,
    healthy: bool,
    trial: TrialResult | None,
    mend_plan: MendPlan | None,
    mend: MendResult | None,
    odd_after: int | None,
) -> str:
    if not restored:
        return "Not everything was restored, so nothing was mended."
    if not healthy:
        return "Not every service is healthy, so nothing was mended."
    if trial is not None and not trial.sells:
        return f"The shop does not sell, so nothing was mended: {trial.sentence}."
    if mend is None:
        actions = len(mend_plan.actions) if mend_plan else 0
        return f"Nothing was mended; the plan of the mend has {actions} actions."
    after = "what is odd now is not known" if odd_after is None else f"{odd_after} odd now"
    return f"The mend did {mend.changed} things; {after}."
