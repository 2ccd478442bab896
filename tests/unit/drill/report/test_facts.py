"""The facts of a report: the incident's numbers, each with the files it comes from."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from oddsock.drill.case import Case
from oddsock.drill.report import write_report
from oddsock.drill.report.document import Report
from oddsock.drill.report.schema import render_schema

ROOT = Path(__file__).resolve().parents[4]


def read(case: Case) -> Report:
    write_report(case)
    return msgspec.json.decode((case.path / "report.json").read_bytes(), type=Report)


def raw(case: Case) -> dict[str, Any]:
    return msgspec.json.decode((case.path / "report.json").read_bytes(), type=dict[str, Any])


def test_the_impact_is_counted_to_the_cent(whole_report: Report) -> None:
    impact = whole_report.impact
    assert (impact.orders_attempted, impact.orders_failed, impact.customers_affected) == (5, 5, 2)
    assert impact.at_risk_cents == 37422
    assert (impact.shown_wrong, impact.untold) == (5, 5)


def test_the_mend_collects_what_can_be_collected(whole_report: Report) -> None:
    recovery = whole_report.recovery
    assert (recovery.paid, recovery.declined, recovery.left) == (4, 1, 0)
    assert (recovery.collected_cents, recovery.declined_cents) == (25209, 12213)
    assert [step.done for step in recovery.steps] == [True, True, True, True]


def test_latest_would_have_collected_only_the_last_try_of_each_chain(whole_report: Report) -> None:
    recovery = whole_report.recovery
    assert [(row.order_id[-2:], row.again_in[-2:]) for row in recovery.reattempts] == [("4c", "4d"), ("4d", "4e")]
    assert recovery.latest.collected_cents == 10498 + 1999 + 2214


def test_odd_orders_are_counted_by_class_and_the_old_one_apart(whole_report: Report) -> None:
    odd = whole_report.odd
    assert odd.before == {"false status": 5, "untold failure": 5}
    assert odd.after == {}
    assert odd.carried_over == {"untold failure": 1}
    assert (odd.before_total, odd.after_total, odd.carried_over_total) == (5, 0, 1)


def test_attempts_add_up_in_each_phase(whole_report: Report) -> None:
    sums = whole_report.attempts
    assert [row.phase for row in sums] == ["after-heal", "after-mend"]
    assert all(row.sums for row in sums)
    assert all(row.attempts == row.balanced + row.odd + row.not_placed + row.indeterminate for row in sums)


def test_the_three_verdicts_are_three_answers(whole_report: Report) -> None:
    verdicts = whole_report.verdicts
    assert (verdicts.fault.verdict, verdicts.system.verdict, verdicts.cleanup.verdict) == ("ok", "odd", "ok")
    assert verdicts.fault.numbers["pods"] == 0
    assert verdicts.fault.numbers["refused_calls"] == 5


def test_every_figure_stands_in_the_document_under_its_path(whole_case: Case) -> None:
    report = read(whole_case)
    document = raw(whole_case)
    for path, figure in report.figures.items():
        value: Any = document
        for part in re.findall(r"[^.\[\]]+", path):
            value = value[int(part)] if isinstance(value, list) else value[part]
        if path.startswith("evidence["):
            assert str(value).startswith(f"{figure.value} "), path
        else:
            assert value == figure.value, path
        assert figure.source.rule
        assert figure.source.files, path


def test_money_of_the_statement_balances(whole_report: Report) -> None:
    money = {line.name: line.cents for line in whole_report.impact.money}
    assert money["net in payment's book"] == money["totals of the paid orders"] == 29422
    assert money["at risk in the window"] == money["collected by the mend"] + money["declined by payment"]
    assert money["refunded"] == money["charged for the test order"] == 2214


def test_durations_stand_in_both_times(whole_report: Report) -> None:
    window = whole_report.header.window
    assert window is not None
    assert (window.wall_s, window.plan_s) == (10.0, 300.0)
    assert window.text == "5 min 00 s of plan time (10.0 s wall)"


def test_the_comparison_names_what_the_written_report_has_wrong(whole_report: Report) -> None:
    rows = {row.topic: row for row in whole_report.comparison}
    assert rows["Money at risk"].theirs == "$374.21"
    assert rows["Money at risk"].ours.startswith("$374.22")
    assert "374.219992" in rows["Money at risk"].why
    assert "order 4 ($122.13)" in rows["Collectable"].why
    assert "$252.09" in rows["Collectable"].ours
    assert "constant label" in rows["“Shipped” on failed orders"].why
    assert "$17.15 is Weave special" in rows["Socks"].why
    assert rows["Failed orders exported"].theirs == "pending"


def test_an_expectation_that_is_not_met_is_said_to_be_not_seen(whole_report: Report) -> None:
    rows = {row.id: row for row in whole_report.evidence}
    assert rows["L1"].verdict == "seen"
    assert (rows["L7"].expected, rows["L7"].actual, rows["L7"].verdict) == (">= 2 services", "1 service", "not seen")
    assert rows["P4"].verdict == "no evidence", "the plan names a figure that does not exist"
    assert rows["P2"].verdict == "seen"
    assert (rows["P5"].verdict, "P6" in rows) == ("seen", False), "what hangs on a remedy that is off is not judged"


def test_what_is_expected_hangs_on_the_remedies_that_were_in_force(whole_case: Case) -> None:
    path = whole_case.path / "history.jsonl"
    entry = {"n": 9999, "at": "2026-11-24T10:00:00.000Z", "plan_s": 0, "phase": "lead", "kind": "ok"}
    entry |= {"actor": "drill", "operation": "r0001", "verb": "steady_state", "value": {"remedies": ["payment_queue"]}}
    path.write_bytes(path.read_bytes() + msgspec.json.encode(entry) + b"\n")
    rows = {row.id: row for row in read(whole_case).evidence}
    assert ("P5" in rows, rows["P6"].verdict) == (False, "not seen")


def test_each_failed_order_has_its_five_log_lines_in_order(whole_report: Report) -> None:
    sequences = whole_report.log_sequences
    assert [sequence.complete for sequence in sequences] == [True] * 5


def test_a_log_line_that_is_out_of_order_is_not_a_whole_sequence(whole_case: Case) -> None:
    for log in whole_case.path.glob("evidence/*/logs/orders-*.log"):
        lines = log.read_text(encoding="utf-8").splitlines()
        lines.sort(key=lambda line: "690320cee2c84800016ceb4a status updated to PENDING" not in line)
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    first = read(whole_case).log_sequences[0]
    assert not first.complete


def test_the_closure_is_ticked_by_proof_and_sharing_is_not_done(whole_report: Report) -> None:
    closure = whole_report.closure
    assert [row.done for row in closure] == [True] * 7 + [False] * 2
    assert all(row.proof for row in closure)


def test_all_twelve_recommendations_stand_there_unmeasured(whole_report: Report) -> None:
    remedies = whole_report.remedies
    assert [row.n for row in remedies] == list(range(1, 13))
    assert all(row.state.startswith("not measured in this run; `oddsock matrix") for row in remedies)


def test_a_service_that_was_never_away_did_not_break(whole_case: Case) -> None:
    pods = whole_case.path / "evidence/during/pods.json"
    pods.write_bytes((whole_case.path / "evidence/before/pods.json").read_bytes())
    report = read(whole_case)
    assert report.verdicts.fault.verdict == "odd"
    assert next(row for row in report.evidence if row.id == "K1a").verdict == "not seen"
    assert not report.closure[0].done


def test_a_book_that_was_not_read_is_no_evidence_and_never_zero(whole_case: Case) -> None:
    for phase in ("during", "after-heal", "after-mend"):
        path = whole_case.path / f"evidence/{phase}/shown.json"
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        path.write_bytes(msgspec.json.encode({**document, "rows": [], "missing": "front-end does not answer"}))
    report = read(whole_case)
    assert report.impact.shown_wrong is None
    label = next(row for row in report.cause.conditions if row.name == "UI Caching")
    assert label.seen == "no evidence"


def test_a_fault_that_was_not_healed_is_not_cleaned_up(killed_case: Case) -> None:
    report = read(killed_case)
    assert report.verdicts.cleanup.verdict == "odd"
    assert "payment-away was never healed" in report.verdicts.cleanup.sentence
    assert "oddsock heal" in report.header.next_action


def test_an_unfinished_case_says_how_it_ended_and_what_it_cannot_say(killed_case: Case) -> None:
    report = read(killed_case)
    assert report.header.status == "interrupted"
    assert (report.impact.orders_attempted, report.impact.orders_failed) == (1, 1)
    assert report.impact.counted_in == "history"
    assert report.odd.before_total is None
    assert report.verdicts.fault.verdict == "unknown"
    text = (killed_case.path / "report.md").read_text(encoding="utf-8")
    assert "the drill was killed before it could end" in text
    assert "Not counted: there is no evidence after the heal" in text


def test_a_run_without_a_fault_reports_nothing_odd(clean_case: Case) -> None:
    report = read(clean_case)
    assert report.odd.before_total == 0
    assert report.verdicts.system.verdict == "ok"
    assert report.impact.orders_failed == 0
    assert report.comparison == []


@pytest.mark.parametrize("kind", ["whole_case", "killed_case", "clean_case"])
def test_report_json_keeps_its_schema(kind: str, request: pytest.FixtureRequest) -> None:
    case: Case = request.getfixturevalue(kind)
    write_report(case)
    schema = msgspec.json.decode((ROOT / "src/oddsock/data/report.schema.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(raw(case))


def test_the_schema_that_is_checked_in_is_the_one_of_the_types() -> None:
    assert (ROOT / "src/oddsock/data/report.schema.json").read_text(encoding="utf-8") == render_schema()


def test_an_attempt_that_left_no_order_is_at_risk_and_never_placed(whole_case: Case) -> None:
    report = read(whole_case)
    lost = next(row for row in report.orders if row.failed and row.total_cents == 1999)
    for phase in ("during", "after-heal", "after-mend"):
        for book, name in (("orders", "id"), ("journal", "order_id"), ("charges", "order_id"), ("shown", "order_id")):
            path = whole_case.path / f"evidence/{phase}/{book}.json"
            document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            rows = [row for row in document["rows"] if row[name] != lost.id]
            path.write_bytes(msgspec.json.encode({**document, "rows": rows}))
    again = read(whole_case)
    money = {line.name: (line.cents, line.orders) for line in again.impact.money}
    assert again.impact.at_risk_cents == report.impact.at_risk_cents == 37422
    assert money["at risk in the window"] == (37422, 5)
    assert money["never placed"] == (1999, 1)
    assert money["still open"][0] == 0
    assert "never placed" not in {line.name for line in report.impact.money}
    assert money["owed to customers"] == (0, 0)


def test_a_charge_that_no_order_belongs_to_is_owed_to_its_customer(whole_case: Case) -> None:
    path = whole_case.path / "evidence/after-mend/charges.json"
    document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    capture = next(row for row in document["rows"] if row["kind"] == "capture")
    strange = [
        {**capture, "seq": 900 + n, "id": f"x{n}", "charge_id": order_id, "order_id": order_id, "kind": kind}
        for n, (order_id, kind) in enumerate([("gone", "capture"), ("back", "capture"), ("back", "refund")])
    ]
    path.write_bytes(msgspec.json.encode({**document, "rows": [*document["rows"], *strange]}))
    money = {line.name: (line.cents, line.orders) for line in read(whole_case).impact.money}
    assert money["owed to customers"] == (capture["amount_cents"], 1)
