"""The customers of a plan as a pure generator: the same plan and seed give the same operations, in the same order.

Nothing here touches a network or a clock. Secrets (passwords, the hidden digits of test cards) are made from the seed,
so that a later command can log in again although no case holds them.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from oddsock.drill.history import Phase
from oddsock.drill.operation import Operation, Verb
from oddsock.drill.plan_fields import Card, Load, PlanFields, PlannedCustomer, PlannedOperation, TrialOrder

TEST_CARD_BEGIN = "45390000"
"""The first digits of every card made here: a range of test numbers."""

REGISTER_LEAD_S = 5.0
"""How long after its beginning the first order of the load is placed, in plan seconds, where the load leaves room."""

ARRIVE_LEAD_S = 20.0
"""How long before their own first order customers of the load register, in plan seconds, but not before it begins."""

ADD_LEAD_S = 0.5
"""How long before its checkout a customer of the load fills the cart, in plan seconds."""


DOUBLE_CLICK_S = 0.2
"""Plan seconds between the two presses of a double click."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with everything needed to register; `password`, `card_number` and `ccv` are never written down."""

    username: str
    password: str
    first_name: str
    last_name: str
    email: str
    card_number: str
    card_expires: str
    ccv: str
    street: str
    number: str
    city: str
    postcode: str
    country: str
    synthetic: bool = False


def people(plan: PlanFields) -> list[Person]:
    """Every customer of *plan* and of its load; the one who places the test order is the last, and synthetic."""
    loaded = (_load_customer(n) for n in range(1, (plan.load.customers if plan.load else 0) + 1))
    made = [make_person(planned, plan.seed) for planned in (*plan.customers, *loaded)]
    if plan.recovery.test_order:
        made.append(make_person(plan.recovery.test_order.customer, plan.seed, synthetic=True))
    return made


def make_person(planned: PlannedCustomer, seed: int, synthetic: bool = False) -> Person:
    """*planned* with the secrets that *seed* gives them."""
    return Person(
        username=planned.username,
        password=password(seed, planned.username),
        first_name=planned.first_name or planned.username,
        last_name=planned.last_name or "Example",
        email=planned.email or f"{planned.username.lower()}@customers.invalid",
        card_number=_card_number(planned.card, seed, planned.username),
        card_expires=planned.card.expires,
        ccv=f"{_digest(seed, planned.username, 'ccv') % 1000:03d}",
        street=planned.address.street,
        number=planned.address.number,
        city=planned.address.city,
        postcode=planned.address.postcode,
        country=planned.address.country,
        synthetic=synthetic,
    )


def password(seed: int, username: str) -> str:
    """The password of *username* under *seed*; the same whenever it is asked."""
    return f"{_digest(seed, username, 'password'):020x}"[-20:]


def operations(plan: PlanFields) -> list[Operation]:
    """Everything the customers do in the lead and on the main clock, by time, with ids a0001, a0002 ..."""
    lead = [press for one in plan.lead.operations for press in _timed(one, "lead", plan.seed)]
    main = [press for one in plan.operations for press in _timed(one, "main", plan.seed)]
    main += _load_operations(plan.load, plan.seed) if plan.load else []
    # sorted() is stable: what the plan has at one instant stays in the order of its file.
    ordered = [*sorted(lead, key=_time), *sorted(main, key=_time)]
    return list(_numbered(ordered, 1))


def trial_operations(trial: TrialOrder, first: int) -> list[Operation]:
    """What the synthetic customer does for the test order, numbered from *first*: register, fill the cart, order."""
    name = trial.customer.username
    verbs: tuple[Verb, ...] = ("register", "clear", "add", "checkout")
    socks = sorted(trial.socks.items())
    return list(
        _numbered(
            [
                Operation(
                    id="",
                    username=name,
                    at_s=0.0,
                    verb=verb,
                    phase="recovery",
                    socks=socks if verb == "add" else [],
                    synthetic=True,
                )
                for verb in verbs
            ],
            first,
        )
    )


def _timed(planned: PlannedOperation, phase: Phase, seed: int) -> list[Operation]:
    made = Operation(
        id="",
        username=planned.customer,
        at_s=float(planned.at),
        verb=planned.do,
        phase=phase,
        socks=list(planned.socks.items()),
    )
    if not planned.twice:
        return [made]
    token = f"{_digest(seed, planned.customer, f'form {phase} {planned.at:g}') % 16**24:024x}"
    press = msgspec.structs.replace(made, order_token=token, pressed_again=True)
    return [press, msgspec.structs.replace(press, beside=True)]


def _numbered(ordered: Iterable[Operation], first: int) -> Iterator[Operation]:
    for number, operation in enumerate(ordered, first):
        yield msgspec.structs.replace(operation, id=f"a{number:04d}")


def _time(operation: Operation) -> float:
    return operation.at_s


def _load_operations(load: Load, seed: int) -> list[Operation]:
    """*load*'s orders at seeded instants, dealt to its customers in turn so that each has nearly the same number."""
    chance = random.Random(seed)
    begins = min(load.from_s + REGISTER_LEAD_S, (load.from_s + load.until_s) / 2)
    instants = sorted(chance.uniform(begins, load.until_s) for _ in range(load.orders_count))
    made = [
        Operation(id="", username=_load_name(n), at_s=_arrives_at(load, instants, n), verb="register", load=True)
        for n in range(1, load.customers + 1)
    ]
    presses: list[Operation] = []
    for number, at_s in enumerate(instants):
        name = _load_name(number % load.customers + 1)
        at_s = round(at_s, 3)
        socks = [(chance.choice(load.socks), 1)] if load.socks else sorted(chance.choice(load.carts).items())
        add_at_s = max(at_s - ADD_LEAD_S, float(load.from_s))
        made.append(Operation(id="", username=name, at_s=add_at_s, verb="add", socks=socks, load=True))
        token = f"{_digest(seed, name, f'visit {number}') % 16**24:024x}"
        press = Operation(id="", username=name, at_s=at_s, verb="checkout", load=True, order_token=token)
        made.append(_first_press(press, load, chance.random(), presses))
    return [*_in_turn(made), *presses]


def _arrives_at(load: Load, instants: Sequence[float], customer: int) -> float:
    """When *customer* registers: before the first of those *instants* that is theirs, at the beginning without one."""
    at_s = instants[customer - 1] - ARRIVE_LEAD_S if customer <= len(instants) else 0.0
    return round(max(at_s, float(load.from_s)), 3)


def _first_press(press: Operation, load: Load, drawn: float, presses: list[Operation]) -> Operation:
    """*press* as a customer of the kind that *drawn* says does it; a second press goes to *presses*."""
    twice = msgspec.structs.replace(press, pressed_again=True)
    again = msgspec.structs.replace(twice, beside=True)
    if drawn < load.double_clicks:
        presses.append(msgspec.structs.replace(again, at_s=press.at_s + DOUBLE_CLICK_S))
        return twice
    if drawn < load.double_clicks + load.impatient:
        presses.append(msgspec.structs.replace(again, at_s=press.at_s + load.patience, if_untold=True))
        return twice
    if drawn < load.double_clicks + load.impatient + load.vanishing:
        return msgspec.structs.replace(press, vanishes=True)
    return press


def _in_turn(made: Sequence[Operation]) -> list[Operation]:
    """The same, with no customer's fill or checkout before their own previous operation."""
    latest: dict[str, float] = {}
    turned = []
    for operation in made:
        at_s = max(operation.at_s, latest.get(operation.username, 0.0))
        latest[operation.username] = at_s
        turned.append(msgspec.structs.replace(operation, at_s=at_s))
    return turned


def _load_name(number: int) -> str:
    return f"shopper-{number:02d}"


def _load_customer(number: int) -> PlannedCustomer:
    return PlannedCustomer(username=_load_name(number), first_name="Shopper", last_name=f"{number:02d}")


def _card_number(card: Card, seed: int, username: str) -> str:
    if card.number.isdigit():
        return card.number
    return f"{TEST_CARD_BEGIN}{_digest(seed, username, 'card') % 10_000:04d}{card.number[-4:]}"


def _digest(seed: int, username: str, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{username}:{purpose}".encode()).digest(), "big")
