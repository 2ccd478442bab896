"""Documents: kept as given, in order of their making."""

from pathlib import Path

from oddsock.telemetry.store.documents import Documents


def test_a_document_is_there_again_after_reopening_and_keeps_its_place_when_changed(tmp_path: Path) -> None:
    documents = Documents.open(tmp_path / "meta.sqlite")
    documents.put("monitor", "1", {"id": 1, "name": "a"})
    documents.put("monitor", "2", {"id": 2})
    documents.put("dashboard", "1", {"id": "x"})
    documents.put("monitor", "1", {"id": 1, "name": "b"})
    documents.close()
    again = Documents.open(tmp_path / "meta.sqlite")
    assert again.list("monitor") == [{"id": 1, "name": "b"}, {"id": 2}]
    assert again.get("dashboard", "1") == {"id": "x"}
    assert again.get("dashboard", "2") is None
    assert again.delete("monitor", "1")
    assert not again.delete("monitor", "1")
    again.close()
