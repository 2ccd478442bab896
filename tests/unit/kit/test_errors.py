"""The tree of errors: each one sentence, each its exit code."""

import pytest

from oddsock.kit import errors


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.OddsockError("Broken."), 3),
        (errors.UsageError("Wrong flag."), 2),
        (errors.PlanError("p.yaml", 3, 7, "speed must be a number."), 2),
        (errors.CannotRun("No."), 3),
        (errors.Unreachable("Payment", "127.0.0.1:1", "Connection refused"), 3),
        (errors.Forbidden("Not here."), 3),
        (errors.Interrupted("Stopped."), 3),
        (errors.CannotHeal("Left at 0."), 4),
    ],
)
def test_every_error_knows_its_exit_code(error: errors.OddsockError, exit_code: int) -> None:
    assert error.exit_code == exit_code


def test_an_error_reads_as_its_sentence_and_what_to_do_next() -> None:
    assert str(errors.CannotRun("The disk is full.", "Free space.")) == "The disk is full. Free space."
    assert str(errors.CannotRun("The disk is full.")) == "The disk is full."


def test_a_wrong_plan_names_file_line_and_column() -> None:
    error = errors.PlanError("plans/x.yaml", 3, 7, "speed must be a number.")
    assert str(error) == "plans/x.yaml:3:7: speed must be a number."
    assert (error.line, error.column) == (3, 7)


def test_an_unreachable_server_is_named_with_its_address_and_cause() -> None:
    error = errors.Unreachable("Payment", "http://127.0.0.1:1", "Connection refused", "Scale it up.")
    assert str(error) == "Payment at http://127.0.0.1:1 does not answer: Connection refused. Scale it up."
    assert error.address == "http://127.0.0.1:1"
