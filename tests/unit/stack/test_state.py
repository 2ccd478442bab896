"""stack.json: what is up is judged by process id and start time, not by what was written."""

import os
from pathlib import Path
from typing import Any

import pytest

from oddsock.kit import processes
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.stack import state as stacks
from oddsock.stack.state import StackState


def a_state(name: str = "sockshop", alive: bool = True, **changes: Any) -> StackState:
    """A stack under this very process, or under one that was this process's id long ago."""
    made = StackState(
        name=name,
        state="running",
        pid=os.getpid(),
        pid_started_at=processes.started_at(os.getpid()) if alive else 1.0,
        started_at="2025-10-30T08:24:00.000Z",
        server="http://127.0.0.1:1",
        kubeconfig="/k",
        storefront="http://127.0.0.1:2",
        services={"orders": "http://127.0.0.1:3"},
        speed=30,
        mode="ports",
        namespace="sock-shop",
        log="/log",
        kept_by="itself",
    )
    return made._replace(**changes)


def test_a_state_is_read_back_as_it_was_written_to_the_last_digit(tmp_path: Path) -> None:
    stacks.write_state(tmp_path, a_state())
    assert stacks.read_state(tmp_path, "sockshop") == a_state()
    assert stacks.find(tmp_path, "sockshop") is not None


def test_a_reused_process_id_is_not_a_living_stack(tmp_path: Path) -> None:
    stacks.write_state(tmp_path, a_state(alive=False))
    assert stacks.find(tmp_path) is None
    with pytest.raises(CannotRun, match="is dead"):
        stacks.require(tmp_path)


def test_a_stack_that_never_was_and_one_that_is_starting_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="No stack named sockshop is up"):
        stacks.require(tmp_path)
    stacks.write_state(tmp_path, a_state(state="starting"))
    with pytest.raises(CannotRun, match="still starting"):
        stacks.require(tmp_path)


def test_only_the_living_are_listed(tmp_path: Path) -> None:
    for name, alive in (("two", True), ("one", True), ("gone", False)):
        stacks.write_state(tmp_path, a_state(name, alive))
    assert [state.name for state in stacks.living(tmp_path)] == ["one", "two"]


def test_a_forgotten_stack_can_be_forgotten_again(tmp_path: Path) -> None:
    stacks.write_state(tmp_path, a_state())
    stacks.forget(tmp_path, "sockshop")
    stacks.forget(tmp_path, "sockshop")
    assert stacks.read_state(tmp_path, "sockshop") is None


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    stacks.write_state(tmp_path, a_state())
    (stacks.folder(tmp_path, "sockshop") / stacks.STATE_FILE).write_text("{")
    with pytest.raises(CannotRun, match="cannot be read"):
        stacks.read_state(tmp_path, "sockshop")


@pytest.mark.parametrize("name", ["", "a b", "../up", "Über", "-a", "a-", "x" * 41])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        stacks.check_name(name)


@pytest.mark.parametrize("name", ["a", "sockshop", "second-2", "x" * 40])
def test_a_plain_name_is_taken(name: str) -> None:
    assert stacks.check_name(name) == name


def test_an_empty_file_as_a_power_cut_may_leave_is_no_stack(tmp_path: Path) -> None:
    stacks.write_state(tmp_path, a_state())
    (tmp_path / "stacks" / "sockshop" / "stack.json").write_text("")
    assert stacks.read_state(tmp_path, "sockshop") is None
