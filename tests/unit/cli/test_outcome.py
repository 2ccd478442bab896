"""From what happened to one sentence on stderr and an exit code."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oddsock.cli import outcome, registry
from oddsock.kit import errors

Fails = Callable[[BaseException], None]


@pytest.fixture(autouse=True)
def signals_untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The verbs' signal handlers stay out of the test process, and home is a folder of the test's."""
    monkeypatch.setattr(outcome, "_SIGNALS", ())
    monkeypatch.setenv("ODDSOCK_HOME", str(tmp_path / "home"))
    yield


@pytest.fixture
def a_verb_that_raises(monkeypatch: pytest.MonkeyPatch) -> Fails:
    """Let the whole command raise what the test says."""

    def plant(error: BaseException) -> None:
        def raise_it(*_: object, **__: object) -> int:
            raise error

        monkeypatch.setattr(registry, "application", lambda: raise_it)

    return plant


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("No such fault.", "See `oddsock list faults`."), 2),
        (errors.CannotRun("The disk is full."), 3),
        (errors.Interrupted("Stopped by SIGTERM."), 3),
        (errors.CannotHeal("payment is left at 0."), 4),
    ],
)
def test_an_error_of_ours_is_one_sentence_and_its_code(
    error: errors.OddsockError, code: int, a_verb_that_raises: Fails, capsys: pytest.CaptureFixture[str]
) -> None:
    a_verb_that_raises(error)
    assert outcome.run(["status"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"oddsock: {error}\n"


def test_an_unexpected_error_is_a_sentence_and_its_traceback_is_kept(
    a_verb_that_raises: Fails, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_verb_that_raises(ZeroDivisionError("card 5544154011345918\nsecond line"))
    assert outcome.run(["status"]) == 3
    shown = capsys.readouterr().err
    (log,) = (tmp_path / "home" / "logs").iterdir()
    assert shown.count("\n") == 1
    assert str(log) in shown
    assert "Traceback" not in shown
    assert "ZeroDivisionError" in log.read_text()
    assert "5544154011345918" not in log.read_text()


def test_debug_shows_the_traceback(a_verb_that_raises: Fails, capsys: pytest.CaptureFixture[str]) -> None:
    a_verb_that_raises(ZeroDivisionError())
    assert outcome.run(["status", "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_error_that_cannot_be_kept_is_still_a_sentence(
    a_verb_that_raises: Fails, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    a_verb_that_raises(ZeroDivisionError())
    assert outcome.run(["status"]) == 3
    assert "--debug" in capsys.readouterr().err


def test_a_full_disk_is_a_sentence_with_a_way_out(
    a_verb_that_raises: Fails, capsys: pytest.CaptureFixture[str]
) -> None:
    a_verb_that_raises(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "case.json"))
    assert outcome.run(["status"]) == 3
    assert capsys.readouterr().err == (
        "oddsock: case.json cannot be written or read: No space left on device. "
        "Free space, or choose another folder with --home.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["status", "--wings"],
        ["drill"],
        ["up", "--speed", "fast"],
        ["up", "--port", "70000"],
        ["status", "--home"],
    ],
)
def test_a_wrong_request_is_one_sentence_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome.run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "--help" in shown.err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import oddsock

    assert outcome.run(["--version"]) == 0
    assert capsys.readouterr().out == f"oddsock {oddsock.__version__}\n"


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome.run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in registry.VERBS)


def test_no_arguments_are_answered_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome.run([]) == 2
    assert "Usage: oddsock" in "".join(capsys.readouterr())


def test_home_on_the_line_holds_for_this_process_and_its_children(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome.run(["status", "--home", str(tmp_path / "other")]) == 3
    assert os.environ["ODDSOCK_HOME"] == str(tmp_path / "other")
    assert "No stack named sockshop is up" in capsys.readouterr().err
