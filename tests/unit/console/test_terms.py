"""What a click on a facet does to a query."""

import pytest

from oddsock.console.terms import state_of, toggle, write_term


@pytest.mark.parametrize(
    ("query", "toggled"),
    [
        ("", "status:error"),
        ("*", "status:error"),
        ("status:error", ""),
        ("status:error refused", "refused"),
        ("refused AND status:error", "refused"),
        ("status:error AND refused", "refused"),
        ("refused NOT status:error", "refused status:error"),
        ("refused -status:error", "refused status:error"),
        ('"status:error"', '"status:error" status:error'),
        ("(status:error OR x)", "(status:error OR x) status:error"),
        ("a OR b", "(a OR b) status:error"),
        ("a || status:error", "(a || status:error) status:error"),
    ],
)
def test_a_click_puts_a_term_in_or_takes_it_out(query: str, toggled: str) -> None:
    assert toggle(query, "status", "error") == toggled


@pytest.mark.parametrize(
    ("query", "left_out"),
    [
        ("", "-status:error"),
        ("status:error", "-status:error"),
        ("a -status:error", "a"),
        ("NOT status:error b", "b"),
        ("a OR b", "(a OR b) -status:error"),
    ],
)
def test_a_value_is_left_out_and_let_in_again(query: str, left_out: str) -> None:
    assert toggle(query, "status", "error", leave_out=True) == left_out


def test_whether_a_value_is_asked_for_is_told_from_the_query() -> None:
    assert state_of("a service:x", "service", "x") == "in"
    assert state_of("a -service:x", "service", "x") == "out"
    assert state_of("a NOT service:x", "service", "x") == "out"
    assert state_of("a OR service:x", "service", "x") == ""
    assert state_of("(a service:x)", "service", "x") == ""


@pytest.mark.parametrize("value", ["a b", 'a"b', "a:b", "*", "a\\", "OR", "-a", "", "ü"])
def test_a_value_that_means_something_to_the_language_is_quoted(value: str) -> None:
    assert write_term("k", value).startswith('k:"')
    assert state_of(f"x {write_term('k', value)}", "k", value) == "in"
    assert toggle(f"x {write_term('k', value)}", "k", value) == "x"
