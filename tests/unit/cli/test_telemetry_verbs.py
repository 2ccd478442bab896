"""What logs and metrics look like on a terminal and in a spreadsheet; a query's mistake is pointed at."""

import pytest

from oddsock.cli.logs import _Csv, _Lines
from oddsock.cli.plot import draw_plot
from oddsock.cli.telemetry import point_at
from oddsock.clients.datadog.records import Log

ROWS = [
    Log(
        id="1",
        at="2025-10-30T08:24:46.328Z",
        message='=SUM(1), "Connection refused"\n\tat java.net',
        status="error",
        service="sock-shop-orders",
        host="sockshop-worker",
        tags=("kube_namespace:sock-shop", "pod_name:orders-1"),
    )
]


def test_a_line_for_people_says_when_how_bad_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines.say(ROWS)
    assert capsys.readouterr().out.startswith("2025-10-30T08:24:46.328Z  error    orders-1  =SUM(1), ")


def test_a_line_does_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _Lines.say([Log(id="1", at="t", message="\x1b[0mGET / \x1b[32m200 \x1b]0;mine\x07\r\x1b[2J", service="front-end")])
    assert capsys.readouterr().out == "t  -        front-end  GET / 200 ]0;mine\n"


def test_a_spreadsheet_takes_no_message_for_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    _Csv.say(ROWS)
    heading, record = capsys.readouterr().out.split("\n", 1)
    assert heading == "at,status,service,host,pod,message"
    assert record.startswith("2025-10-30T08:24:46.328Z,error,sock-shop-orders,sockshop-worker,orders-1,\"'=SUM(1)")


@pytest.mark.parametrize(
    ("query", "column", "below"),
    [("a (", 3, "  a (\n    ^"), ("a (", 4, "  a (\n     ^"), ("a\nb (", 5, "  b (\n    ^")],
)
def test_the_caret_stands_under_the_column(query: str, column: int, below: str) -> None:
    assert point_at("No.", query, column) == f"No.\n{below}"


def test_a_gap_in_a_plot_is_no_zero_and_a_spike_is_never_squeezed_away() -> None:
    *_, ground, _ = draw_plot([5.0, None, 0.0, 5.0])
    assert ground.endswith("│█· █")
    values = [1.0] * 1000
    values[617] = 9.0
    assert "█" in draw_plot(values, height=4, width=50)[0]


def test_a_plot_of_nothing_has_no_lines() -> None:
    assert draw_plot([None, None]) == draw_plot([]) == []
