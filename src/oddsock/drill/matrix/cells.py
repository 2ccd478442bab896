"""The cells of a matrix: which remedies are on in each, and the plan that each runs under a seed; pure."""

from collections.abc import Iterator

import msgspec

from oddsock.drill.plan import Plan
from oddsock.drill.plan_complaint import suggest
from oddsock.drill.plan_fields import Load, PlannedFault
from oddsock.drill.plan_telemetry import TelemetryPlan
from oddsock.drill.remedies import ALL, NONE, RemedyRow, remedies
from oddsock.drill.seconds import Seconds
from oddsock.kit.errors import UsageError

PAIRS = (("retry", "idempotency"), ("payment_queue", "idempotency"))
QUICK = (NONE, "retry", "retry+idempotency", ALL)

MAIN_WALL_S = 2.5
"""Wall seconds that the main clock of a cell takes, whatever the plan's speed, on a machine with nothing else to do."""

SPEED_MAX = 1000.0
SETTLE_WALL_S = 10.0
"""Wall seconds that a cell whose orders still move gets to bring them to their end."""

LOAD_ORDERS, LOAD_CUSTOMERS = 24, 24
"""The load of a plan that has none of its own: every customer orders once, so that nobody begins late."""

LOAD_ENDS = 0.75
"""The share of the outage after which that load orders no more, so that its last presses come before the heal."""

PATIENCE_WALL_S = 0.25
"""How long its impatient customers wait, in wall seconds at the full speed: longer than an answer takes to come."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of remedies, by *name*."""

    name: str
    remedies: tuple[str, ...] = ()

    @property
    def rows(self) -> list[RemedyRow]:
        """The remedies that are on."""
        return [remedies()[name] for name in self.remedies]

    @property
    def installs(self) -> set[str]:
        """What its telemetry begins with."""
        return {row.telemetry for row in self.rows if row.telemetry}

    @property
    def is_watched(self) -> bool:
        """Whether telemetry stands beside its shop: where it can tell a difference, for it changes no order."""
        watching = [name for name, row in remedies().items() if row.telemetry]
        return self.name in (NONE, ALL, *watching, *(_left_out(name) for name in watching))


def list_cells(quick: bool = False) -> list[Cell]:
    """None, each alone, all, each left out, and the pairs; with *quick* only a handful.

    >>> [cell.name for cell in list_cells(quick=True)]
    ['none', 'retry', 'all', 'retry+idempotency']
    """
    names = tuple(remedies())
    cells = [Cell(name=NONE), *(Cell(name=name, remedies=(name,)) for name in names), Cell(name=ALL, remedies=names)]
    cells += [Cell(name=_left_out(left), remedies=tuple(name for name in names if name != left)) for left in names]
    cells += [Cell(name="+".join(pair), remedies=pair) for pair in PAIRS]
    return [cell for cell in cells if cell.name in QUICK] if quick else cells


def find_cells(told: str) -> list[Cell]:
    """The cells that *told* names, with commas between; UsageError at the first that does not exist.

    >>> [cell.name for cell in find_cells("all-saga, none")]
    ['none', 'all-saga']
    """
    cells = list_cells()
    known = [cell.name for cell in cells]
    names = [name.strip() for name in told.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(f"There is no cell {name!r}{suggest(name, known)}", f"There are {', '.join(known)}.")
    return [cell for cell in cells if cell.name in names]


def _left_out(name: str) -> str:
    return f"{ALL}-{name}"


def plan_cell(plan: Plan, seed: int, slowed: float = 1.0) -> Plan:
    """*plan* as every cell of *seed* runs it: the load and the faults of the seed, no mend, no questions to telemetry.

    *slowed* times slower than on a machine with nothing else to do, with as much longer deadlines of calls; the plan's
    times stay what they are.
    """
    ends_at_s = plan.ends_at_s
    speed = min(SPEED_MAX, max(plan.speed, ends_at_s / MAIN_WALL_S))
    shift = seed - plan.seed
    boots_with = {**plan.steady_state.boots_with, **({"CALL_WALL_S_MIN": f"{slowed:g}"} if slowed > 1 else {})}
    return msgspec.structs.replace(
        plan,
        seed=seed,
        speed=speed / slowed,
        steady_state=msgspec.structs.replace(plan.steady_state, boots_with=boots_with),
        load=plan.load or _default_load(plan, ends_at_s, speed),
        faults=[_reseed(fault, shift) for fault in plan.faults],
        evidence=msgspec.structs.replace(plan.evidence, phases=("after-heal",), telemetry=TelemetryPlan()),
        settle_s=Seconds(SETTLE_WALL_S * speed / slowed),
        abort=[],
        expectations=[],
    )


def _default_load(plan: Plan, ends_at_s: float, speed: float) -> Load | None:
    """Orders within the time in which every fault of *plan* holds, else over the whole of it."""
    socks = sorted(dict.fromkeys(_socks(plan)))
    begins_at_s = max((float(fault.from_s) for fault in plan.faults), default=0.0)
    heals_at_s = min((plan.heals_at_s(fault) for fault in plan.faults), default=ends_at_s)
    if not socks or heals_at_s <= begins_at_s:
        return None
    return Load(
        customers=LOAD_CUSTOMERS,
        orders=LOAD_ORDERS,
        socks=socks,
        double_clicks=0.15,
        impatient=0.25,
        patience=Seconds(PATIENCE_WALL_S * speed),
        vanishing=0.05,
        from_s=Seconds(begins_at_s),
        # Nobody presses a button about the instant of an inject or a heal: on whose side it would fall is chance.
        until_s=Seconds(begins_at_s + (heals_at_s - begins_at_s) * LOAD_ENDS),
    )


def _socks(plan: Plan) -> Iterator[str]:
    for operation in (*plan.lead.operations, *plan.operations):
        yield from operation.socks


def _reseed(fault: PlannedFault, shift: int) -> PlannedFault:
    if "seed" not in fault.settings:
        return fault
    settings = {**fault.settings, "seed": int(fault.settings["seed"]) + shift}
    return msgspec.structs.replace(fault, settings=settings)
