"""What telemetry holds is checked against the books, and what it lacks only where it surely would have had it."""

from typing import Any

import msgspec
import pytest

from oddsock.drill.verdict import CheckResult


@pytest.fixture
def shipped(clean: Any) -> Any:
    """Three good orders and one that failed, with every line and event of it in telemetry."""
    clean.fail("o9", 300, told="error", label="Payment failed")
    clean.log_failures()
    clean.ship_telemetry()
    return clean


def result(world: Any, check: str) -> CheckResult:
    """What *check* says after the heal."""
    found: CheckResult = next(each for each in world.account().checks if each.id == check)
    return found


def change(world: Any, name: str, **fields: Any) -> None:
    """Change one answer of telemetry."""
    world.answers[name] = msgspec.structs.replace(world.answers[name], **fields)


def test_telemetry_that_has_everything_agrees_with_the_books(shipped: Any) -> None:
    assert [(result(shipped, check).verdict, result(shipped, check).reason) for check in ("E1", "G3")] == [
        ("ok", "")
    ] * 2
    assert shipped.account().odd == 0


def test_five_lines_in_another_order_are_not_the_five_lines(shipped: Any) -> None:
    shipped.answers["orders-lines"].rows.reverse()
    (finding,) = result(shipped, "E1").findings
    assert finding.order_id == "o9"
    assert finding.sentence.endswith("the next would be “Order o9 status updated to PENDING”.")


def test_a_line_that_telemetry_lost_is_a_count_that_disagrees(shipped: Any) -> None:
    rows = shipped.answers["orders-lines"].rows
    rows[:] = [row for row in rows if "PAYMENT_FAILED" not in row["message"]]
    (finding,) = result(shipped, "G3").findings
    assert finding.sentence.endswith("failed is 1 times in the journal of the window and 0 times in telemetry.")


def test_a_line_that_telemetry_has_twice_is_a_count_that_disagrees(shipped: Any) -> None:
    rows = shipped.answers["orders-lines"].rows
    rows.append(rows[-1])
    assert [finding.order_id for finding in result(shipped, "G3").findings] == ["o9"]


@pytest.mark.parametrize(("place", "word"), [(0, "away"), (1, "back")])
def test_a_scaling_without_its_event_is_odd(shipped: Any, place: int, word: str) -> None:
    del shipped.answers["cluster-events"].rows[place]
    (finding,) = result(shipped, "E1").findings
    assert finding.sentence == f"Telemetry has no event of payment being scaled {word}."


def test_a_service_that_was_taken_away_and_spoke_is_odd(shipped: Any) -> None:
    change(shipped, "target-lines", rows=[{"at": shipped.at(200), "message": "Authorise"}])
    (finding,) = result(shipped, "E1").findings
    assert finding.sentence == "payment wrote 1 lines while it was taken away."


def test_silence_proves_nothing_where_nobody_was_heard(shipped: Any) -> None:
    change(shipped, "heartbeat", rows=shipped.answers["heartbeat"].rows[:1])
    assert result(shipped, "E1").verdict == "unknown"
    assert "its silence proves nothing" in result(shipped, "E1").reason


def test_telemetry_that_lags_behind_is_blamed_for_nothing(shipped: Any) -> None:
    shipped.answers["orders-lines"].rows.clear()
    change(shipped, "heartbeat", rows=[{"row": "beat", "caught_up": False}])
    for check in ("E1", "G3"):
        assert result(shipped, check).verdict == "unknown"
        assert "had not caught up" in result(shipped, check).reason
    assert shipped.account().odd == 0


def test_telemetry_that_did_not_answer_is_no_evidence(shipped: Any) -> None:
    change(shipped, "orders-lines", missing="Connection refused", rows=[])
    assert result(shipped, "E1").reason == "telemetry: Connection refused"


def test_where_no_telemetry_was_asked_the_check_does_not_apply(clean: Any) -> None:
    assert result(clean, "E1").verdict == "not-applicable"
    assert result(clean, "G3").verdict == "ok"
