"""What every section is computed from: the files of the case, its accounts, the window, and who placed what."""

from collections.abc import Callable
from functools import cached_property

import msgspec

from oddsock.clients.sockshop.books import Order
from oddsock.drill.evidence_files import Evidence
from oddsock.drill.operation import Attempt
from oddsock.drill.report.figure import Figures
from oddsock.drill.report.folder import AFTER_HEAL, AFTER_MEND, DURING, CaseFiles, HasPath, read_case
from oddsock.drill.report.window import Window, main_window
from oddsock.drill.verdict import Account, Outcome

PAID_STATUSES = frozenset({"PAID", "SHIPPED", "DELIVERED"})

Reckon = Callable[[HasPath, str, list[str]], Account]
"""How a phase is accounted for, given the differences a verification found: `drill.account.account`."""


class Context(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The case, read once: *before* is the phase that shows the damage, *after* the mended one, "" when not taken."""

    files: CaseFiles
    accounts: dict[str, Account]
    window: Window | None
    before: str
    after: str
    order_of_attempt: dict[str, str]
    window_attempts: list[Attempt]
    failed_attempts: list[Attempt]
    figures: Figures

    @property
    def speed(self) -> float:
        """Plan seconds a wall second."""
        return self.files.speed

    @property
    def last(self) -> str:
        """The last phase in which the orders were read; empty when they never were."""
        return self.after or self.before

    @property
    def failed_ids(self) -> list[str]:
        """The orders that failed in the window as they were attempted; attempts without an order are left out."""
        ids = (self.order_of_attempt.get(attempt.operation, "") for attempt in self.failed_attempts)
        return [order_id for order_id in ids if order_id]

    @property
    def refused_ids(self) -> list[str]:
        """Those of them that the shop gave up as PAYMENT_FAILED, as the journal has it; all where nobody kept one."""
        phase = self.files.latest("journal")
        if phase is None:
            return self.failed_ids
        journal = self.files.evidence[phase].journal.rows
        given_up = {change.order_id for change in journal if change.status == "PAYMENT_FAILED"}
        return [order_id for order_id in self.failed_ids if order_id in given_up]

    @property
    def unplaced(self) -> list[Attempt]:
        """The failed attempts that left no order in the books: all of an outage where orders are saved last."""
        if not self.before:
            return []
        known = self.orders(self.before).keys() | self.orders(self.after).keys()
        return [a for a in self.failed_attempts if self.order_of_attempt.get(a.operation, "") not in known]

    def evidence(self, phase: str) -> Evidence | None:
        """The evidence of *phase*, None when the phase's name is empty."""
        return self.files.evidence[phase] if phase else None

    def orders(self, phase: str) -> dict[str, Order]:
        """The orders of *phase* by id; empty when they were not read."""
        evidence = self.evidence(phase)
        return {order.id: order for order in evidence.orders.rows} if evidence else {}

    def outcome(self, phase: str, order_id: str) -> Outcome | None:
        """What became of an order by the account of *phase*."""
        return self._outcomes.get(phase, {}).get(order_id)

    @cached_property
    def _outcomes(self) -> dict[str, dict[str, Outcome]]:
        """By phase and order; the first of two, and none without an order."""
        return {
            phase: {row.order_id: row for row in reversed(account.outcomes) if row.order_id}
            for phase, account in self.accounts.items()
        }

    def name_of(self, item_id: str) -> str:
        """A sock's name by this run's catalogue, else its id."""
        phase = self.files.latest("catalogue")
        rows = self.files.evidence[phase].catalogue.rows if phase else []
        return next((sock.name for sock in rows if sock.id == item_id), item_id)


def attempt_failed(attempt: Attempt, order_id: str, orders: dict[str, Order], counted: bool) -> bool:
    """Whether an attempt left no paid order; by the customer's answer alone when no orders were *counted*."""
    if not counted:
        return attempt.end != "ok"
    order = orders.get(order_id)
    return order is None or order.status not in PAID_STATUSES


def _match_orders(files: CaseFiles, accounts: dict[str, Account]) -> dict[str, str]:
    """Which order each attempt left: as the ledger joined them, else as the answer or the orders' journal says."""
    by_request: dict[str, str] = {}
    if phase := files.latest("journal"):
        for change in files.evidence[phase].journal.rows:
            if change.request_id:
                by_request.setdefault(change.request_id, change.order_id)
    matched = {
        attempt.operation: attempt.order_id or by_request.get(attempt.request_id, "") for attempt in files.attempts
    }
    for account in accounts.values():
        for outcome in account.outcomes:
            if outcome.order_id:
                matched.update(dict.fromkeys(outcome.attempts, outcome.order_id))
    return {operation: order_id for operation, order_id in matched.items() if order_id}


def build_context(case: HasPath, reckon: Reckon, differences: list[str]) -> Context:
    """Read *case* and account for each phase in which the orders were read; CannotRun when a file is damaged.

    *differences* is what a verification of the written report found; G4 is judged by it.
    """
    files = read_case(case)
    taken = [phase for phase in (AFTER_HEAL, AFTER_MEND) if files.has(phase, "orders")]
    accounts = {phase: reckon(case, phase, differences) for phase in taken}
    window = main_window(files)
    matched = _match_orders(files, accounts)
    before = files.latest("orders", DURING, AFTER_HEAL) or ""
    orders = {order.id: order for order in files.evidence[before].orders.rows} if before else {}
    in_window = [a for a in files.attempts if window and not a.synthetic and window.holds(a.invoked_at)]
    in_window = [a for a in in_window if a.phase != "lead"]
    return Context(
        files=files,
        accounts=accounts,
        window=window,
        before=before,
        after=AFTER_MEND if files.has(AFTER_MEND, "orders") else "",
        order_of_attempt=matched,
        window_attempts=in_window,
        failed_attempts=[a for a in in_window if attempt_failed(a, matched.get(a.operation, ""), orders, bool(before))],
        figures=Figures(),
    )
