"""Cursors and ids are opaque, come back as they went, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.api.log_answers import Cursor, read_cursor, read_id, write_cursor, write_id, write_log
from oddsock.telemetry.records import Log

numbers = st.integers(0, (1 << 63) - 1)


@given(cursor=st.builds(Cursor, st.booleans(), numbers, numbers, numbers))
def test_a_cursor_comes_back_as_it_went(cursor: Cursor) -> None:
    assert read_cursor(write_cursor(cursor)) == cursor


@given(number=numbers)
def test_an_id_comes_back_as_it_went(number: int) -> None:
    assert read_id(write_id(number)) == number


@given(
    text=st.one_of(
        st.text(max_size=30), st.sampled_from(["AQ", "AQAAAAAAAAAA", "AQ__________8", "W10=", "WzEsMiwzLDRd"])
    )
)
def test_any_other_text_is_refused(text: str) -> None:
    for read in (read_cursor, read_id):
        with pytest.raises(ApiError) as refused:
            read(text)
        assert refused.value.status == 400


def test_a_log_tells_its_source_among_its_tags_and_its_trace_among_its_attributes() -> None:
    log = Log(id=1, at_ms=1_761_812_686_328, message="m", source="java", trace_id="77", tags=("a:b",))
    assert write_log(log)["attributes"] == {
        "timestamp": "2025-10-30T08:24:46.328Z",
        "host": "",
        "service": "",
        "status": "info",
        "message": "m",
        "tags": ["a:b", "source:java"],
        "attributes": {"trace_id": "77"},
    }
