"""The span that a page's address asks for."""

import pytest

from oddsock.console.span import read_span
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import UsageError

NOW_MS = 1_761_812_640_000
"""Where a manual clock stands: 2025-10-30T08:24:00Z."""


def test_a_page_that_is_asked_for_nothing_shows_the_last_quarter_of_an_hour() -> None:
    span = read_span({}, ManualClock())

    assert (span.from_text, span.to_text) == ("now-15m", "now")
    assert (span.from_ms, span.to_ms) == (NOW_MS - 900_000, NOW_MS)
    assert span.from_at == "2025-10-30T08:09:00.000Z"


def test_instants_are_taken_as_reports_write_them() -> None:
    span = read_span({"from": "2025-10-30T08:20:00.000Z", "to": "2025-10-30T08:40:00.000Z"}, ManualClock())

    assert (span.from_at, span.to_at) == ("2025-10-30T08:20:00.000Z", "2025-10-30T08:40:00.000Z")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"from": "yesterday"}, "from: 'yesterday' is no instant"),
        ({"to": "now-3x"}, "to: 'now-3x' goes wrong here"),
        ({"from": "now", "to": "now-1h"}, "does not lie before"),
        ({"from": "now"}, "does not lie before"),
    ],
)
def test_a_span_that_is_none_is_told_in_a_sentence(asked: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_span(asked, ManualClock())

    assert told in refused.value.sentence
    assert refused.value.hint
