"""Evidence is taken whole or said to be missing; what cannot be read is never an empty book."""

import asyncio
from typing import Any

import pytest

from oddsock.drill.evidence import EvidenceTaker
from oddsock.drill.evidence_files import Evidence, latest_logs, load, phases_taken
from oddsock.drill.logbook import Logbook
from oddsock.drill.operation import Operation
from oddsock.drill.plan import parse_plan
from oddsock.drill.shopper import perform
from oddsock.kit.errors import CannotRun

PLAN = """\
name: toy
title: A toy
seed: 5
customers:
  - {username: Rayaan, card: {number: "4539000000001012"}}
  - {username: parvaiz}
"""


@pytest.fixture
async def taker(world: Any) -> EvidenceTaker:
    """A taker in a shop where Rayaan has one order."""
    access = world.access(parse_plan(PLAN))
    logbook = Logbook(world.case, world.clock, world.watcher)
    for number, (verb, socks) in enumerate([("register", []), ("add", [("Crossed Socks", 1)]), ("checkout", [])]):
        operation = Operation(id=f"a{number}", username="Rayaan", at_s=0, verb=verb, socks=socks)  # type: ignore[arg-type]  # a literal out of a table
        await perform(operation, access.sessions, logbook)
    return EvidenceTaker(world.case, world.cluster, world.shop, access.sessions, book_s_max=1.0)


async def take(world: Any, taker: EvidenceTaker, phase: str = "before") -> tuple[dict[str, str], Evidence]:
    """What is missing, and what was kept."""
    missing = await taker.take(phase)
    return missing, load(world.case, phase)


async def test_every_book_is_kept_with_its_source_and_time(world: Any, taker: EvidenceTaker) -> None:
    missing, kept = await take(world, taker)
    assert missing == {}
    assert [order.status for order in kept.orders.rows] == ["PAID"]
    assert [charge.kind for charge in kept.charges.rows] == ["authorisation", "capture"]
    assert [change.status for change in kept.journal.rows] == ["CREATED", "PENDING", "PAID"]
    assert (kept.orders.source, kept.pods.source) == ("orders: GET /orders", "http://memory namespace sock-shop: pods")
    assert kept.orders.taken_at.startswith("2025-10-30T08:24:")
    assert phases_taken(world.case) == ["before"]


async def test_a_service_that_is_away_leaves_its_book_missing_and_no_other(world: Any, taker: EvidenceTaker) -> None:
    world.toy.away.add("payment")
    missing, kept = await take(world, taker)
    assert list(missing) == ["charges"]
    assert kept.charges.missing == "payment at http://payment does not answer: Connection refused."
    assert not kept.charges.present
    assert kept.orders.present


async def test_without_the_user_service_the_books_that_need_it_are_missing_too(
    world: Any, taker: EvidenceTaker
) -> None:
    world.toy.away.add("user")
    missing, kept = await take(world, taker)
    assert sorted(missing) == ["carts", "customers", "owners", "shown"]
    assert kept.shown.rows == []


async def test_a_book_that_is_not_read_in_time_is_missing(world: Any, taker: EvidenceTaker) -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    world.shop.orders = never
    missing, _ = await take(world, taker)
    assert missing == {"orders": "no whole answer within 1 s"}


async def test_a_customer_who_cannot_log_in_any_more_leaves_the_shown_pages_missing(
    world: Any, taker: EvidenceTaker
) -> None:
    world.toy.passwords["Rayaan"] = "changed"
    missing, _ = await take(world, taker)
    assert missing == {"shown": "the page of Rayaan at the front-end does not answer: HTTP 401."}


async def test_a_customer_of_the_plan_who_has_not_come_yet_has_no_page(world: Any, taker: EvidenceTaker) -> None:
    _, kept = await take(world, taker)
    assert sorted(kept.pages) == ["Rayaan"]
    assert [row.label for row in kept.shown.rows] == ["Shipped"]


async def test_pages_and_logs_are_kept_masked(world: Any, taker: EvidenceTaker) -> None:
    async def log(pod: str, previous: bool = False, limit_bytes: int = 0) -> str:
        return f"{pod} Card{{longNum=4539000000001012, ccv=123}} GATEWAY_KEY=sk_test_Zm9v\n"

    world.cluster.pod_log = log
    _, kept = await take(world, taker)
    assert kept.pages["Rayaan"].read_text() == "<html>************1012</html>"
    text = kept.logs["payment-0-0"].read_text()
    assert text == "payment-0-0 Card{longNum=************1012, ccv=***} GATEWAY_KEY=***\n"


async def test_the_log_of_a_pod_that_is_gone_stays_where_an_earlier_phase_kept_it(
    world: Any, taker: EvidenceTaker
) -> None:
    await taker.take("before")
    world.cluster.counts["payment"] = 0
    _, during = await take(world, taker, "during")
    assert "payment-0-0" not in during.logs
    assert latest_logs(world.case)["payment-0-0"].parts[-3] == "before"
    assert latest_logs(world.case)["orders-0-0"].parts[-3] == "during"


async def test_the_log_of_a_container_before_its_restart_stands_before_its_log(
    world: Any, taker: EvidenceTaker
) -> None:
    async def log(pod: str, previous: bool = False, limit_bytes: int = 0) -> str:
        return "earlier\n" if previous else "now\n"

    pods = world.cluster.pods

    async def restarted(selector: str = "") -> Any:
        import msgspec

        return [msgspec.structs.replace(pod, restarts=1) for pod in await pods(selector)]

    world.cluster.pod_log, world.cluster.pods = log, restarted
    _, kept = await take(world, taker)
    assert kept.logs["orders-0-0"].read_text() == "earlier\nnow\n"


async def test_a_phase_that_was_not_taken_is_missing_in_every_book(world: Any) -> None:
    assert load(world.case, "during").orders.missing == "this phase's evidence was not taken"
    assert load(world.case, "during").taken_at == ""


async def test_a_damaged_book_is_an_error_and_not_an_empty_one(world: Any, taker: EvidenceTaker) -> None:
    await taker.take("before")
    (world.case.evidence_dir("before") / "orders.json").write_text('{"book":"orders","rows":')
    with pytest.raises(CannotRun, match="damaged"):
        load(world.case, "before")
