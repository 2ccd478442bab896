"""A plan is read whole or refused with one sentence that says where the mistake stands."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from oddsock.drill.customers import operations
from oddsock.drill.plan import Plan, find_plan, load_plan, parse_plan, shipped_plans
from oddsock.drill.plan_schema import schema_text
from oddsock.kit.errors import PlanError, UsageError

SCHEMA = Path(str(find_plan("incident-3"))).parent / "plan.schema.json"

SMALL = """\
name: small
title: A small plan
customers:
  - username: Rayaan
operations:
  - {at: 1, customer: Rayaan, do: register}
  - {at: 2, customer: Rayaan, do: add, socks: {Crossed Socks: 1}}
  - {at: 4m32s, customer: Rayaan, do: checkout}
faults:
  - {fault: scale-to-zero, target: payment, from: 0, until: 5m}
"""


def refusal(text: str) -> PlanError:
    """The error that *text* is refused with."""
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "my.yaml")
    return caught.value


def changed(old: str, new: str) -> str:
    """SMALL with *old* replaced; it must be there."""
    assert old in SMALL
    return SMALL.replace(old, new)


def test_a_small_plan_is_read_with_its_durations_in_seconds() -> None:
    plan = parse_plan(SMALL)
    assert [float(operation.at) for operation in plan.operations] == [1, 2, 272]
    assert (float(plan.faults[0].until_s or 0), float(plan.settle_s)) == (300, 30)
    assert (plan.speed, plan.namespace) == (30, "sock-shop")


@pytest.mark.parametrize("name", sorted(shipped_plans()))
def test_every_shipped_plan_is_right_and_fits_the_published_schema(name: str) -> None:
    plan = load_plan(name)
    assert plan.name == name
    assert plan.text.startswith("# yaml-language-server: $schema=plan.schema.json\n")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(plan.text), schema)


def test_the_published_schema_is_fresh() -> None:
    assert SCHEMA.read_text() == schema_text(), f"run: python -m oddsock.drill.plan_schema {SCHEMA.name}"


ASKS = "evidence: {telemetry: {queries"


@pytest.mark.parametrize(
    "document",
    [
        {"name": "a", "title": "t", "faults": [{"fault": "explode", "target": "payment", "from": 0}]},
        {"name": "a", "title": "t", "sed": 1},
        {"name": "a", "title": "t", "settle_s": "soon"},
        {"name": "a", "title": "t", "expectations": ["few failures"]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    with pytest.raises(PlanError):
        parse_plan(yaml.safe_dump(document))


def test_incident_3_is_the_report_as_a_plan() -> None:
    plan = load_plan("incident-3")
    checkouts = [one for one in plan.operations if one.do == "checkout"]
    assert [(one.at, one.customer) for one in checkouts] == [
        (46.328, "Rayaan"),
        (74.525, "Rayaan"),
        (160.964, "parvaiz"),
        (259.933, "parvaiz"),
        (272.045, "parvaiz"),
    ]
    (fault,) = plan.faults
    assert (fault.fault, fault.target) == ("scale-to-zero", "payment")
    assert (float(fault.from_s), plan.heals_at_s(fault)) == (0, 300)
    assert (plan.recovery.mend.apply, plan.recovery.mend.replay) == (True, "all")


def test_an_unknown_fault_is_refused_with_its_place_and_the_nearest_name() -> None:
    error = refusal(changed("scale-to-zero", "scale-to-nil"))
    assert (error.line, error.column) == (10, 6)
    assert error.sentence == (
        "my.yaml:10:6: There is no fault scale-to-nil, only bandwidth, black-hole, clock-skew, delete-pods, disk-full, "
        "drop-reply, fault-point, freeze-pods, http-error, kill-pods, latency, reset, scale, scale-to-zero, set-env; "
        "did you mean `scale-to-zero`?"
    )
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("title: A small plan", "title: 5", 2, "title must be text, but it is a whole number."),
        ("title: A small plan\n", "", 1, "The plan lacks the field `title`."),
        ("customers:", "custmers:", 3, "has no field `custmers`; did you mean `customers`?"),
        ("at: 1,", "at: soon,", 6, "'soon' is no duration"),
        ("at: 1,", "at: -1,", 6, "must be 0 or more plan seconds"),
        ("at: 1,", "at: true,", 6, "a duration is plan seconds"),
        ("do: register", "do: regster", 6, "only add, checkout, clear, login, register or remove; did you mean `regi"),
        ("customer: Rayaan, do: add", "customer: Rayan, do: add", 7, "no customer Rayan; did you mean `Rayaan`?"),
        ("socks: {Crossed Socks: 1}", "socks: {Crossed Socks: 0}", 7, "must be at least 1"),
        (", socks: {Crossed Socks: 1}", "", 7, "To add, name the socks"),
        ("do: register", "do: register, socks: {Crossed Socks: 1}", 6, "Only add and remove name socks"),
        ("do: register", "do: clear", 6, "Rayaan must register or log in before the first clear."),
        ("until: 5m", "until: 0", 10, "A fault must end after it begins."),
        ("until: 5m", "until: 5m, settings: {replicas: 3}", 10, "settings has no field `replicas`"),
        ("until: 5m", "until: 5m, settings: {target: orders}", 10, "stands beside the settings"),
        ("target: payment", "target: Payment Service", 10, "a name of small letters"),
        ("name: small", "name: small\nname: large", 2, "the key 'name' stands twice"),
        ("name: small", "name: [small", 2, "The plan is no YAML"),
        ("name: small", "name: small\nabort: [orders_lost > 1]", 2, "cannot compare `orders_lost`"),
        ("name: small", "name: small\nabort: [many orders]", 2, "is no predicate"),
        ("name: small", "name: small\nabort: [elapsed_s > 9 with retry]", 2, "leave `with` and `unless` out"),
        ("name: small", "name: small\nexpectations: [a == 1 unless retyr]", 2, "did you mean `retry`?"),
        ("name: small", "name: small\nexpectations: [a == 1 with alerts]", 2, "There is no remedy alerts"),
        ("name: small", "name: small\nexpectations: [a == 1 unless]", 2, "is no predicate"),
        ("name: small", "name: small\nexpectations: [5]", 2, "expectations[0]: write it as text"),
        ("name: small", "name: small\nevidence: {during: 400}", 2, "No fault holds at 400 s"),
        ("name: small", "name: small\nlead: {faults: [{fault: delete-pods, target: a, from: 0}]}", 2, "needs an end"),
        ("name: small", "name: small\nevidence: {telemetry: {queries: [{id: Q1}]}}", 2, "lacks the field `query`"),
        ("name: small", f"name: small\n{ASKS}: [{{id: q, query: a}}]}}}}", 2, "the id of a question, such as Q1"),
        (
            "name: small",
            f"name: small\n{ASKS}: [{{id: Q1, query: '{{ordr 1}} {{order x}}'}}]}}}}",
            2,
            "nothing a run fi",
        ),
        (
            "name: small",
            f"name: small\n{ASKS}: [{{id: Q1, query: a, expect: [lines.windw > 1]}}]}}}}",
            2,
            "lines.window`?",
        ),
        ("name: small", f"name: small\n{ASKS}: [{{id: Q1, query: a}}, {{id: Q1, query: b}}]}}}}", 2, "Q1 stands twice"),
        ("name: small", "name: small\nchecks: [lost]", 2, "the id of a check, such as C1"),
        ("name: small", "name: small\nchecks: [C1, C99]", 2, "There is no check C99; did you mean `C9`?"),
        ("  - username: Rayaan", "  - username: Rayaan\n  - username: Rayaan", 5, "Rayaan stands twice"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(old: str, new: str, line: int, words: str) -> None:
    error = refusal(changed(old, new))
    assert error.line == line, error
    assert words in error.sentence
    assert "\n" not in error.sentence
    assert error.sentence.endswith((".", "?"))


@pytest.mark.parametrize(
    "text", ["", "- a\n", "just words\n", "\x00", "a: &a [*a]\n", "!!python/object:os.system {}\n", "[" * 5000]
)
def test_what_is_no_plan_at_all_is_refused_too(text: str) -> None:
    assert refusal(text).line == 1


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    assert "too large" in refusal(bomb).sentence


def test_two_windows_of_one_fault_on_one_target_may_not_overlap() -> None:
    second = "until: 5m}\n  - {fault: scale-to-zero, target: payment, from: 4m, until: 6m}"
    assert refusal(changed("until: 5m}", second)).line == 11
    assert len(parse_plan(changed("until: 5m}", second.replace("4m,", "5m,"))).faults) == 2


def test_every_fault_gets_an_id_that_no_other_has() -> None:
    second = "until: 5m}\n  - {fault: scale-to-zero, target: payment, from: 6m, until: 7m}"
    ids = [fault.id for fault in parse_plan(changed("until: 5m}", second)).faults]
    assert ids == ["payment-scale-to-zero", "payment-scale-to-zero-2"]


def test_the_evidence_during_the_fault_is_taken_just_before_the_first_heal() -> None:
    def at(plan: Plan) -> float | None:
        return plan.during_at_s

    assert at(parse_plan(SMALL)) == 280
    assert at(parse_plan(changed("until: 5m", "until: 10"))) == 0
    assert at(parse_plan(changed("name: small", "name: small\nevidence: {during: 30}"))) == 30
    assert at(parse_plan(SMALL.partition("faults:")[0])) is None


def test_a_fault_without_an_end_lasts_until_everything_planned_has_happened() -> None:
    plan = parse_plan(changed(", until: 5m", ""))
    assert plan.heals_at_s(plan.faults[0]) == 272


def test_a_name_that_is_neither_file_nor_shipped_plan_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean `incident-3`"):
        load_plan("incident3")
    with pytest.raises(PlanError, match="no UTF-8"):
        (tmp_path / "plan.yaml").write_bytes(b"\xff\xfe\x00")
        load_plan(tmp_path / "plan.yaml")


def test_every_field_of_a_plan_stands_on_its_page() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "plan.md").read_text(encoding="utf-8")
    schema = json.loads(SCHEMA.read_text())
    fields = {name for part in schema["$defs"].values() for name in part["properties"]}
    assert sorted(name for name in fields if f"`{name}`" not in page) == []


def test_an_unknown_fault_point_is_refused_with_its_place_and_the_nearest_name() -> None:
    settings = "{point: before-authorize, action: crash}"
    error = refusal(SMALL + f"  - {{fault: fault-point, target: orders, from: 0, settings: {settings}}}\n")
    assert error.line == 11
    assert "The shop has no fault point before-authorize" in error.sentence
    assert "did you mean `before-authorise`?" in error.sentence


def test_only_a_checkout_is_pressed_twice() -> None:
    error = refusal(changed("do: register}", "do: register, twice: true}"))
    assert "Only a checkout is pressed twice" in error.sentence


def test_a_double_click_is_two_presses_of_one_form() -> None:
    plan = parse_plan(changed("do: checkout}", "do: checkout, twice: true}"))
    first, second = operations(plan)[-2:]
    assert (first.at_s, first.beside, second.beside) == (second.at_s, False, True)
    assert first.order_token == second.order_token != ""
    assert operations(plan) == operations(plan)


def test_a_plan_names_no_secret_as_a_switch_or_in_a_fault() -> None:
    switched = refusal(SMALL + "steady_state: {switches: {ORDERS_DSN: 'postgresql:///shop'}}\n")
    assert switched.sentence.endswith("ORDERS_DSN is a secret by its name, and a plan is kept in each case.")
    setting = "fault: set-env, settings: {env: {GATEWAY_KEY: x}}"
    assert "GATEWAY_KEY is a secret by its name" in refusal(changed("fault: scale-to-zero", setting)).sentence
