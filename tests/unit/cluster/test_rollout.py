"""The arithmetic of a rollout, over any numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.cluster.controllers.rollout import Count, Limits, Scale, limits, next_steps, recreate_steps


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", Limits(1, 1)),
        (1, "25%", "25%", Limits(1, 0)),
        (3, 1, 0, Limits(1, 0)),
        (2, 0, 0, Limits(0, 1)),
        (10, "33%", "33%", Limits(4, 3)),
    ],
)
def test_a_surge_is_rounded_up_and_unavailability_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: Limits
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    assert limits({"replicas": replicas, "strategy": {"rollingUpdate": rolling}}) == expected


@given(
    wanted=st.integers(0, 12),
    old=st.integers(0, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    slow=st.lists(st.booleans(), max_size=60),
)
def test_a_rolling_update_ends_and_never_passes_its_limits(
    wanted: int, old: int, surge: int, unavailable: int, slow: list[bool]
) -> None:
    if surge == 0 and unavailable == 0:
        unavailable = 1
    allowed = Limits(surge, min(unavailable, wanted))
    counts = {"new": 0, "old": min(old, wanted)}
    available = dict(counts)
    ceiling = wanted + surge
    for step in range(200):
        # New pods become available at once, or only in a later step.
        if step >= len(slow) or not slow[step]:
            available["new"] = counts["new"]
        steps = next_steps(
            wanted,
            Count("new", counts["new"], available["new"]),
            [Count("old", counts["old"], available["old"])],
            allowed,
        )
        before = sum(available.values())
        for scale in steps:
            counts[scale.name] = scale.replicas
            available[scale.name] = min(available[scale.name], scale.replicas)
        assert sum(counts.values()) <= ceiling
        assert sum(available.values()) >= min(before, wanted - allowed.unavailable)
    assert counts == {"new": wanted, "old": 0}


def test_old_pods_that_do_not_serve_go_before_those_that_do() -> None:
    steps = next_steps(3, Count("new", 1, 0), [Count("broken", 2, 0), Count("fine", 1, 1)], Limits(1, 2))
    assert steps[0] == Scale("broken", 0)


def test_recreate_goes_down_then_waits_then_goes_up() -> None:
    new, old = Count("new", 0, 0), [Count("old", 2, 2)]
    assert recreate_steps(2, new, old, old_pods_left=True) == [Scale("old", 0)]
    assert recreate_steps(2, new, [Count("old", 0, 0)], old_pods_left=True) == []
    assert recreate_steps(2, new, [Count("old", 0, 0)], old_pods_left=False) == [Scale("new", 2)]
