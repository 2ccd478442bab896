"""Links and sessions of the console."""

from oddsock.console.access import LINK_S, LINKS_MAX, SESSIONS_MAX, Access
from oddsock.kit.clock import ManualClock


def test_a_link_lets_in_once() -> None:
    access = Access("key", "", ManualClock())
    code = access.make_link()

    assert access.enter(code) is not None
    assert access.enter(code) is None


def test_a_link_that_was_never_given_lets_nobody_in() -> None:
    access = Access("key", "", ManualClock())

    assert access.enter("") is None
    assert access.enter("guessed") is None


def test_a_link_grows_old_but_the_first_one_does_not() -> None:
    clock = ManualClock()
    access = Access("key", "first", clock)
    code = access.make_link()

    clock.advance(LINK_S + 1)

    assert access.enter(code) is None
    assert access.enter("first") is not None


def test_links_and_sessions_are_never_more_than_there_is_room_for() -> None:
    access = Access("key", "", ManualClock())
    codes = [access.make_link() for _ in range(LINKS_MAX + 1)]

    assert access.enter(codes[0]) is None
    assert access.enter(codes[-1]) is not None
    sessions = {access.enter(access.make_link()) for _ in range(SESSIONS_MAX + 5)}
    assert len({session.id for session in sessions if session}) == SESSIONS_MAX + 5
    assert len(access._sessions) == SESSIONS_MAX
