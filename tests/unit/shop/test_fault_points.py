"""Fault points: free while nothing is armed; the n-th time over restarts; by the order and not by chance."""

import ast
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import oddsock.shop
from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop import fault_points
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.fault_points.armed import ArmedPoints
from oddsock.shop.fault_points.points import POINTS
from oddsock.shop.payment.book import SCHEMA, PaymentBook
from oddsock.shop.payment.decision import Asked
from oddsock.shop.payment.terminal import OwnTerminal


@pytest.fixture
def armed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that this process, as pod a, looks into; not there yet."""
    path = tmp_path / "sock-shop"
    monkeypatch.setenv("ODDSOCK_FAULTS", str(path))
    monkeypatch.setenv("HOSTNAME", "a")
    return path


def arm(path: Path, **row: Any) -> None:
    """Replace the file as the cluster does, with one row."""
    fresh = path.with_name("fresh")
    fresh.write_text(json.dumps({"id": "f", "pods": ["a"], "point": "before-authorise", **row}) + "\n")
    fresh.replace(path)


async def reached(order: str, point: str = "before-authorise") -> bool:
    """Whether the fault met *order*."""
    try:
        await fault_points.reach(point, order=order)
    except NoAnswer:
        return True
    return False


async def test_nothing_happens_while_nothing_is_armed_or_for_others(armed: Path) -> None:
    assert not await reached("1")
    arm(armed, action="error", pods=["b"])
    assert not await reached("1")
    arm(armed, action="error")
    assert not await reached("1", "after-authorise")
    assert await reached("1")
    armed.unlink()
    assert not await reached("1")


async def test_the_nth_time_is_met_once_and_counted_over_processes(armed: Path) -> None:
    arm(armed, action="error", nth=3)
    assert [await reached("1"), await reached("2")] == [False, False]
    # What another process of the pod begins with.
    fresh = ArmedPoints(str(armed), "a")
    with pytest.raises(NoAnswer):
        await fresh.meet(fresh.at("before-authorise"), {"order": "3"})
    assert [await reached("4"), await reached("5")] == [False, False]
    assert Path(f"{armed}.f.hits").read_text() == "x"


async def test_a_share_is_decided_by_the_order_and_the_attempt_whatever_came_between(armed: Path) -> None:
    orders = [str(number) for number in range(200)]
    arm(armed, id="f", action="error", percentage=30, seed=7)
    first = {order: await reached(order) for order in orders}
    again = {order: await reached(order) for order in orders}
    arm(armed, id="g", action="error", percentage=30, seed=7)
    assert {order: await reached(order) for order in reversed(orders)} == first
    assert 30 <= sum(first.values()) <= 90
    assert again != first


async def test_what_hangs_goes_on_when_the_fault_is_gone(armed: Path) -> None:
    arm(armed, action="hang")
    hanging = asyncio.create_task(reached("1"))
    await asyncio.sleep(0)
    assert Path(f"{armed}.f.hits").read_text() == "x"
    assert not hanging.done()
    armed.unlink()
    async with asyncio.timeout(10):
        assert await hanging is False


async def test_what_is_dropped_is_given_up_as_if_the_caller_had_gone(armed: Path) -> None:
    arm(armed, action="drop")
    with pytest.raises(asyncio.CancelledError):
        await fault_points.reach("before-authorise", order="1")


def test_a_crash_kills_the_process_where_it_stands_and_is_counted(armed: Path) -> None:
    arm(armed, action="crash", nth=2)
    code = "\n".join(
        [
            "import asyncio",
            "from oddsock.shop.fault_points import reach",
            "for n in '123':",
            "  asyncio.run(reach('before-authorise', order=n))",
            "  print(n, flush=True)",
        ]
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), capture_output=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"1\n")
    assert Path(f"{armed}.f.hits").read_text() == "x"


@pytest.mark.parametrize(("point", "rows"), [("before-book", 0), ("after-book", 2)])
async def test_payment_fails_before_or_after_its_book_has_the_rows(
    point: str, rows: int, armed: Path, tmp_path: Path
) -> None:
    file = Book.open(tmp_path / "payment.sqlite", SCHEMA)
    book = PaymentBook(file, ManualClock())
    terminal = OwnTerminal(book, 105.0)
    arm(armed, point=point, action="error", nth=1)
    by = Correlation(order_id="o1", idempotency_key="k")
    with pytest.raises(NoAnswer):
        await terminal.pay(Asked(20.0, 2000, ""), by, "f")
    assert len(book.page(0, 10)) == rows
    assert (await terminal.pay(Asked(20.0, 2000, ""), by, "f")).authorised
    assert [row.kind for row in book.page(0, 10)] == ["authorisation", "capture"]
    book.close()


def test_the_table_names_every_point_that_some_service_reaches_and_no_other() -> None:
    shop = Path(next(iter(oddsock.shop.__path__)))
    found: dict[str, set[str]] = {}
    for file in shop.rglob("*.py"):
        service = file.relative_to(shop).parts[0]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and "reach" in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                (name, *_) = node.args
                assert isinstance(name, ast.Constant)
                found.setdefault(str(name.value), set()).add({"webhooks": "payment"}.get(service, service))
    assert {point.name: set(point.services) for point in POINTS} == found
