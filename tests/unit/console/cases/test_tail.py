"""A history that is followed: each whole line once, and nothing is read twice."""

from pathlib import Path

import pytest

from oddsock.console.cases import tail
from oddsock.console.cases.tail import Tail
from oddsock.drill.history import History
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun


def test_each_line_is_read_once(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl", ManualClock())
    followed = Tail(history.path)
    assert followed.read_new() == []

    first = history.append("ok", "evidence", actor="runner", phase="lead")
    assert followed.read_new() == [first]
    assert followed.read_new() == []
    second = history.append("ok", "settle", actor="runner", phase="lead")

    assert followed.read_new() == [second]
    assert followed.offset == history.path.stat().st_size


def test_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    line = History(path, ManualClock()).append("ok", "evidence", actor="runner", phase="lead")
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    followed = Tail(path)

    assert followed.read_new() == []
    path.write_bytes(whole)

    assert followed.read_new() == [line]


def test_a_long_history_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BYTES_AT_ONCE", 300)
    history = History(tmp_path / "history.jsonl", ManualClock())
    written = [history.append("note", "drill", actor="runner", phase="lead", value={"n": n}) for n in range(20)]
    followed = Tail(history.path)

    pieces = [followed.read_new() for _ in range(20)]

    assert [entry for piece in pieces for entry in piece] == written
    assert max(map(len, pieces)) < 4


def test_a_damaged_line_is_told(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"{nonsense}\n")

    with pytest.raises(CannotRun, match="is damaged"):
        Tail(path).read_new()
