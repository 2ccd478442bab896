"""A case: its folder, its owner, its books."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oddsock.clients.sockshop.books import CartLine
from oddsock.drill.case import Case, find_case, latest, list_cases
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, UsageError

LINE = CartLine(customer_id="c1", item_id="s1", quantity=1, unit_cents=9999)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path, "incident-3", ManualClock(), seed=7, speed=30.0) as made:
        yield made


def test_cases_are_named_by_time_and_plan_and_numbered_when_there_are_two(tmp_path: Path) -> None:
    clock = ManualClock()
    with (
        Case.create(tmp_path, "incident-3", clock) as first,
        Case.create(tmp_path, "incident-3", clock) as second,
    ):
        clock.advance(1)
        with Case.create(tmp_path, "incident-3", clock) as third:
            pass
    assert first.name == "20251030-082400-incident-3"
    assert second.name == "20251030-082400-incident-3-2"
    assert [case.name for case in list_cases(tmp_path)] == [first.name, second.name, third.name]
    newest = latest(tmp_path)
    assert newest is not None and newest.name == third.name


def test_what_a_case_says_of_itself_is_read_from_its_file(case: Case) -> None:
    case.change_meta(operator="parvaiz")
    case.end("completed", "as planned")
    meta = Case.open(case.path).meta
    assert (meta.seed, meta.operator, meta.state, meta.ended_how) == (7, "parvaiz", "completed", "as planned")
    assert meta.ended_at == "2025-10-30T08:24:00.000Z"


def test_a_damaged_case_is_one_clear_error(case: Case) -> None:
    (case.path / "case.json").write_text("{")
    with pytest.raises(CannotRun, match=r"case\.json is damaged"):
        _ = case.meta


def test_a_case_has_one_owner_and_lives_as_long_as_it(case: Case) -> None:
    other = Case.open(case.path)
    assert other.is_alive()
    with pytest.raises(CannotRun, match="in use by a living process"):
        other.lock()
    case.unlock()
    assert not other.is_alive()
    with other:
        other.lock()
        assert other.is_locked


def test_a_book_that_was_kept_is_read_back(case: Case) -> None:
    case.write_book("before", "carts", [LINE], source="http://carts")
    book = case.read_book("before", "carts", CartLine)
    assert (book.rows, book.missing, book.source) == ([LINE], None, "http://carts")


def test_a_book_that_could_not_be_read_is_no_empty_book(case: Case) -> None:
    case.write_book("during", "charges", [], source="payment", missing="payment does not answer: Connection refused.")
    assert case.read_book("during", "carts", CartLine).missing is not None
    assert case.read_book("during", "charges", CartLine).missing == "payment does not answer: Connection refused."


def test_a_case_is_found_by_path_name_or_beginning(tmp_path: Path, case: Case) -> None:
    for name in (str(case.path), case.name, "20251030-0824", None):
        assert find_case(tmp_path, name).name == case.name
    with pytest.raises(UsageError, match="No case is named other"):
        find_case(tmp_path, "other")


def test_a_folder_that_is_no_case_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a case folder"):
        Case.open(tmp_path)
    assert latest(tmp_path) is None
