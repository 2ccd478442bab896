"""kill -9 in the middle of a mend: mending again ends at the same books, with one charge an order."""

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import LongStack

pytestmark = pytest.mark.e2e
UP = ("--speed", "60", "--no-telemetry")

KILLS = [*range(2), *(pytest.param(number, marks=pytest.mark.proof) for number in range(2, 22))]
"""Two each time, twenty in `make proof`."""

ORDERS = 3
OUTAGE = """name: to-mend
title: Payment is away while three orders are tried
seed: 12
customers:
  - username: Lou
    email: lou@customers.invalid
steady_state:
  deployments: {orders: 1, payment: 1, front-end: 1}
operations:
  - {at: 0, customer: Lou, do: register}
  - {at: 20, customer: Lou, do: add, socks: {Crossed Socks: 1}}
  - {at: 22, customer: Lou, do: checkout}
  - {at: 26, customer: Lou, do: checkout}
  - {at: 30, customer: Lou, do: checkout}
faults:
  - {fault: scale-to-zero, target: payment, from: 12, until: 36}
recovery:
  health: [payment, orders, shipping]
  mend: {apply: false, replay: all}
"""


@pytest.mark.xdist_group("killed mends")
@pytest.mark.parametrize("number", KILLS)
def test_a_killed_mend_is_finished_by_the_next_one(long_stack: "LongStack", tmp_path: Path, number: int) -> None:
    command = long_stack.command
    plan = tmp_path / "to-mend.yaml"
    plan.write_text(OUTAGE)
    drilled = command.run("drill", str(plan), "--json")
    assert drilled.code == 1, drilled.told
    case = Path(drilled.json["path"])
    assert drilled.json["impact"]["orders_failed"] == ORDERS

    journal = case / "mend.jsonl"
    # A plan line, then an intent and a result for each of about ten actions.
    lines = random.Random().randint(1, 18)
    process = command.start("mend", case.name, "--apply", "--json")
    assert command.wait_until(
        lambda: process.poll() is not None or (journal.exists() and journal.read_bytes().count(b"\n") >= lines), 30
    )
    process.kill()
    process.communicate()

    mended = command.succeed("mend", case.name, "--apply", "--json").json
    assert mended["odd"]["after_total"] == 0, f"killed after {lines} lines of the mend journal"
    assert (mended["recovery"]["paid"], mended["recovery"]["collected_cents"]) == (ORDERS, ORDERS * 2214)
    books = _books_of(long_stack, case)
    assert [len(rows) for rows in books["captures"].values()] == [1] * ORDERS
    assert [len(rows) for rows in books["parcels"].values()] == [1] * ORDERS
    assert [len(rows) for rows in books["paid_notices"].values()] == [1] * ORDERS
    command.read_lines(journal)
    command.read_lines(case / "history.jsonl")


def _books_of(stack: "LongStack", case: Path) -> dict[str, dict[str, list[Any]]]:
    """Captures, parcels and notices of the orders that *case* tried, by order."""
    lines = stack.command.read_lines(case / "mend.jsonl")
    tried = sorted({line["order_id"] for line in lines if line.get("action") == "retry_order"})
    charges = stack.ask("payment", "/charges?limit=5000")["charges"]
    parcels = stack.ask("shipping", "/shipments?limit=5000")["shipments"]
    notices = stack.ask("mailbox", "/notices?limit=5000")["notices"]
    return {
        "captures": {one: [c for c in charges if c["order_id"] == one and c["kind"] == "capture"] for one in tried},
        "parcels": {one: [s for s in parcels if s["order_id"] == one and s["event"] == "accepted"] for one in tried},
        "paid_notices": {one: [n for n in notices if n["order_id"] == one and n["event"] == "paid"] for one in tried},
    }
