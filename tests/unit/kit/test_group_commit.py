"""Group commit: waiting writers share a flush, and none pays for another's mistake."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oddsock.kit.group_commit import GroupCommit
from oddsock.kit.sqlite import Book


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    opened = Book.open(tmp_path / "book.sqlite", "CREATE TABLE IF NOT EXISTS rows(n INTEGER PRIMARY KEY)")
    yield opened
    opened.close()


def _count(book: Book) -> int:
    return int(book.connection.execute("SELECT COUNT(*) FROM rows").fetchone()[0])


async def test_writers_that_wait_together_share_commits_and_each_gets_its_own_answer(book: Book) -> None:
    writer = GroupCommit(book)

    async def add(n: int) -> int:
        return await writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(?)", (n,)).lastrowid or 0)

    assert await asyncio.gather(*(add(n) for n in range(1, 101))) == list(range(1, 101))
    assert _count(book) == 100
    assert writer.commits < 10
    await writer.close()


async def test_what_returned_is_seen_by_readers_and_outlives_the_writer(book: Book, tmp_path: Path) -> None:
    writer = GroupCommit(book)
    await writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(7)"))
    assert _count(book) == 1
    other = sqlite3.connect(tmp_path / "book.sqlite")
    assert other.execute("SELECT n FROM rows").fetchall() == [(7,)]
    other.close()
    await writer.close()


async def test_a_piece_that_fails_writes_nothing_and_leaves_its_group_alone(book: Book) -> None:
    writer = GroupCommit(book)

    def spoiled(rows: sqlite3.Connection) -> None:
        rows.execute("INSERT INTO rows VALUES(1)")
        raise LookupError("nothing of this stays")

    results = await asyncio.gather(
        writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(2)")),
        writer.write(spoiled),
        writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(3)")),
        return_exceptions=True,
    )
    assert isinstance(results[1], LookupError)
    assert [row[0] for row in book.connection.execute("SELECT n FROM rows ORDER BY n")] == [2, 3]
    await writer.close()


async def test_a_book_that_cannot_be_written_is_told_to_every_writer_and_the_next_may_succeed(book: Book) -> None:
    writer = GroupCommit(book)
    book.connection.execute("BEGIN IMMEDIATE")
    writer._connection.execute("PRAGMA busy_timeout=1")
    results = await asyncio.gather(
        *(writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(1)")) for _ in range(3)),
        return_exceptions=True,
    )
    assert all(isinstance(result, sqlite3.OperationalError) for result in results)
    book.connection.execute("ROLLBACK")
    await writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(1)"))
    assert _count(book) == 1
    await writer.close()


async def test_a_caller_that_goes_away_does_not_take_its_work_back(book: Book) -> None:
    writer = GroupCommit(book)
    gone = asyncio.create_task(writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(1)")))
    await asyncio.sleep(0)
    gone.cancel()
    await writer.write(lambda rows: rows.execute("INSERT INTO rows VALUES(2)"))
    assert _count(book) == 2
    await writer.close()
