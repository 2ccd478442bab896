"""A book's file: one JSON document, a row a line, read whole or in blocks."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill import row_files
from oddsock.drill.row_files import NoBlocks, Pick, read_blocks, read_head, read_picked, write_rows

HEAD = {"book": "notices", "phase": "before", "taken_at": "", "source": "s", "missing": None}


def rows_of(count: int) -> list[dict[str, Any]]:
    """Rows with everything in their texts that could be taken for the end of a row or of the file."""
    return [{"seq": n, "text": 'a\n]}\n{"rows":[\n,\n' * (n % 3)} for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 40])
@pytest.mark.parametrize("block_bytes", [1, 7, 64, 100_000])
def test_blocks_hold_every_row_once_and_any_reader_takes_the_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, block_bytes: int
) -> None:
    monkeypatch.setattr(row_files, "BLOCK_BYTES", block_bytes)
    path, rows = tmp_path / "notices.json", rows_of(count)
    write_rows(path, HEAD, iter(rows))
    assert json.loads(path.read_text()) == {**HEAD, "rows": rows}
    assert read_head(path) == {**HEAD, "rows": []}
    blocks = [(block, msgspec.json.decode(block.text)) for block in read_blocks(path)]
    assert [row for _, found in blocks for row in found] == rows
    for every in (1, 2, 5, 39):
        picks = [
            Pick(block.offset, block.size, len(found), list(range(0, len(found), every))) for block, found in blocks
        ]
        picked = [msgspec.json.decode(line) for lines in read_picked(path, picks) for line in lines]
        assert picked == [row for _, found in blocks for row in found[::every]]


@pytest.mark.parametrize(
    "text", ['{\n  "rows": [\n    {}\n  ]\n}\n', '{"rows":[{}]}', '{"rows":[\n{}\n', '{"rows":[\n{}\n]}\n{}\n', ""]
)
def test_a_file_that_is_laid_out_otherwise_or_torn_has_no_blocks(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notices.json"
    path.write_text(text)
    with pytest.raises(NoBlocks):
        read_head(path)
        list(read_blocks(path))
