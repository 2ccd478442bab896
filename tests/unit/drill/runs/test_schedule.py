"""The plan's order of events is kept, and nothing waits for ever."""

import asyncio

from oddsock.drill.schedule import Moment, Schedule


def names(schedule: Schedule, moment: Moment) -> set[tuple[str, float]]:
    """What comes before *moment*."""
    return {(one.kind, one.at_s) for one in schedule.before(moment)}


def test_an_operation_waits_for_the_faults_and_heals_planned_before_it_and_for_no_other_customer() -> None:
    schedule = Schedule()
    schedule.plan("operation", 1)
    schedule.plan("inject", 5)
    schedule.plan("heal", 9)
    schedule.plan("inject", 20)
    assert names(schedule, schedule.plan("operation", 5)) == {("inject", 5)}
    assert names(schedule, schedule.plan("operation", 10)) == {("inject", 5), ("heal", 9)}


def test_a_fault_waits_for_the_operations_planned_before_it() -> None:
    schedule = Schedule()
    schedule.plan("operation", 4)
    schedule.plan("operation", 5)
    schedule.plan("heal", 5)
    assert names(schedule, schedule.plan("inject", 5)) == {("operation", 4), ("heal", 5)}


def test_a_heal_waits_for_the_evidence_of_its_own_instant() -> None:
    schedule = Schedule()
    inject = schedule.plan("inject", 0)
    evidence = schedule.plan("evidence", 300)
    heal = schedule.plan("heal", 300)
    schedule.plan("operation", 300)
    assert names(schedule, heal) == {("inject", 0), ("evidence", 300)}
    assert names(schedule, evidence) == {("inject", 0)}
    assert schedule.before(inject) == []


def test_evidence_of_the_instant_of_a_fault_sees_the_fault() -> None:
    schedule = Schedule()
    schedule.plan("inject", 10)
    assert names(schedule, schedule.plan("evidence", 10)) == {("inject", 10)}


def test_no_two_events_of_one_instant_wait_for_each_other() -> None:
    schedule = Schedule()
    moments = [schedule.plan(kind, 10) for kind in ("operation", "inject", "heal", "evidence")]
    before = {moment: set(schedule.before(moment)) for moment in moments}
    settled: list[Moment] = []
    while len(settled) < len(moments):
        free = [one for one in moments if one not in settled and before[one] <= set(settled)]
        assert free, "a circle"
        settled += free


async def test_patience_has_an_end() -> None:
    schedule = Schedule()
    schedule.plan("operation", 1)
    heal = schedule.plan("heal", 2)
    assert not await schedule.await_turn(heal, patience_s=0.01)


async def test_a_turn_comes_when_the_last_of_those_before_is_done() -> None:
    schedule = Schedule()
    first = schedule.plan("operation", 1)
    heal = schedule.plan("heal", 2)
    waiting = asyncio.ensure_future(schedule.await_turn(heal))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.done.set()
    assert await waiting
