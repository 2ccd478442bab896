"""The history: one line each, whole after any cut."""

from pathlib import Path

import pytest

from oddsock.drill.history import Entry, History, read_history
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun


def _write(history: History, verb: str) -> Entry:
    return history.append("note", verb, actor="runner", phase="main", plan_s=1.23456, value={"a": 1})


def test_lines_are_numbered_and_read_back_as_they_were_written(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl", ManualClock())
    written = [_write(history, "one"), _write(history, "two")]
    assert list(history) == written
    assert [(entry.n, entry.plan_s) for entry in written] == [(0, 1.235), (1, 1.235)]
    assert written[0].at == "2025-10-30T08:24:00.000Z"


def test_a_torn_last_line_is_not_read_and_not_appended_onto(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    _write(History(path, ManualClock()), "one")
    with path.open("a") as torn:
        torn.write('{"n":1,"at":"2025')
    assert [entry.verb for entry in read_history(path)] == ["one"]
    later = History(path, ManualClock())
    assert _write(later, "two").n == 1
    assert [entry.verb for entry in later] == ["one", "two"]
    assert path.read_bytes().endswith(b"}\n")


def test_cutting_the_file_anywhere_loses_only_the_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path, ManualClock())
    for verb in ("one", "two", "three"):
        _write(history, verb)
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        assert len(list(read_history(path))) == whole[:size].count(b"\n")


def test_a_damaged_line_in_the_middle_is_said_and_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("{]\n")
    with pytest.raises(CannotRun, match=r"Line 1 of .* is damaged"):
        list(read_history(path))


def test_a_line_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="cannot be written: No such file or directory"):
        _write(History(tmp_path / "gone" / "history.jsonl", ManualClock()), "one")
