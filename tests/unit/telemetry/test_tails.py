"""A live tail gives its follower what it asked for, and counts what it had to drop."""

import pytest

from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.tails import QUEUE_MAX, Tails

SOON_S = 5.0
AT_ONCE_S = 0.001


def _logs(*messages: str) -> list[Log]:
    return [Log(at_ms=1, message=message, service="orders") for message in messages]


async def test_a_follower_sees_what_matches_with_the_ids_it_was_stored_under() -> None:
    tails = Tails(2)
    tail = tails.open(parse_search("paid"))
    tails.publish(_logs("paid", "failed", "paid twice", "paid again"), [5, 6, 7, 0])
    logs, missed = await tail.take(SOON_S)
    assert ([(log.id, log.message) for log in logs], missed) == ([(5, "paid"), (7, "paid twice")], 0)
    assert await tail.take(AT_ONCE_S) == ([], 0)


async def test_a_slow_follower_loses_the_oldest_and_is_told_how_many() -> None:
    tails = Tails(1)
    tail = tails.open(parse_search("*"))
    numbers = range(1, QUEUE_MAX + 4)
    tails.publish(_logs(*map(str, numbers)), numbers)
    logs, missed = await tail.take(SOON_S)
    assert (len(logs), missed, logs[0].id) == (QUEUE_MAX, 3, 4)


async def test_one_tail_too_many_is_refused_until_another_is_closed() -> None:
    tails = Tails(1)
    first = tails.open(parse_search("*"))
    with pytest.raises(ApiError) as refused:
        tails.open(parse_search("*"))
    assert refused.value.status == 429
    tails.close(first)
    assert tails.open(parse_search("*")) is not first
