"""The timeline: every source in one list, in order, each row saying where it stands."""

import msgspec

from oddsock.drill.case import Case
from oddsock.drill.report import write_report
from oddsock.drill.report.document import Report
from oddsock.drill.timeline import TimelineRow


def timeline(case: Case) -> list[TimelineRow]:
    write_report(case)
    return msgspec.json.decode((case.path / "report.json").read_bytes(), type=Report).timeline


def test_rows_of_all_sources_stand_in_order_of_time(whole_report: Report) -> None:
    rows = whole_report.timeline
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    sources = {row.source.split()[0] for row in rows}
    assert sources == {"history.jsonl", "undo.jsonl", "events", "journal", "charges", "shipments", "notices"}
    assert all(row.source for row in rows)


def test_the_undo_stands_before_the_fault_it_undoes(whole_report: Report) -> None:
    rows = [row for row in whole_report.timeline if row.kind == "fault" and (row.plan_s or 0) >= -1]
    assert rows[0].source.startswith("undo.jsonl")
    assert "in force" in rows[-1].what


def test_plan_time_is_counted_from_the_fault(whole_report: Report) -> None:
    attempts = [row for row in whole_report.timeline if row.kind == "attempt" and row.status == "PAYMENT_FAILED"]
    assert [round(row.plan_s or 0) for row in attempts][1:] == [46, 74, 161, 260, 272]
    assert [row.cents for row in attempts][1:] == [10498, 1999, 10498, 12213, 2214]


def test_the_short_timeline_holds_what_a_reader_needs(whole_report: Report) -> None:
    main = [row for row in whole_report.timeline if row.main]
    assert sum(row.kind == "attempt" for row in main) == 9
    assert sum(row.kind == "fault" for row in main) == 2
    assert [row.customer for row in main if row.what.endswith("registered")] == ["Rayaan", "parvaiz"]
    mended = [row.status for row in main if row.kind == "status" and row.customer != "oddsock-test-order"]
    assert mended == ["PAID", "PAID", "PAID", "CANCELLED", "PAID"]


def test_an_attempt_says_the_status_its_order_had_when_the_customer_got_the_answer(whole_report: Report) -> None:
    first = next(row for row in whole_report.timeline if row.kind == "attempt" and (row.plan_s or 0) > 0)
    assert first.status == "PAYMENT_FAILED", "not PAID, which it became by the mend"


def test_a_case_that_was_killed_has_the_timeline_up_to_there(killed_case: Case) -> None:
    rows = timeline(killed_case)
    assert rows[-1].kind == "answer"
    assert any("in force" in row.what for row in rows)
