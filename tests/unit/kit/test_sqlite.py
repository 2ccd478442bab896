"""A service's book: durable, owned by one process, all or nothing."""

from pathlib import Path

import pytest

from oddsock.kit.errors import CannotRun
from oddsock.kit.sqlite import Book

SCHEMA = "CREATE TABLE IF NOT EXISTS charges (seq INTEGER PRIMARY KEY, cents INTEGER)"


def test_a_committed_row_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "charges.db"
    book = Book.open(path, SCHEMA)
    with book.transaction() as writing:
        writing.execute("INSERT INTO charges (cents) VALUES (10498)")
    book.close()
    again = Book.open(path, SCHEMA)
    assert [row["cents"] for row in again.connection.execute("SELECT cents FROM charges")] == [10498]
    again.close()


def test_a_book_is_flushed_at_every_commit(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "charges.db", SCHEMA)
    assert book.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert book.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    book.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "charges.db", SCHEMA)
    with pytest.raises(ZeroDivisionError), book.transaction() as writing:
        writing.execute("INSERT INTO charges (cents) VALUES (1)")
        raise ZeroDivisionError
    assert book.connection.execute("SELECT count(*) FROM charges").fetchone()[0] == 0
    book.close()


def test_a_book_has_one_owner(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "charges.db", SCHEMA)
    with pytest.raises(CannotRun, match="in use by another process"):
        Book.open(tmp_path / "charges.db", SCHEMA)
    book.close()


def test_a_book_that_cannot_be_opened_says_why_and_gives_its_lock_back(tmp_path: Path) -> None:
    (tmp_path / "charges.db").mkdir()
    for _ in range(2):
        with pytest.raises(CannotRun, match="cannot be opened"):
            Book.open(tmp_path / "charges.db", SCHEMA)
