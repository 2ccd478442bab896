"""What `oddsock doctor` finds."""

from pathlib import Path

import pytest

from oddsock.cli import machine


def _verdicts(home: Path) -> dict[str, str]:
    return {symptom.what: symptom.verdict for symptom in machine.examine(home)}


def test_this_machine_can_run_drills(tmp_path: Path) -> None:
    verdicts = _verdicts(tmp_path / "home")
    assert "missing" not in verdicts.values()
    assert {"python", "processes", "ports", "home", "disk", "kubectl", "faults"} <= set(verdicts)


def test_a_home_that_cannot_be_written_is_missing(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    assert _verdicts(tmp_path / "home")["home"] == "missing"


def test_a_full_disk_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DISK_BYTES_MIN", 2**60)
    assert _verdicts(tmp_path)["disk"] == "missing"


def test_kubectl_is_nice_to_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _verdicts(tmp_path)["kubectl"] == "without"
