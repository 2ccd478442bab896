"""Instants in ISO 8601, milliseconds and date math."""

import pytest

from oddsock.kit.clock import instant
from oddsock.kit.date_math import instant_ms
from oddsock.kit.errors import QueryError

NOW = "2024-02-29T13:45:30.250Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-3h", "2024-02-29T10:45:30.250Z"),
        ("now+15m", "2024-02-29T14:00:30.250Z"),
        ("now/d", "2024-02-29T00:00:00Z"),
        ("now-1d/d", "2024-02-28T00:00:00Z"),
        ("now/h-30m", "2024-02-29T12:30:00Z"),
        ("now/w", "2024-02-26T00:00:00Z"),
        ("now/M", "2024-02-01T00:00:00Z"),
        ("now/y", "2024-01-01T00:00:00Z"),
        ("now-1y", "2023-02-28T13:45:30.250Z"),
        ("now+1M", "2024-03-29T13:45:30.250Z"),
        ("2025-10-30T08:24:46.328+0000", "2025-10-30T08:24:46.328Z"),
        ("2025-10-30", "2025-10-30T00:00:00Z"),
        ("1709214330250", NOW),
    ],
)
def test_a_text_names_its_instant(text: str, expected: str) -> None:
    now_ms = round(instant(NOW).timestamp() * 1000)
    assert instant_ms(text, now_ms) == round(instant(expected).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("soon", 1),
        ("now-", 4),
        ("now-3", 4),
        ("now-3h/", 7),
        ("now-99999y", 4),
        ("9" * 15, 1),
        ("1969-01-01", 1),
    ],
)
def test_what_is_no_instant_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(QueryError) as refusal:
        instant_ms(text, 1_709_214_330_250)
    assert refusal.value.column == column
