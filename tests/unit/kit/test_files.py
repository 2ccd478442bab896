"""Files that must be whole: appended lines, replaced documents, locks."""

import errno
import os
import stat
from pathlib import Path

import pytest

from oddsock.kit.files import append_line, explain_disk, try_lock, write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_lines_are_appended_in_order(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "history.jsonl"
    append_line(path, '{"n":1}', durable=durable)
    append_line(path, '{"n":2,"name":"sökke"}', durable=durable)
    assert path.read_text(encoding="utf-8") == '{"n":1}\n{"n":2,"name":"sökke"}\n'


def test_an_appended_file_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_line(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_document_is_replaced_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    write_whole(path, "old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["case.json"]


def test_a_full_disk_is_one_sentence_with_a_way_out() -> None:
    error = explain_disk(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), Path("/data/case.json"))
    assert str(error) == (
        "/data/case.json cannot be written: No space left on device. Free space or choose another ODDSOCK_HOME."
    )
    assert error.exit_code == 3


def test_a_lock_has_one_owner_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "made" / "lock"
    mine = try_lock(path)
    assert mine is not None
    assert try_lock(path) is None
    mine.close()
    again = try_lock(path)
    assert again is not None
    again.close()
