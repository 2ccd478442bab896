"""Lines of container logs joined: parts to lines, lines to records."""

from oddsock.telemetry.agent.cri import LineJoiner, split_line
from oddsock.telemetry.agent.log_records import LINES_MAX, RecordJoiner

AT = b"2025-10-30T08:24:46.328000000Z"
SPRING = b"2025-10-30 08:24:46.328 ERROR [orders,0af7,b7ad,false] 7 --- [main] w.w.s.o.Controller : Payment failed"


def _records(*raws: bytes) -> list[str]:
    lines, records, done, begin = LineJoiner(), RecordJoiner(), [], 0
    for raw in raws:
        if line := lines.take(raw, begin):
            done += records.take(line)
        begin += len(raw) + 1
    return [record.message for record in [*done, *records.flush()]]


def test_a_line_is_its_instant_stream_tag_and_text() -> None:
    assert split_line(AT + b" stderr F method=Authorise result=true") == (
        1761812686328,
        "stderr",
        b"F",
        b"method=Authorise result=true",
    )


def test_what_is_no_line_of_a_container_log_is_left_out() -> None:
    joiner = LineJoiner()
    assert joiner.take(b"hello", 0) is None
    assert joiner.take(b"yesterday stdout F hello", 6) is None
    assert joiner.open_from is None


def test_parts_are_joined_for_each_stream_and_begin_where_their_first_part_does() -> None:
    joiner = LineJoiner()
    assert joiner.take(AT + b" stdout P one ", 0) is None
    assert joiner.take(AT + b" stderr F between", 45) is not None
    assert joiner.open_from == 0
    whole = joiner.take(AT + b" stdout F two", 90)
    assert whole is not None
    assert (whole.text, whole.begin, whole.stream) == ("one two", 0, "stdout")
    assert joiner.open_from is None


def test_a_stack_trace_belongs_to_the_record_above_it() -> None:
    assert _records(
        AT + b" stdout F " + SPRING,
        AT + b" stdout F ",
        AT + b" stdout F java.net.ConnectException: Connection refused (Connection refused)",
        AT + b" stdout F \tat java.net.PlainSocketImpl.socketConnect(Native Method)",
        AT + b" stdout F Caused by: java.io.IOException: no",
        AT + b" stdout F \t... 12 more",
        AT + b" stdout F " + SPRING,
    ) == [
        SPRING.decode() + "\n\njava.net.ConnectException: Connection refused (Connection refused)\n"
        "\tat java.net.PlainSocketImpl.socketConnect(Native Method)\n"
        "Caused by: java.io.IOException: no\n\t... 12 more",
        SPRING.decode(),
    ]


def test_a_bare_print_between_two_records_is_a_record_of_its_own() -> None:
    assert _records(
        AT + b" stdout F " + SPRING, AT + b" stdout F Adding shipment to queue...", AT + b" stdout F " + SPRING
    ) == [SPRING.decode(), "Adding shipment to queue...", SPRING.decode()]


def test_streams_do_not_join_each_other() -> None:
    assert _records(AT + b" stdout F " + SPRING, AT + b" stderr F \tat elsewhere", AT + b" stdout F \tat here") == [
        "\tat elsewhere",
        SPRING.decode() + "\n\tat here",
    ]


def test_blank_lines_alone_are_nothing() -> None:
    assert _records(AT + b" stdout F ", AT + b" stdout F    ") == []


def test_a_record_that_never_ends_is_cut() -> None:
    frames = [AT + b" stdout F \tat somewhere"] * (LINES_MAX + 10)
    assert len(_records(AT + b" stdout F " + SPRING, *frames)[0].splitlines()) == LINES_MAX
