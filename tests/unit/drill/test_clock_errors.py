"""Instants that a wrong clock wrote are read as what they were, those of all other clocks and moments as they stand."""

from pathlib import Path

import msgspec
import yaml

from oddsock.clients.sockshop.books import Charge, StatusChange
from oddsock.drill.clock_errors import ClockError, read_clock_errors, set_right
from oddsock.drill.faults.fault import Change
from oddsock.drill.undo import Closed, Undo, UndoJournal

FROM, TO = "2025-10-30T08:24:00.000Z", "2025-10-30T08:25:00.000Z"
SLOW = ClockError(service="payment", offset_s=-600.0, from_at=FROM, to_at=TO)


def charge(seq: int, at: str) -> Charge:
    """A capture at *at*."""
    return Charge(seq=seq, id=str(seq), charge_id=str(seq), kind="capture", amount_cents=1, at=at)


def ats(rows: list[Charge]) -> list[str]:
    """Minutes and seconds of each row."""
    return [row.at[14:19] for row in rows]


def test_what_was_written_by_the_wrong_clock_is_set_right_and_nothing_else() -> None:
    old = charge(1, "2025-10-30T08:14:30.000Z")
    rows = [old, charge(2, "2025-10-30T08:14:30.000Z"), charge(3, "2025-10-30T08:25:10.000Z")]
    assert ats(set_right("charges", rows, [old], [SLOW])) == ["14:30", "24:30", "25:10"]
    assert ats(rows) == ["14:30", "14:30", "25:10"]


def test_the_clock_of_one_service_says_nothing_of_the_books_of_another() -> None:
    line = StatusChange(seq=1, order_id="a", status="PAID", at="2025-10-30T08:14:30.000Z")
    assert set_right("journal", [line], [], [SLOW]) == [line]


def test_a_clock_that_is_still_wrong_has_no_end() -> None:
    fast = ClockError(service="payment", offset_s=600.0, from_at=FROM)
    assert ats(set_right("charges", [charge(1, "2025-10-30T09:00:00.000Z")], [], [fast])) == ["50:00"]


def test_the_wrong_clocks_of_a_case_are_read_from_its_plan_and_its_undo_journal(tmp_path: Path) -> None:
    fault = {"id": "slow", "fault": "clock-skew", "target": "payment", "from": 1, "settings": {"behind": "10m"}}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump({"faults": [fault]}))
    assert read_clock_errors(tmp_path) == []
    journal = UndoJournal(tmp_path / "undo.jsonl")
    change = Change(object="Fault/slow", path="exists", was=None, injected="case")
    journal.write(Undo(id="slow", fault="clock-skew", at=FROM, namespace="sock-shop", changes=[change]))
    assert read_clock_errors(tmp_path) == [msgspec.structs.replace(SLOW, to_at="")]
    journal.write(Closed(id="slow", at=TO, result="restored"))
    assert read_clock_errors(tmp_path) == [SLOW]
