"""Cases are read in threads, within a time, once for as long as their files stay what they are."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oddsock.console.cases import reading
from oddsock.console.cases.reading import Reader, stamp_of
from oddsock.kit.errors import CannotRun


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader(deadline_wall_s=5)
    yield made
    await made.close()


class Counted:
    """Something to read that counts how often it is."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


async def test_a_thing_is_read_once_until_its_file_changes(reader: Reader, tmp_path: Path) -> None:
    file, count = tmp_path / "book.json", Counted()
    file.write_text("1")

    first = await asyncio.gather(*(reader.read(tmp_path, "book", count, stamp_of(file)) for _ in range(5)))
    again = await reader.read(tmp_path, "book", count, stamp_of(file))
    file.write_text("12")
    changed = await reader.read(tmp_path, "book", count, stamp_of(file))

    assert (first, again, changed) == ([1] * 5, 1, 2)


async def test_what_takes_too_long_is_said_and_is_there_later(tmp_path: Path) -> None:
    reader, goes_on = Reader(deadline_wall_s=0.02), threading.Event()

    def slow() -> str:
        assert goes_on.wait(30)
        return "read"

    with pytest.raises(CannotRun, match="still being read"):
        await reader.read(tmp_path, "book", slow, ())
    goes_on.set()
    patient = reader._kept[(str(tmp_path), "book")].coming
    async with asyncio.timeout(30):
        assert await patient == "read"

    assert await reader.read(tmp_path, "book", lambda: "read again", ()) == "read"
    await reader.close()


async def test_a_failed_reading_is_not_kept(reader: Reader, tmp_path: Path) -> None:
    def fail() -> str:
        raise CannotRun("It is damaged.")

    with pytest.raises(CannotRun, match="It is damaged"):
        await reader.read(tmp_path, "book", fail, ())

    assert await reader.read(tmp_path, "book", lambda: "whole", ()) == "whole"


async def test_what_is_too_large_is_not_read(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="too much for a page"):
        await reader.read(tmp_path, "book", Counted(), (("orders.json", 0, reading.BYTES_MAX + 1),))


async def test_no_more_is_kept_than_there_is_room_for(reader: Reader, tmp_path: Path) -> None:
    half = (("orders.json", 0, reading.KEPT_BYTES_MAX // 2 + 1),)

    for name in ("a", "b", "c"):
        await reader.read(tmp_path / name, "book", Counted(), half)

    assert [key[0] for key in reader._kept] == [str(tmp_path / "c")]
