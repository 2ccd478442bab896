"""The course of a case as its files tell it, and an account made from a case folder alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill.account import account, read_books
from oddsock.drill.case import Case
from oddsock.drill.course import read_course
from oddsock.drill.course_files import load_course, read_mend_lines
from oddsock.drill.evidence_files import SHOP_BOOKS
from oddsock.drill.history import Entry, Kind
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun

START = "2025-10-30T08:00:00.000Z"


def entry(n: int, verb: str, kind: str = "ok", phase: str = "main", **value: Any) -> Entry:
    """One line of a history, a second a line."""
    at = f"2025-10-30T08:00:{n:02d}.000Z"
    actor = "customer:Rayaan" if verb in ("add", "clear", "checkout") else "fault:payment-away"
    line = {"n": n, "at": at, "plan_s": n, "phase": phase, "kind": kind, "actor": actor, "operation": f"a{n}"}
    return msgspec.convert({**line, "verb": verb, "value": value}, Entry)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty case nobody holds."""
    made = Case.create(tmp_path, "test", ManualClock(datetime(2025, 10, 30, 8, tzinfo=UTC)))
    made.unlock()
    return made


def test_the_window_begins_when_the_undo_of_the_main_fault_was_on_the_disk() -> None:
    course = read_course(
        [
            entry(0, "inject", "ok", "lead", window_from_at="2025-10-30T07:00:00.000Z"),
            entry(5, "inject", "invoke"),
            entry(7, "inject", "ok", window_from_at="2025-10-30T08:00:06.000Z"),
        ]
    )
    assert course.window_from_at == "2025-10-30T08:00:06.000Z" and course.started_at == START


def test_a_drill_that_died_while_injecting_has_a_window_from_its_intent() -> None:
    assert read_course([entry(0, "register"), entry(5, "inject", "invoke")]).window_from_at.endswith("08:00:05.000Z")


def test_without_a_main_fault_what_was_there_before_the_drill_is_before_the_window() -> None:
    course = read_course([entry(3, "register")])
    assert course.is_before_window("2025-10-30T08:00:02.000Z") and not course.is_before_window(
        "2025-10-30T08:00:04.000Z"
    )


def test_an_answer_that_came_after_the_evidence_was_unknown_then(world: Any) -> None:
    world.buy("o1", 200)
    seen = world.course().attempts_until(world.at(200.5))
    assert [(a.end, a.order_id, a.told) for a in seen] == [("unknown", "", "nothing")]
    assert world.course().attempts_until(world.at(199)) == []


def test_carts_are_changed_by_adding_removing_and_clearing() -> None:
    course = read_course([entry(1, "add", "invoke"), entry(2, "clear", "invoke"), entry(2, "clear")])
    assert [change.verb for change in course.cart_changes] == ["add", "clear"]
    assert course.changed_cart_since("Rayaan", "2025-10-30T08:00:01.500Z")
    assert not course.changed_cart_since("Rayaan", "2025-10-30T08:00:01.500Z", frozenset({"add"}))
    assert not course.changed_cart_since("parvaiz", START)


def test_what_a_mend_did_is_read_from_its_journal() -> None:
    lines: list[dict[str, Any]] = [
        {"kind": "plan", "replay": "latest", "carried_over": True},
        {"kind": "intent", "key": "mend-o1", "order_id": "o1"},
        {"kind": "result", "key": "mend-o1", "order_id": "o1", "result": "done"},
        {"kind": "intent", "key": "mend-o2", "order_id": "o2"},
        {"kind": "result", "key": "mend-o2", "order_id": "o2", "result": "failed"},
    ]
    mended = read_course([], lines).mended
    assert mended is not None and mended.replay == "latest" and mended.carried_over
    assert (mended.order_ids, mended.times_done) == (["o1", "o2"], {"mend-o1": 1})
    assert read_course([]).mended is None


def test_a_torn_last_line_of_a_mend_journal_is_left_out_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mend.jsonl"
    assert read_mend_lines(path) == []
    path.write_text('{"kind":"plan"}\n{"kind":"int')
    assert read_mend_lines(path) == [{"kind": "plan"}]
    path.write_text('{"kind":\n{"kind":"plan"}\n')
    with pytest.raises(CannotRun, match=r"mend\.jsonl is damaged"):
        read_mend_lines(path)


def keep(case: Case, world: Any, phase: str = "after-heal") -> None:
    """Write a world into a case as a drill would."""
    evidence = world.evidence(phase)
    for book in SHOP_BOOKS:
        case.write_book(phase, book, getattr(evidence, book).rows, source="a test", missing=world.missing.get(book))
        path = case.evidence_dir(phase) / f"{book}.json"
        path.write_text(path.read_text().replace(START, world.at(world.taken_at_s)))
    for attempt in world.attempts:
        known = msgspec.to_builtins(attempt)
        kinds: tuple[Kind, Kind] = ("invoke", attempt.end)
        for kind in kinds:
            case.history.append(
                kind,
                "checkout",
                actor=f"customer:{attempt.username}",
                phase="main",
                operation=attempt.operation,
                value=known,
            )


def test_an_account_is_made_from_the_files_of_a_case_and_nothing_else(case: Case, incident: Any) -> None:
    case.history.append("ok", "inject", actor="fault:x", phase="main", value={"window_from_at": incident.at(1440)})
    keep(case, incident)
    logs = case.evidence_dir("after-heal") / "logs"
    logs.mkdir()
    (logs / "orders-1.log").write_text("\n".join(incident.log_lines["orders-1"]))
    (logs / "orders-db-1.log").write_text("nothing of ours")
    reckoned = account(case, "after-heal")
    assert reckoned.odd_by_class == {"false status": 5, "untold failure": 5} and reckoned.carried_over == 1
    assert load_course(case).log_lines.keys() == {"orders-1"}
    assert {check.id: check.verdict for check in reckoned.checks}["G4"] == "not-applicable"
    assert {check.id: check.verdict for check in account(case, "after-heal", []).checks}["G4"] == "ok"


def test_a_phase_without_evidence_says_so_of_every_attempt(case: Case, incident: Any) -> None:
    keep(case, incident)
    reckoned = account(case, "after-mend")
    assert reckoned.balanced == reckoned.odd == 0 and reckoned.indeterminate == reckoned.attempts == 9
    assert "was not taken" in reckoned.outcomes[0].reason
    assert read_books(case, "after-mend").findings == []
