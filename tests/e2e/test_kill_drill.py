"""kill -9 of a drill at random moments: the next command puts back what was there, and nobody is charged twice."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import LongStack, Oddsock

pytestmark = pytest.mark.e2e
UP = ("--speed", "60", "--no-telemetry")

KILLS = [*range(2), *(pytest.param(number, marks=pytest.mark.proof) for number in range(2, 22))]
"""Two each time, twenty in `make proof`."""

OUTAGE = """name: outage
title: Payment is away while Kim buys
seed: 11
customers:
  - username: Kim
    email: kim@customers.invalid
steady_state:
  deployments: {orders: 1, payment: 1, front-end: 1}
operations:
  - {at: 0, customer: Kim, do: register}
  - {at: 3, customer: Kim, do: add, socks: {Crossed Socks: 1}}
  - {at: 6, customer: Kim, do: checkout}
  - {at: 40, customer: Kim, do: add, socks: {Colourful Socks: 1}}
  - {at: 45, customer: Kim, do: checkout}
  - {at: 60, customer: Kim, do: clear}
faults:
  - {fault: scale-to-zero, target: payment, from: 20, until: 80}
recovery:
  health: [payment, orders]
  mend: {apply: true, replay: all}
"""


@pytest.fixture
def outage(tmp_path: Path) -> str:
    """A short outage with one order before it and one in it."""
    plan = tmp_path / "outage.yaml"
    plan.write_text(OUTAGE)
    return str(plan)


def charged_twice(stack: "LongStack") -> list[str]:
    """The orders with more than one capture that was not given back."""
    rows = stack.ask("payment", "/charges?limit=5000")["charges"]
    captured = {row["charge_id"]: row["order_id"] for row in rows if row["kind"] == "capture"}
    for row in rows:
        if row["kind"] in ("refund", "void"):
            captured.pop(row["charge_id"], None)
    return [order for order, count in Counter(captured.values()).items() if count > 1]


@pytest.mark.xdist_group("killed drills")
@pytest.mark.parametrize("number", KILLS)
def test_a_killed_drill_is_healed_by_the_next_command(long_stack: "LongStack", outage: str, number: int) -> None:
    command = long_stack.command
    long_stack.scale("payment", 2)
    try:
        known = len(command.cases("outage"))
        process = command.start("drill", outage, "--json")
        assert command.wait_until(lambda: len(command.cases("outage")) > known)
        # The outage lasts from 0.3 s to 1.3 s after the clock began; all is over about 3 s after the case was made.
        moment_s = random.Random().uniform(0.0, 3.0)
        command.pause(moment_s)
        process.kill()
        process.communicate()
        case = command.cases("outage")[-1]

        status = command.succeed("status", "--json").json
        assert long_stack.replicas("payment") == 2, f"killed {moment_s:.2f} s after the case was made"
        assert status["unhealed"] == []
        assert charged_twice(long_stack) == []
        for name in ("history.jsonl", "undo.jsonl", "mend.jsonl"):
            command.read_lines(case / name)
        meta = json.loads((case / "case.json").read_text())
        assert meta["state"] == "completed" or "killed" in meta["ended_how"], meta
    finally:
        long_stack.scale("payment", 1)


@pytest.mark.parametrize("lines", [1, pytest.param(25, marks=pytest.mark.proof), 55])
def test_a_killed_drill_takes_its_own_stack_along_and_its_case_says_so(oddsock: "Oddsock", lines: int) -> None:
    process = oddsock.start("drill", "incident-3", "--speed", "60", "--json")

    def has_written() -> bool:
        assert process.poll() is None, process.communicate()
        histories = [case / "history.jsonl" for case in oddsock.cases()]
        return any(path.exists() and path.read_bytes().count(b"\n") >= lines for path in histories)

    assert oddsock.wait_until(has_written, 90)
    process.kill()
    process.communicate()
    oddsock.wait_until_none_is_left()
    assert oddsock.succeed("list", "--json").json[0]["state"] == "killed"
    assert "Nothing is left to heal." in oddsock.succeed("heal").out
    (row,) = oddsock.succeed("list", "--json").json
    assert row["state"] == "interrupted" and "killed" in row["ended"]
    oddsock.read_lines(oddsock.cases()[0] / "history.jsonl")


def test_a_drill_that_is_told_to_stop_heals_first_and_says_so(oddsock: "Oddsock") -> None:
    process = oddsock.start("drill", "incident-3", "--speed", "20")
    assert process.stdout is not None
    for line in process.stdout:
        if "inject payment-away" in line:
            break
    process.terminate()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 3, told
    assert told.startswith("oddsock: The drill was interrupted") and told.count("\n") == 1
    oddsock.wait_until_none_is_left()
    undo = oddsock.read_lines(oddsock.cases()[0] / "undo.jsonl")
    assert [line["kind"] for line in undo[-2:]] == ["undo", "healed"]
