"""A retried call that ended in refusals may still have had its effect earlier: the doubt is what is told."""

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.shop.calls import REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.guard import Guard


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        ([NoAnswer(TIMED_OUT, "Read timed out"), NoAnswer(REFUSED, "Connection refused")], "Read timed out"),
        ([NoAnswer(REFUSED, "Connection refused"), NoAnswer(TIMED_OUT, "Read timed out")], "Read timed out"),
        ([NoAnswer(REFUSED, "Connection refused")], "Connection refused"),
        ([NoAnswer(TIMED_OUT, "Read timed out"), NoAnswer(REFUSED, "no", status=404)], "no"),
    ],
)
async def test_the_cause_of_a_retried_call_is_the_one_that_leaves_a_doubt(causes: list[NoAnswer], told: str) -> None:
    left = list(causes)

    async def call() -> None:
        raise left.pop(0) if len(left) > 1 else left[0]

    guard = Guard(ManualClock(), backoff=Backoff(0.1, 0.1, jitter=False), deadline_wall_s=1.0)
    with pytest.raises(NoAnswer) as ended:
        await guard.run(call)
    assert ended.value.text == told
