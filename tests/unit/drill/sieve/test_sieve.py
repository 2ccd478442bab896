"""The sieve and the whole judgement say the same of the same books, word for word, whatever is wrong with them."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.drill.conftest import World
from tests.unit.drill.sieve.kept import PHASE, change, keep
from tests.unit.drill.test_planted import PLANTS
from tests.unit.drill.test_seeded_runs import run_without_a_fault

from oddsock.drill.account import account, account_books, read_books
from oddsock.drill.case import Case
from oddsock.drill.checks.catalog import CATALOG
from oddsock.drill.sieve.sift import Sifted, sift


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hundreds of small cases need not reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    yield


def agreed(case: Case) -> Sifted | None:
    """What the sieve made of *case*, after both ways of judging it gave one account."""
    assert account(case, PHASE) == account_books(read_books(case, PHASE))
    return sift(case, PHASE)


def agreed_on(world: Any) -> Sifted | None:
    """The same of a world of lists."""
    with TemporaryDirectory() as folder:
        return agreed(keep(world, Path(folder)))


def passed(sifted: Sifted | None) -> set[str]:
    """The orders that passed."""
    return {one.order_id for one in sifted.standings if not one.is_held} if sifted else set()


def test_good_orders_pass_but_those_at_the_edges_of_the_history(clean: Any) -> None:
    clean.buy("o4", 300, username="parvaiz")
    sifted = agreed_on(clean)
    assert sifted and passed(sifted) == {"o1", "o2", "o3"}
    assert [order.id for order in sifted.evidence.orders.rows] == ["o4"]
    assert {line.order_id for line in sifted.evidence.charges.rows} == {"o4"}


@pytest.mark.parametrize("check", [check.id for check in CATALOG if check.kind != "label" and check.id[0] != "M"])
def test_a_planted_row_is_found_through_the_sieve_too(check: str, clean: Any) -> None:
    clean.buy("o20", 310)
    clean.buy("o21", 320)
    subject = PLANTS[check](clean)
    clean.attempt(330, end="fail", told="error")
    sifted = agreed_on(clean)
    assert subject not in passed(sifted)
    # These two are nothing that one order could be held back for: the books are judged whole.
    assert bool(sifted) == (check not in ("G1", "G2"))


@pytest.mark.parametrize("seed", range(40))
def test_runs_without_a_fault_are_judged_alike(seed: int) -> None:
    world = run_without_a_fault(seed, World)
    sifted = agreed_on(world)
    assert sifted is not None
    bought = {a.order_id for a in world.attempts if (a.end, a.http_status) == ("ok", 201)}
    assert passed(sifted) <= bought | {a.order_id for a in world.attempts if a.http_status == 202}


def test_most_orders_of_runs_without_a_fault_that_were_simply_bought_pass() -> None:
    worlds = [run_without_a_fault(seed, World) for seed in range(20)]
    bought = sum(a.http_status == 201 for world in worlds for a in world.attempts)
    assert sum(len(passed(agreed_on(world))) for world in worlds) > 0.5 * bought


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 60), changes=st.integers(1, 6), chance=st.integers(0, 2**32))
def test_books_with_anything_changed_are_judged_alike(seed: int, changes: int, chance: int) -> None:
    check_changed(seed, changes, Random(chance))


def check_changed(seed: int, changes: int, chance: Random) -> None:
    """A sound run of *seed*, changed at random, is judged alike."""
    world = run_without_a_fault(seed, World)
    for _ in range(changes):
        change(world, chance)
    agreed_on(world)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_thousands_of_books_with_anything_changed_are_judged_alike() -> None:
    for n in range(3000):
        chance = Random(n)
        check_changed(n % 100, chance.randrange(1, 5), chance)


def test_a_case_of_an_earlier_release_and_one_after_a_mend_are_judged_whole(clean: Any, tmp_path: Path) -> None:
    case = keep(clean, tmp_path)
    assert sift(case, "after-mend") is None
    path = tmp_path / f"evidence/{PHASE}/charges.json"
    path.write_text(path.read_text().replace("\n", ""))
    assert agreed(case) is None
