"""The fields of a plan as a person writes them in YAML; `plan_schema` turns them into the published JSON Schema.

Times are plan seconds on the clock of their part (the lead's or the main one), as a number or as text such as 4m32s.
"""

from typing import Annotated, Any, Literal

import msgspec

from oddsock.drill.operation import Verb
from oddsock.drill.plan_telemetry import QUESTION, TelemetryPlan
from oddsock.drill.predicate import Predicate
from oddsock.drill.seconds import Seconds

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
USERNAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$"
CARD_NUMBER = r"^([0-9]{10,15}|\*{12})[0-9]{4}$"
CARD_EXPIRES = r"^[0-9]{2}/[0-9]{2}$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
CHECK = r"^[A-Z][0-9]{1,2}$"

FORMS = {
    NAME: "a name of small letters, digits and hyphens",
    USERNAME: "a name of at most 40 letters, digits, dots, hyphens and underscores",
    CARD_NUMBER: "a test card's 14 to 19 digits, or ************ and the last four",
    CARD_EXPIRES: "a month and a year as 08/29",
    VARIABLE: "the name of an environment variable, such as ORDER_PROFILE",
    CHECK: "the id of a check, such as C1",
    QUESTION: "the id of a question, such as Q1 or Q10a",
}
"""What each pattern asks for, in words."""

Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Username = Annotated[str, msgspec.Meta(pattern=USERNAME)]
CheckId = Annotated[str, msgspec.Meta(pattern=CHECK)]
Variable = Annotated[str, msgspec.Meta(pattern=VARIABLE)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=99)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Phase = Literal["before", "during", "after-heal", "after-mend"]
Severity = Literal["P1", "P2", "P3", "P4", "P5"]
Replay = Literal["all", "latest", "ask"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a plan: unknown fields are errors, so that a typing mistake is never silently ignored."""


class Address(_Part, frozen=True, kw_only=True):
    """Where a customer's parcels go."""

    street: str = "Whitelees Road"
    number: str = "246"
    city: str = "Glasgow"
    postcode: str = "G67 3DL"
    country: str = "United Kingdom"


class Card(_Part, frozen=True, kw_only=True):
    """A test card, never a real one; a masked *number* gets its other digits, and every card its ccv, from the seed."""

    number: Annotated[str, msgspec.Meta(pattern=CARD_NUMBER)] = "************5918"
    expires: Annotated[str, msgspec.Meta(pattern=CARD_EXPIRES)] = "08/29"


class PlannedCustomer(_Part, frozen=True, kw_only=True):
    """A customer; the password is made from the plan's seed and the username and written nowhere."""

    username: Username
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    card: Card = msgspec.field(default_factory=Card)
    address: Address = msgspec.field(default_factory=Address)


class PlannedOperation(_Part, frozen=True, kw_only=True):
    """At *at* customer *customer* does *do*; add and remove name *socks* with their quantities.

    A checkout *twice* is a double click: the button of one form pressed a second time before the first has its answer.
    """

    at: Seconds
    customer: Username
    do: Verb
    socks: dict[str, Quantity] = {}
    twice: bool = False


class PlannedFault(_Part, frozen=True, kw_only=True):
    """*fault* of the catalogue on deployment *target*, injected at *from* and healed at *until* (else at the end).

    Without an *id* the plan gives it one when it is read.
    """

    fault: str
    target: Name
    from_s: Seconds = msgspec.field(name="from")
    until_s: Seconds | None = msgspec.field(name="until", default=None)
    id: Name = ""
    settings: dict[str, Any] = {}


class Load(_Part, frozen=True, kw_only=True):
    """Seeded customers shopper-01 ... who register and order between *from* and *until*, however long answers take.

    So many *orders*, or at *rate* orders a plan second; each buys one of *socks*, or one of *carts*. Of the visits a
    share double-clicks, a share presses again after *patience* without a confirmation, and a share's browser vanishes.
    """

    customers: Annotated[int, msgspec.Meta(ge=1, le=5000)]
    orders: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    rate: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    socks: list[str] = []
    carts: list[dict[str, Quantity]] = []
    double_clicks: Share = 0.0
    impatient: Share = 0.0
    patience: Seconds = msgspec.field(default_factory=lambda: Seconds(20))
    vanishing: Share = 0.0
    from_s: Seconds = msgspec.field(name="from")
    until_s: Seconds = msgspec.field(name="until")

    @property
    def orders_count(self) -> int:
        """How many visits end in an order."""
        return self.orders or max(1, round(self.rate * (self.until_s - self.from_s)))


class Lead(_Part, frozen=True, kw_only=True):
    """What happens before the main clock starts, on a clock of its own: earlier orders, earlier outages."""

    operations: list[PlannedOperation] = []
    faults: list[PlannedFault] = []


class SteadyState(_Part, frozen=True, kw_only=True):
    """What must be true before anything is broken: ready counts by deployment, services whose /health is OK.

    *switches* names variables of the shop's deployments and their values: a stack that the drill boots for itself
    starts with them, any other cluster must have them already and is never changed for them. *boots_with* names more
    for a stack of the drill's own, which another cluster need not have.
    """

    switches: dict[Variable, str] = {}
    boots_with: dict[Variable, str] = {}
    deployments: dict[Name, Annotated[int, msgspec.Meta(ge=0)]] = {}
    healthy: list[Name] = []
    within: Seconds = msgspec.field(default_factory=lambda: Seconds(300))


class EvidencePlan(_Part, frozen=True, kw_only=True):
    """The phases evidence is taken in; *during* is when on the main clock, default just before the first heal.

    *telemetry* is what is asked of logs, metrics and events; without it nothing is.
    """

    phases: tuple[Phase, ...] = ("before", "during", "after-heal", "after-mend")
    during: Seconds | None = None
    telemetry: TelemetryPlan = msgspec.field(default_factory=TelemetryPlan)


class TrialOrder(_Part, frozen=True, kw_only=True):
    """The order by which a synthetic customer proves that the shop sells again; it is cancelled and refunded."""

    socks: dict[str, Quantity]
    customer: PlannedCustomer = PlannedCustomer(
        username="oddsock-test-order",
        first_name="Test",
        last_name="Order",
        email="test-order@oddsock.invalid",
    )


class Mending(_Part, frozen=True, kw_only=True):
    """Whether the mend is applied, and which suspected re-attempts are charged."""

    apply: bool = False
    replay: Replay = "ask"


class Recovery(_Part, frozen=True, kw_only=True):
    """What happens after the faults are healed."""

    health: list[Name] = []
    test_order: TrialOrder | None = None
    mend: Mending = msgspec.field(default_factory=Mending)


class PlanFields(_Part, frozen=True, kw_only=True):
    """A drill as data."""

    name: Name
    title: str
    incident: str = ""
    severity: Severity = "P3"
    operator: str = ""
    owner: str = ""
    runbook: str = ""
    next_action: str = ""
    namespace: Name = "sock-shop"
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    speed: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 30.0
    customers: list[PlannedCustomer] = []
    steady_state: SteadyState = msgspec.field(default_factory=SteadyState)
    lead: Lead = msgspec.field(default_factory=Lead)
    operations: list[PlannedOperation] = []
    load: Load | None = None
    faults: list[PlannedFault] = []
    evidence: EvidencePlan = msgspec.field(default_factory=EvidencePlan)
    abort: list[Predicate] = []
    settle_s: Seconds = msgspec.field(default_factory=lambda: Seconds(30))
    recovery: Recovery = msgspec.field(default_factory=Recovery)
    checks: Literal["all"] | list[CheckId] = "all"
    expectations: list[Predicate] = []
