"""Which requests a fault meets: the same ones for the same seed, about as many as asked."""

from oddsock.cluster.proxy_faults import Caller, Decider
from oddsock.cluster.proxy_requests import Piece
from oddsock.cluster.proxy_wire import Rule
from oddsock.kit import ids

SOMEBODY = Caller(("127.0.0.1", 40000), ("127.0.0.1", 80))


def decider(*rules: Rule, callers: set[int] | None = None) -> tuple[Decider, list[str]]:
    """A decider for which SOMEBODY is each process of *callers*, and its hits."""
    hits: list[str] = []
    made = Decider(hits.append, lambda _, pids: bool((callers or set()) & set(pids)))
    made.set_rules(rules)
    return made, hits


def test_a_percentage_meets_the_same_requests_for_the_same_seed() -> None:
    def met(seed: int) -> list[bool]:
        made, _ = decider(Rule(fault="a", type="reset", percentage=30, seed=seed))
        return [made.decide(SOMEBODY, True).resets for _ in range(1000)]

    assert met(7) == met(7) != met(8)
    assert 250 < sum(met(7)) < 350


def test_all_and_none_are_exact() -> None:
    made, hits = decider(Rule(fault="a", type="drop-reply"))
    assert all(made.decide(SOMEBODY, True).drops_reply for _ in range(100))
    assert hits == ["a"] * 100
    made.set_rules([])
    assert not made.decide(SOMEBODY, True).drops_reply


def test_a_status_is_for_requests_only() -> None:
    made, hits = decider(Rule(fault="a", type="http-error", status=500))
    assert made.decide(SOMEBODY, is_request=False).status == 0
    assert hits == []
    assert made.decide(SOMEBODY, is_request=True).status == 500


def test_latencies_add_up_and_jitter_stays_within_its_bounds() -> None:
    made, _ = decider(
        Rule(fault="a", type="latency", latency_ms=100, jitter_ms=50, seed=1),
        Rule(fault="b", type="latency", latency_ms=1000),
    )
    delays = [made.decide(SOMEBODY, True).delay_s for _ in range(200)]
    assert 1.05 <= min(delays) < max(delays) <= 1.15


def test_a_fault_for_one_caller_leaves_the_others_alone_and_does_not_count_them() -> None:
    made, hits = decider(Rule(fault="a", type="reset", callers=(11,)), callers={22})
    assert not made.decide(SOMEBODY, True).resets
    made.set_rules([Rule(fault="a", type="reset", callers=(11, 22))])
    assert made.decide(SOMEBODY, True).resets
    assert hits == ["a"]


def test_the_same_seed_decides_the_same_for_each_order_and_attempt_in_any_sequence() -> None:
    def met(calls: list[tuple[int, int]], named_by_drill: bool) -> dict[tuple[int, int], bool]:
        made, _ = decider(Rule(fault="a", type="drop-reply", percentage=50, seed=7))
        # The ids of a run's orders are its own; without a drill behind it, an order has nothing but its id.
        order_ids = {order: ids.object_id() if named_by_drill else f"{order:024x}" for order, _ in calls}
        found = {}
        for order, attempt in calls:
            request = ids.request_id(f"a{order:04d}") if named_by_drill and attempt == 0 else ""
            # What carries no order in between shifts nothing.
            made.decide(SOMEBODY, True)
            found[order, attempt] = made.decide(
                SOMEBODY, True, Piece(b"", True, True, order_ids[order], request)
            ).drops_reply
        return found

    calls = [(order, attempt) for order in range(200) for attempt in range(3)]
    elsewhere = [(order, attempt) for attempt in range(3) for order in reversed(range(200))]
    for named_by_drill in (True, False):
        first = met(calls, named_by_drill)
        assert first == met(elsewhere, named_by_drill)
        assert 250 < sum(first.values()) < 350
        assert len({tuple(first[order, attempt] for attempt in range(3)) for order in range(200)}) == 8
