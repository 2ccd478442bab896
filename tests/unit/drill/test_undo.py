"""The undo journal: on the disk before the fault acts, whole after a cut, one line for each thing."""

from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.drill.faults.fault import Change
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.undo import Closed, Undo, UndoJournal, inject
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Unreachable

FAULT = ScaleToZero(target="payment")
CHANGE = Change(object="Deployment/payment", path="spec.replicas", was=2, injected=0, ready=2)


def _undo(fault_id: str) -> Undo:
    return Undo(id=fault_id, fault="scale-to-zero", at="", namespace="sock-shop", changes=[CHANGE])


async def test_the_undo_stands_in_the_journal_when_the_write_to_the_cluster_fails(tmp_path: Path) -> None:
    cluster = MemoryCluster({"payment": 2})
    cluster.failing = Unreachable("The Kubernetes API", "http://memory", "Connection refused")
    journal = UndoJournal(tmp_path / "undo.jsonl")
    with pytest.raises(Unreachable):
        await inject(FAULT, "payment-away", cluster, journal, ManualClock())
    assert [entry.changes for entry in journal.open_entries()] == [[CHANGE]]
    assert cluster.counts == {"payment": 2}


async def test_nothing_is_broken_when_the_undo_cannot_be_written(tmp_path: Path) -> None:
    cluster = MemoryCluster({"payment": 2})
    journal = UndoJournal(tmp_path / "no such folder" / "undo.jsonl")
    with pytest.raises(CannotRun, match="cannot be written"):
        await inject(FAULT, "payment-away", cluster, journal, ManualClock())
    assert cluster.writes == []


async def test_an_injected_fault_is_open_until_it_is_closed(tmp_path: Path) -> None:
    cluster = MemoryCluster({"payment": 2})
    journal = UndoJournal(tmp_path / "undo.jsonl")
    await inject(FAULT, "payment-away", cluster, journal, ManualClock())
    assert cluster.counts == {"payment": 0}
    assert [entry.id for entry in journal.open_entries()] == ["payment-away"]
    journal.write(Closed(id="payment-away", at="", result="restored"))
    assert journal.open_entries() == []


def test_the_lines_read_as_the_contract_says(tmp_path: Path) -> None:
    journal = UndoJournal(tmp_path / "undo.jsonl")
    journal.write(_undo("a"))
    assert journal.path.read_text() == (
        '{"kind":"undo","id":"a","fault":"scale-to-zero","at":"","namespace":"sock-shop","changes":'
        '[{"object":"Deployment/payment","path":"spec.replicas","was":2,"injected":0,"ready":2}]}\n'
    )


def test_a_torn_last_line_is_not_read_and_not_appended_onto(tmp_path: Path) -> None:
    journal = UndoJournal(tmp_path / "undo.jsonl")
    journal.write(_undo("a"))
    with journal.path.open("a") as torn:
        torn.write('{"kind":"undo","id":"b","fau')
    assert [entry.id for entry in journal.open_entries()] == ["a"]
    again = UndoJournal(journal.path)
    again.write(_undo("c"))
    assert [entry.id for entry in again.open_entries()] == ["a", "c"]


def test_a_damaged_line_in_the_middle_is_said_and_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "undo.jsonl"
    path.write_text("{]\n")
    with pytest.raises(CannotRun, match=r"Line 1 of .* is damaged"):
        UndoJournal(path).open_entries()


def test_one_id_cannot_be_injected_twice_at_once(tmp_path: Path) -> None:
    journal = UndoJournal(tmp_path / "undo.jsonl")
    journal.write(_undo("a"))
    with pytest.raises(CannotRun, match="injected already"):
        journal.write(_undo("a"))
