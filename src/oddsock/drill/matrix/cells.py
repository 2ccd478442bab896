"""The cells of a matrix: which remedies are on in each, and the plan that each runs under a seed; pure."""

from collections.abc import Iterator

import msgspec

from oddsock.drill.plan import Plan
from oddsock.drill.plan_fields import Load, PlannedFault
from oddsock.drill.plan_telemetry import TelemetryPlan
from oddsock.drill.remedies import ALL, NONE, RemedyRow, remedies
from oddsock.drill.seconds import Seconds

PAIRS = (("retry", "idempotency"), ("payment_queue", "idempotency"))
QUICK = (NONE, "retry", "payment_queue+idempotency", ALL)

MAIN_WALL_S = 2.5
"""Wall seconds that the main clock of a cell takes, whatever the plan's speed."""

SPEED_MAX = 1000.0
LOAD_ORDERS, LOAD_CUSTOMERS = 24, 24
"""The load of a plan that has none of its own: every customer orders once, so that nobody begins late."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of remedies, by *name*."""

    name: str
    remedies: tuple[str, ...] = ()

    @property
    def rows(self) -> list[RemedyRow]:
        """The remedies that are on."""
        return [remedies()[name] for name in self.remedies]


def list_cells(quick: bool = False) -> list[Cell]:
    """None, each alone, all, each left out, and the pairs; with *quick* only a handful.

    >>> [cell.name for cell in list_cells(quick=True)]
    ['none', 'retry', 'all', 'payment_queue+idempotency']
    """
    names = tuple(remedies())
    cells = [Cell(name=NONE), *(Cell(name=name, remedies=(name,)) for name in names), Cell(name=ALL, remedies=names)]
    cells += [Cell(name=f"all-{left}", remedies=tuple(name for name in names if name != left)) for left in names]
    cells += [Cell(name="+".join(pair), remedies=pair) for pair in PAIRS]
    return [cell for cell in cells if cell.name in QUICK] if quick else cells


def plan_cell(plan: Plan, seed: int) -> Plan:
    """*plan* as every cell of *seed* runs it: the load and the faults of the seed, no mend, no telemetry."""
    ends_at_s = plan.ends_at_s
    load = plan.load or _default_load(plan, ends_at_s)
    shift = seed - plan.seed
    return msgspec.structs.replace(
        plan,
        seed=seed,
        speed=min(SPEED_MAX, max(plan.speed, ends_at_s / MAIN_WALL_S)),
        load=load,
        faults=[_reseed(fault, shift) for fault in plan.faults],
        evidence=msgspec.structs.replace(plan.evidence, phases=("before", "after-heal"), telemetry=TelemetryPlan()),
        abort=[],
        expectations=[],
    )


def _default_load(plan: Plan, ends_at_s: float) -> Load | None:
    socks = sorted(dict.fromkeys(_socks(plan)))
    if not socks or ends_at_s <= 0:
        return None
    return Load(
        customers=LOAD_CUSTOMERS,
        orders=LOAD_ORDERS,
        socks=socks,
        double_clicks=0.15,
        impatient=0.25,
        vanishing=0.05,
        from_s=Seconds(0),
        until_s=Seconds(ends_at_s * 0.95),
    )


def _socks(plan: Plan) -> Iterator[str]:
    for operation in (*plan.lead.operations, *plan.operations):
        yield from operation.socks


def _reseed(fault: PlannedFault, shift: int) -> PlannedFault:
    if "seed" not in fault.settings:
        return fault
    settings = {**fault.settings, "seed": int(fault.settings["seed"]) + shift}
    return msgspec.structs.replace(fault, settings=settings)
