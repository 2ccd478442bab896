"""kill -9 of the control plane while customers buy: no process left, sound files, and every order at the next start."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.sockshop.browser import Browser
from oddsock.kit.clock import SystemClock, wait_for
from oddsock.kit.errors import Unreachable

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e

KILLS = [0, *(pytest.param(number, marks=pytest.mark.proof) for number in range(1, 21))]
"""One each time, twenty in `make proof`."""
CUSTOMERS = 4
WAIT_S = 60.0
CALL_S_MAX = 5.0
LOAD_S_MAX = 1.5
CLOCK = SystemClock()
SQLITE = b"SQLite format 3\0"


@pytest.mark.parametrize("number", KILLS)
async def test_a_control_plane_killed_under_load_leaves_no_process_and_starts_clean(
    oddsock: "Oddsock", number: int
) -> None:
    up = await asyncio.to_thread(lambda: oddsock.succeed("up", "--detach", "--speed", "60", "--json").json)
    confirmed: list[str] = []
    customers = [asyncio.create_task(buy(up["storefront"], f"customer{n}", confirmed)) for n in range(CUSTOMERS)]

    async def are_buying() -> bool:
        assert not any(customer.done() for customer in customers), [task.exception() for task in customers]
        return len(confirmed) >= CUSTOMERS

    assert await wait_for(are_buying, CLOCK, WAIT_S, 0.02)
    moment_s = random.Random().uniform(0.0, LOAD_S_MAX)
    await CLOCK.sleep(moment_s)
    at_the_kill = len(confirmed)
    os.kill(up["pid"], signal.SIGKILL)
    await asyncio.wait_for(asyncio.gather(*customers), WAIT_S)
    told = f"killed {moment_s:.2f} s later, {at_the_kill} orders confirmed"
    print(told)

    await asyncio.to_thread(oddsock.wait_until_none_is_left, WAIT_S)
    place = oddsock.home / "stacks/sockshop"
    look_whether_sound(oddsock, place)
    await asyncio.to_thread(look_at_the_next_start, oddsock, up["pid"], confirmed, told)
    assert {path.name for path in place.iterdir()} <= {
        "control-plane.log",
        "telemetry.log",
        "agent.log",
        "console.log",
        "lock",
    }


async def buy(storefront: str, name: str, confirmed: list[str]) -> None:
    """Buy sock after sock and note the orders that the shop confirmed, until the shop is gone."""
    browser = Browser(ServiceDoor(storefront), name, CLOCK, CALL_S_MAX)
    try:
        for reply in (
            await browser.register("secret", name, "Load", f"{name}@customers.invalid"),
            await browser.add_address("1", "High Street", "Leeds", "LS1", "England"),
            await browser.add_card("4111111111111111", "08/29", "123"),
        ):
            assert reply.outcome == "ok", reply
        (sock,) = [each for each in await browser.socks() if each.name == "Crossed Socks"]
        while (await browser.add_to_cart(sock.id)).outcome == "ok":
            reply = await browser.checkout()
            if reply.http_status == 201:
                confirmed.append(reply.order_id)
    except Unreachable:
        return
    finally:
        await browser.close()


def look_whether_sound(oddsock: "Oddsock", place: Path) -> None:
    """Every file that the dead control plane and its pods left can be read whole."""
    assert json.loads((place / "stack.json").read_text())["state"] == "running"
    assert json.loads((place / "control-plane.json").read_text())["root"] == str(place)
    assert yaml.safe_load((place / "kubeconfig").read_text())["current-context"]
    assert oddsock.read_lines(place / "processes.jsonl")
    books = [path for path in sorted((place / "volumes").rglob("*")) if path.is_file() and is_database(path)]
    assert len(books) >= 5
    for path in books:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path


def is_database(path: Path) -> bool:
    """Whether the file at *path* begins as an SQLite database does."""
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def look_at_the_next_start(oddsock: "Oddsock", dead: int, confirmed: list[str], told: str) -> None:
    """The dead stack is named as such, the next start is a whole one, and what was confirmed is paid exactly once."""
    refused = oddsock.run("status")
    assert refused.code == 3 and "is dead" in refused.err, refused.told
    ended = oddsock.succeed("up", "--detach", "--speed", "60", "--json")
    assert ended.err == ""
    status = oddsock.succeed("status", "--json").json
    assert status["pid"] != dead and status["state"] == "running" and status["unhealed"] == []
    assert all(one["available"] == one["replicas"] for one in status["deployments"]), told

    paid = {row["order_id"] for row in rows(status, "orders", "journal", "changes") if row["status"] == "PAID"}
    assert set(confirmed) <= paid, told
    charges = rows(status, "payment", "charges", "charges")
    captures = Counter(row["order_id"] for row in charges if row["kind"] == "capture")
    assert {order: captures[order] for order in confirmed} == dict.fromkeys(confirmed, 1), told
    assert [order for order, count in captures.items() if count > 1] == [], told
    oddsock.succeed("down")
    oddsock.wait_until_none_is_left(WAIT_S)


def rows(status: dict[str, Any], service: str, path: str, name: str) -> list[dict[str, Any]]:
    """A whole book of the shop."""
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        url = f"{status['services'][service]}/{path}?limit=5000&after={after}"
        with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
            page = json.loads(answer.read())
        found, after = found + page[name], page["next"]
    return found
