"""What no type can say of a plan: names that lead nowhere, times out of order, faults on top of each other."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec

from oddsock.drill.checks.catalog import CATALOG
from oddsock.drill.faults.catalog import FAULTS, make_fault
from oddsock.drill.faults.fault_point import FaultPoint, shop_points
from oddsock.drill.plan_complaint import complain, suggest
from oddsock.drill.plan_fields import Load, PlanFields, PlannedFault, PlannedOperation
from oddsock.drill.plan_source import Step, split_path
from oddsock.drill.plan_telemetry_mistakes import find_remedy_mistakes, find_telemetry_mistakes
from oddsock.kit.mask import is_secret

LOAD_ORDERS_MAX = 100_000
"""Orders that one load may place."""

LIVE_FIGURES = ("attempts", "attempts_ok", "attempts_fail", "attempts_unknown", "operations_unknown", "elapsed_s")
"""What an abort condition may compare: counts of the main clock so far, and its plan seconds."""

Mistake = tuple[list[Step], str]


def find_mistakes(plan: PlanFields) -> Iterator[Mistake]:
    """Every mistake of *plan* as the place where it stands and one sentence."""
    yield from _customers(plan)
    yield from _operations(plan, ["lead", "operations"], plan.lead.operations)
    yield from _operations(plan, ["operations"], plan.operations)
    yield from _first_steps(plan)
    yield from _faults(["lead", "faults"], plan.lead.faults)
    yield from _faults(["faults"], plan.faults)
    yield from _lead(plan)
    yield from _switches(plan)
    yield from _evidence(plan)
    yield from find_telemetry_mistakes(plan.evidence.telemetry)
    for at, condition in enumerate(plan.abort):
        if condition.figure not in LIVE_FIGURES:
            yield (
                ["abort", at],
                f"An abort condition cannot compare `{condition.figure}`, only {', '.join(LIVE_FIGURES)}"
                f"{suggest(condition.figure, LIVE_FIGURES)}",
            )
        elif condition.needed or condition.unless:
            yield (
                ["abort", at],
                "An abort condition holds whatever remedies are in force; leave `with` and `unless` out.",
            )
    yield from find_remedy_mistakes(["expectations"], plan.expectations)
    known = [check.id for check in CATALOG]
    for at, check in enumerate(plan.checks if isinstance(plan.checks, list) else []):
        if check not in known:
            yield ["checks", at], f"There is no check {check}{suggest(check, known)}"
    if plan.load:
        yield from _load(plan.load)


def _switches(plan: PlanFields) -> Iterator[Mistake]:
    for field in ("switches", "boots_with"):
        for name in filter(is_secret, getattr(plan.steady_state, field)):
            yield ["steady_state", field, name], f"{name} is a secret by its name, and a plan is kept in each case."


def _load(load: Load) -> Iterator[Mistake]:
    if load.until_s <= load.from_s:
        yield ["load", "until"], "The load must end after it begins."
    if bool(load.orders) == bool(load.rate):
        yield ["load"], "The load needs either a number of orders or a rate."
    if load.orders_count > LOAD_ORDERS_MAX:
        yield ["load", "rate"], f"The load would place {load.orders_count} orders, more than {LOAD_ORDERS_MAX}."
    if bool(load.socks) == bool(load.carts) or not all(load.carts):
        yield ["load"], "The load needs either socks, of which each order buys one, or carts that are not empty."
    if load.double_clicks + load.impatient + load.vanishing > 1:
        yield ["load"], "The shares of double clicks, impatient customers and vanishing browsers are more than all."


def _customers(plan: PlanFields) -> Iterator[Mistake]:
    seen: set[str] = set()
    for at, customer in enumerate(plan.customers):
        if customer.username in seen:
            yield ["customers", at, "username"], f"The customer {customer.username} stands twice in the plan."
        seen.add(customer.username)
    trial = plan.recovery.test_order
    if trial and trial.customer.username in seen:
        yield (
            ["recovery", "test_order", "customer"],
            f"The test order needs a customer of its own; {trial.customer.username} is one of the plan's.",
        )
    if trial and not trial.socks:
        yield ["recovery", "test_order"], "The test order names no socks."


def _operations(plan: PlanFields, where: list[Step], operations: Sequence[PlannedOperation]) -> Iterator[Mistake]:
    known = [customer.username for customer in plan.customers]
    for at, operation in enumerate(operations):
        if operation.customer not in known:
            yield (
                [*where, at, "customer"],
                f"The plan has no customer {operation.customer}{suggest(operation.customer, known)}",
            )
        wants_socks = operation.do in ("add", "remove")
        if wants_socks and not operation.socks:
            yield [*where, at], f"To {operation.do}, name the socks with their quantities."
        if operation.twice and operation.do != "checkout":
            yield [*where, at, "twice"], f"Only a checkout is pressed twice, not a {operation.do}."
        if operation.socks and not wants_socks:
            yield [*where, at, "socks"], f"Only add and remove name socks; a {operation.do} takes the cart as it is."


def _first_steps(plan: PlanFields) -> Iterator[Mistake]:
    """A customer registers or logs in before anything else, in the lead or on the main clock."""
    entered: set[str] = set()
    parts: list[tuple[list[Step], list[PlannedOperation]]] = [
        (["lead", "operations"], plan.lead.operations),
        (["operations"], plan.operations),
    ]
    for where, operations in parts:
        # sorted() is stable: operations of one instant stay in the order of the file.
        for at, operation in sorted(enumerate(operations), key=lambda pair: pair[1].at):
            if operation.do in ("register", "login"):
                entered.add(operation.customer)
            elif operation.customer not in entered:
                yield [*where, at], f"{operation.customer} must register or log in before the first {operation.do}."
                entered.add(operation.customer)


def _faults(where: list[Step], faults: Sequence[PlannedFault]) -> Iterator[Mistake]:
    ids: set[str] = set()
    for at, fault in enumerate(faults):
        if fault.fault not in FAULTS:
            yield (
                [*where, at, "fault"],
                f"There is no fault {fault.fault}, only {', '.join(sorted(FAULTS))}{suggest(fault.fault, FAULTS)}",
            )
        else:
            yield from _settings([*where, at, "settings"], fault)
        if fault.until_s is not None and fault.until_s <= fault.from_s:
            yield [*where, at, "until"], "A fault must end after it begins."
        if fault.id and fault.id in ids:
            yield [*where, at, "id"], f"The fault id {fault.id} stands twice in the plan."
        ids.add(fault.id)
    for (_, one), (at, other) in combinations(enumerate(faults), 2):
        if one.target == other.target and one.fault == other.fault and _overlap(one, other):
            yield [*where, at], f"Two windows of {other.fault} on {other.target} overlap; heal the first one before."


def _settings(where: list[Step], fault: PlannedFault) -> Iterator[Mistake]:
    if "target" in fault.settings:
        yield [*where, "target"], "The target stands beside the settings, not in them."
        return
    try:
        make_fault(fault.fault, fault.target, fault.settings)
    except msgspec.ValidationError as cause:
        problem, steps = split_path(str(cause))
        kind = FAULTS[fault.fault]
        yield [*where, *steps], f"Fault {fault.fault}: {complain(problem, ['settings', *steps], kind, 1)}"
        return
    point = fault.settings.get("point")
    if fault.fault == FaultPoint.name and point not in (known := shop_points()):
        yield (
            [*where, "point"],
            f"The shop has no fault point {point}, only {', '.join(known)}{suggest(str(point), known)}",
        )


def _overlap(one: PlannedFault, other: PlannedFault) -> bool:
    first, second = sorted((one, other), key=lambda fault: fault.from_s)
    return first.until_s is None or second.from_s < first.until_s


def _lead(plan: PlanFields) -> Iterator[Mistake]:
    for at, fault in enumerate(plan.lead.faults):
        if fault.until_s is None:
            yield (
                ["lead", "faults", at],
                "A fault of the lead needs an end: it is over before the drill begins.",
            )
    main = {fault.id for fault in plan.faults if fault.id}
    for at, fault in enumerate(plan.lead.faults):
        if fault.id in main:
            yield ["lead", "faults", at, "id"], f"The fault id {fault.id} stands twice in the plan."


def _evidence(plan: PlanFields) -> Iterator[Mistake]:
    during = plan.evidence.during
    if during is None or not plan.faults:
        return
    if not any(fault.from_s <= during and (fault.until_s is None or during <= fault.until_s) for fault in plan.faults):
        yield ["evidence", "during"], f"No fault holds at {during:g} s, when the evidence `during` is to be taken."
