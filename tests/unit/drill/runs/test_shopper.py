"""A shopper performs one operation, never raises, and writes down how it ended."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from oddsock.clients.sockshop.browser import VANISHED
from oddsock.drill.history import Entry
from oddsock.drill.logbook import Logbook
from oddsock.drill.operation import Attempt, Operation, Verb, attempts
from oddsock.drill.plan import Plan, parse_plan
from oddsock.drill.shopper import act, perform

PLAN = """\
name: toy
title: A toy
seed: 5
customers:
  - {username: Rayaan, card: {number: "4539000000001012"}}
"""


class Counter:
    """One customer's drill in a toy world."""

    def __init__(self, world: Any, plan: Plan) -> None:
        self.world = world
        self.access = world.access(plan)
        self.logbook = Logbook(world.case, world.clock, world.watcher)
        self.number = 0

    async def do(self, verb: Verb, **socks: int) -> Entry:
        """Perform *verb* with *socks* (their names with underscores)."""
        self.number += 1
        named = [(name.replace("_", " "), count) for name, count in socks.items()]
        operation = Operation(id=f"a{self.number:04d}", username="Rayaan", at_s=0.0, verb=verb, socks=named)
        return await perform(operation, self.access.sessions, self.logbook)

    def attempt(self) -> Attempt:
        """The last attempt of the history."""
        return attempts(self.world.case.history)[-1]


@pytest.fixture
def counter(world: Any) -> Counter:
    return Counter(world, parse_plan(PLAN))


async def test_an_order_that_is_placed_is_ok_and_the_attempt_says_what_was_wanted(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Holy_Cringle_Socks=1)
    entry = await counter.do("checkout")
    attempt = counter.attempt()
    assert entry.kind == attempt.end == "ok"
    assert attempt.total_cents == 10498
    assert [(line.name, line.quantity, line.unit_cents) for line in attempt.lines] == [("Holy Cringle Socks", 1, 9999)]
    assert (attempt.told, attempt.http_status, attempt.cart_after) == ("confirmation", 201, [])
    assert attempt.order_id in counter.world.toy.orders
    assert attempt.request_id
    assert attempt.traceparent


async def test_a_500_is_unknown_with_nothing_told_and_the_cart_kept(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    counter.world.cluster.counts["payment"] = 0
    await counter.do("checkout")
    attempt = counter.attempt()
    assert (attempt.end, attempt.http_status, attempt.told, attempt.message) == ("unknown", 500, "nothing", "")
    assert attempt.cart_after is not None
    assert [line.item_id for line in attempt.cart_after] == ["sock-crossed"]


async def test_who_got_a_confirmation_does_not_order_again_and_who_got_none_does(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    for number, ready in enumerate((0, 0, 1, 1)):
        counter.world.cluster.counts["payment"] = ready
        checkout = Operation(id=f"b{number}", username="Rayaan", at_s=0.0, verb="checkout")
        await act(checkout, counter.access.sessions, counter.logbook)
    assert [attempt.http_status for attempt in attempts(counter.world.case.history)] == [500, 500, 201]


async def test_a_browser_that_vanishes_leaves_an_order_of_which_nobody_read_the_answer(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    press = Operation(id="b1", username="Rayaan", at_s=0.0, verb="checkout", order_token="f1", vanishes=True)
    await act(press, counter.access.sessions, counter.logbook)
    attempt = counter.attempt()
    assert (attempt.end, attempt.error, attempt.told) == ("unknown", VANISHED, "nothing")
    assert [order.status for order in counter.world.toy.orders.values()] == ["PAID"]
    assert counter.world.toy.carts["id-Rayaan"] == {"sock-crossed": 1}


async def test_who_is_not_logged_in_surely_placed_nothing(counter: Counter) -> None:
    assert (await counter.do("checkout")).kind == "fail"
    assert counter.attempt().end == "fail"


async def test_a_sock_that_cannot_be_looked_up_is_a_fail_and_raises_nothing(counter: Counter) -> None:
    await counter.do("register")
    counter.world.toy.away.add("catalogue")
    entry = await counter.do("add", Crossed_Socks=1)
    assert entry.kind == "fail"
    assert "Connection refused" in entry.value["error"]


async def test_several_pieces_are_put_on_top_of_what_is_in_the_cart(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    await counter.do("add", Crossed_Socks=2)
    await counter.do("add", Crossed_Socks=1)
    assert counter.world.toy.carts["id-Rayaan"] == {"sock-crossed": 4}


async def test_removing_takes_the_line_out_and_clearing_takes_all(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1, Holy_Cringle_Socks=1)
    await counter.do("remove", Holy_Cringle_Socks=1)
    assert counter.world.toy.carts["id-Rayaan"] == {"sock-crossed": 1}
    await counter.do("clear")
    assert "id-Rayaan" not in counter.world.toy.carts


async def test_who_registered_in_an_earlier_run_logs_in_and_begins_with_an_empty_cart(
    counter: Counter, world: Any
) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    again = Counter(world, parse_plan(PLAN))
    entry = await again.do("register")
    assert (entry.kind, entry.value["registered_before"]) == ("ok", True)
    assert "id-Rayaan" not in world.toy.carts


async def test_a_name_that_somebody_else_has_cannot_be_registered(counter: Counter, world: Any) -> None:
    world.toy.passwords["Rayaan"] = "somebody else's"
    assert (await counter.do("register")).kind == "unknown"


async def test_an_interrupted_checkout_is_unknown_and_the_history_has_both_lines(counter: Counter) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    counter.world.toy.slow_checkout_plan_s = 1e9
    waiting = asyncio.ensure_future(counter.do("checkout"))
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert counter.attempt().end == "unknown"
    assert counter.attempt().error == "the drill was interrupted before an answer came"


async def test_no_password_and_no_card_stands_in_the_history(counter: Counter) -> None:
    await counter.do("register")
    text = counter.world.case.history.path.read_text()
    assert "4539000000001012" not in text
    assert counter.world.toy.passwords["Rayaan"] not in text


async def test_an_invoke_without_an_end_is_an_unknown_attempt(counter: Counter, make_world: Callable[[], Any]) -> None:
    await counter.do("register")
    await counter.do("add", Crossed_Socks=1)
    await counter.do("checkout")
    lines = counter.world.case.history.path.read_text().splitlines(keepends=True)
    killed = make_world()
    killed.case.history.path.write_text("".join(lines[:-1]))
    (attempt,) = attempts(killed.case.history)
    assert (attempt.end, attempt.completed_at) == ("unknown", "")
