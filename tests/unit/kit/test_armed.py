"""What a drill arms in a process: for its pod only, from the moment the file stands there until it is gone."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oddsock.kit.armed import armed
from oddsock.kit.clock import SystemClock
from oddsock.kit.group_commit import GroupCommit
from oddsock.kit.sqlite import Book

SCHEMA = "CREATE TABLE IF NOT EXISTS orders(id TEXT, body TEXT)"
LONG = timedelta(minutes=1)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that this process, as pod a, looks into; not there yet."""
    path = tmp_path / "sock-shop"
    monkeypatch.setenv("ODDSOCK_FAULTS", str(path))
    monkeypatch.setenv("HOSTNAME", "a")
    return path


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    opened = Book.open(tmp_path / "orders.sqlite", SCHEMA)
    yield opened
    opened.close()


def arm(path: Path, *rows: dict[str, object]) -> None:
    """Replace the file as the cluster does."""
    fresh = path.with_name("fresh")
    fresh.write_text("".join(json.dumps({"pods": ["a"], **row}) + "\n" for row in rows))
    fresh.replace(path)


def fill(book: Book, orders: int) -> None:
    """Write *orders* orders into *book*."""
    with book.transaction() as rows:
        rows.executemany("INSERT INTO orders VALUES(?, 'x')", [(str(number),) for number in range(orders)])


def count(book: Book) -> int:
    """How many orders *book* has."""
    return int(book.connection.execute("SELECT COUNT(*) FROM orders").fetchone()[0])


def test_a_row_is_for_its_pods_and_its_type_only(file: Path) -> None:
    assert armed("disk-full") == ()
    arm(file, {"id": "f", "type": "disk-full", "pods": ["b"]}, {"id": "g", "type": "clock-skew", "offsetMs": 1})
    assert not armed("disk-full")
    assert [row["id"] for row in armed("clock-skew")] == ["g"]
    assert armed("clock-skew") is armed("clock-skew")
    file.unlink()
    assert armed("clock-skew") == ()


def test_a_clock_is_wrong_by_what_is_armed_and_right_again_behind_it(file: Path) -> None:
    arm(file, {"id": "slow", "type": "clock-skew", "offsetMs": -600_000})
    clock, began = SystemClock(), SystemClock().monotonic()
    assert abs(clock.now() - (datetime.now(UTC) - timedelta(minutes=10))) < LONG
    assert clock.monotonic() - began < LONG.total_seconds()
    assert Path(f"{file}.slow.hits").read_bytes() == b"x"
    file.unlink()
    assert abs(clock.now() - datetime.now(UTC)) < LONG


def test_on_a_full_disk_sqlite_refuses_to_write_and_reads_until_there_is_room(file: Path, book: Book) -> None:
    fill(book, 500)
    with book.transaction() as rows:
        # Pages that are free inside the file are no room either.
        rows.execute("DELETE FROM orders WHERE rowid > 10")
    arm(file, {"id": "full", "type": "disk-full"})
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="database or disk is full"), book.transaction() as rows:
            rows.execute("UPDATE orders SET body='y' WHERE id='1'")
    assert count(book) == 10
    assert Path(f"{file}.full.hits").read_bytes() == b"xx"
    file.unlink()
    fill(book, 500)
    assert count(book) == 510
    assert [row[0] for row in book.connection.execute("SELECT name FROM sqlite_master")] == ["orders"]


async def test_a_group_that_meets_a_full_disk_fails_as_a_whole_and_the_next_is_written(file: Path, book: Book) -> None:
    group = GroupCommit(book)
    arm(file, {"id": "full", "type": "disk-full"})
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await group.write(lambda rows: rows.execute("INSERT INTO orders VALUES('1', 'x')"))
    file.unlink()
    await group.write(lambda rows: rows.execute("INSERT INTO orders VALUES('2', 'x')"))
    await group.close()
    assert count(book) == 1


def test_a_commit_that_fails_leaves_no_transaction_open(book: Book) -> None:
    book.connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError), book.transaction() as rows:
        rows.execute("INSERT INTO orders VALUES('1', zeroblob(100000))")
    assert not book.connection.in_transaction
    book.connection.execute("PRAGMA max_page_count=1000")
    fill(book, 3)
    assert count(book) == 3
