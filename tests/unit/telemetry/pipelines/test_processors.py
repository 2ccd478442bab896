"""Processors: what each does to one log, and what it is refused with."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddsock.kit.errors import UsageError
from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft
from oddsock.telemetry.pipelines.errors import GrokError, PipelineError
from oddsock.telemetry.pipelines.pipeline import Pipelines
from oddsock.telemetry.pipelines.processors import KINDS, NOT_APPLIED, read_pipeline
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.documents import Documents

AT_MS = 1_761_812_686_328


def log(**fields: Any) -> Log:
    return Log(**{"at_ms": AT_MS, "message": "a message", **fields})


def after(given_log: Log, *processors: dict[str, Any], query: str = "") -> Log:
    draft = Draft(given_log)
    read_pipeline(Body({"filter": {"query": query}, "processors": list(processors)}, ""))(draft)
    return draft.log()


def remap(**fields: Any) -> dict[str, Any]:
    return {"type": "attribute-remapper", "sources": ["a.b", "c"], "target": "t", **fields}


@pytest.mark.parametrize(
    ("processor", "attributes", "tags", "expected", "expected_tags"),
    [
        (remap(), {"a": {"b": 1}, "c": 2}, (), {"c": 2, "t": 1}, ()),
        (remap(), {"c": 2}, (), {"t": 2}, ()),
        (remap(), {"a.b": 1}, (), {"t": 1}, ()),
        (remap(preserve_source=True), {"c": 2}, (), {"c": 2, "t": 2}, ()),
        (remap(), {"c": 2, "t": 1}, (), {"c": 2, "t": 1}, ()),
        (remap(override_on_conflict=True), {"c": 2, "t": 1}, (), {"t": 2}, ()),
        (remap(target="x.y"), {"c": 2, "x": {"z": 1}}, (), {"x": {"z": 1, "y": 2}}, ()),
        (remap(target_type="tag"), {"c": 2}, ("env:dev",), {}, ("env:dev", "t:2")),
        (remap(target_type="tag"), {"c": 2}, ("t:1",), {"c": 2}, ("t:1",)),
        (remap(target_type="tag", override_on_conflict=True), {"c": True}, ("t:1",), {}, ("t:true",)),
        (remap(source_type="tag"), {}, ("c:9", "e:1"), {"t": "9"}, ("e:1",)),
        (remap(source_type="tag", target_type="tag", preserve_source=True), {}, ("c:9",), {}, ("c:9", "t:9")),
        (remap(target_format="string"), {"c": 2}, (), {"t": "2"}, ()),
        (remap(target_format="integer"), {"c": "12"}, (), {"t": 12}, ()),
        (remap(target_format="integer"), {"c": "x"}, (), {"t": "x"}, ()),
        (remap(target_format="double"), {"c": "1.5"}, (), {"t": 1.5}, ()),
        (remap(target_format="double"), {"c": "inf"}, (), {"t": "inf"}, ()),
        (remap(target="c"), {"c": 2}, (), {"c": 2}, ()),
    ],
)
def test_an_attribute_remapper_moves_the_first_source_that_is_there(
    processor: dict[str, Any],
    attributes: dict[str, Any],
    tags: tuple[str, ...],
    expected: object,
    expected_tags: object,
) -> None:
    before = log(attributes=attributes, tags=tags)
    found = after(before, processor)
    assert (found.attributes, found.tags) == (expected, expected_tags)
    assert (before.attributes, before.tags) == (attributes, tags), "the log that came in is left as it was"


def test_the_first_remapper_of_a_reserved_field_wins_and_an_absent_source_claims_nothing() -> None:
    found = after(
        log(attributes={"level": "WARN", "other": "ERROR", "svc": "orders", "text": "told", "trace": "abc"}),
        {"type": "status-remapper", "sources": ["absent"]},
        {"type": "status-remapper", "sources": ["absent", "level"]},
        {"type": "status-remapper", "sources": ["other"]},
        {"type": "service-remapper", "sources": ["svc"]},
        {"type": "message-remapper", "sources": ["text"]},
        {"type": "trace-id-remapper", "sources": ["trace"]},
    )
    assert (found.status, found.service, found.message, found.trace_id) == ("warn", "orders", "told", "abc")


@pytest.mark.parametrize(
    ("value", "at_ms"),
    [
        (AT_MS + 5, AT_MS + 5),
        (str(AT_MS + 5), AT_MS + 5),
        ("2025-10-30T08:24:46.333Z", AT_MS + 5),
        ("2025-10-30T09:24:46.333+01:00", AT_MS + 5),
        ("2025-10-30T08:24:46.333999999Z", AT_MS + 6),
        ("soon", AT_MS),
        (True, AT_MS),
        ({"no": "date"}, AT_MS),
    ],
)
def test_a_date_remapper_takes_epoch_milliseconds_and_iso_dates(value: Any, at_ms: int) -> None:
    assert after(log(attributes={"when": value}), {"type": "date-remapper", "sources": ["when"]}).at_ms == at_ms


def test_a_category_is_the_first_whose_filter_matches_what_the_log_has_become() -> None:
    processors = (
        {"type": "grok-parser", "source": "message", "grok": {"match_rules": "r %{integer:http.status_code}"}},
        {
            "type": "category-processor",
            "target": "level",
            "categories": [
                {"filter": {"query": "@http.status_code:[500 TO 599]"}, "name": "error"},
                {"filter": {"query": "@http.status_code:[400 TO 499]"}, "name": "warn"},
            ],
        },
        {"type": "status-remapper", "sources": ["level"]},
    )
    assert [after(log(message=text), *processors).status for text in ("503", "404", "200")] == ["error", "warn", "info"]


def test_builders_leave_the_log_alone_when_a_part_is_missing_unless_told_otherwise() -> None:
    template = {"type": "string-builder-processor", "template": "%{a.b} of %{c}", "target": "t"}
    sum_up = {"type": "arithmetic-processor", "expression": "(a.b - c) * 100 / 4", "target": "t"}
    assert after(log(attributes={"a": {"b": 1}, "c": [1, "x"]}), template).attributes["t"] == "1 of 1,x"
    assert "t" not in after(log(attributes={"c": 1}), template).attributes
    assert after(log(attributes={"c": 1}), {**template, "is_replace_missing": True}).attributes["t"] == " of 1"
    assert after(log(attributes={"a": {"b": 3}, "c": 1}), sum_up).attributes["t"] == 50
    assert "t" not in after(log(attributes={"c": 1}), sum_up).attributes
    assert after(log(attributes={"c": 1}), {**sum_up, "is_replace_missing": True}).attributes["t"] == -25


def test_a_nested_pipeline_has_a_filter_of_its_own() -> None:
    inner = {
        "type": "pipeline",
        "filter": {"query": "service:orders"},
        "processors": [{"type": "string-builder-processor", "template": "in", "target": "where"}],
    }
    assert after(log(service="orders"), inner).attributes == {"where": "in"}
    assert after(log(service="carts"), inner).attributes == {}
    assert after(log(service="orders"), {**inner, "is_enabled": False}).attributes == {}
    with pytest.raises(PipelineError, match="holds no further pipeline"):
        after(log(), {"type": "pipeline", "processors": [{"type": "pipeline"}]})


@pytest.mark.parametrize(
    ("processor", "words"),
    [
        ({"type": "nonsense"}, r"processors\[0\].type: there is no processor 'nonsense'. Known are arithmetic-"),
        ({"type": "status-remapper"}, r"processors\[0\].sources: a list of attribute names"),
        ({"type": "status-remapper", "sources": ["."] * 101}, "more than 100 names"),
        ({"type": "status-remapper", "sources": ["x"], "is_enabled": 1}, "true or false"),
        (remap(target_type="tag", target_format="integer"), "a tag has no format"),
        (remap(target="a" * 1001), "more than 1000 characters"),
        (remap(target="a." * 30 + "a"), "more than 20 levels"),
        ({"type": "category-processor", "target": "x", "categories": []}, "at least one category"),
        (
            {"type": "category-processor", "target": "x", "categories": [{"filter": {"query": "a:("}, "name": "n"}]},
            r"categories\[0\].filter.query: .*[Cc]olumn",
        ),
        ({"type": "arithmetic-processor", "target": "x", "expression": "a + "}, "column 4: a number"),
        ({"type": "arithmetic-processor", "target": "x", "expression": "(" * 99}, "nested more than 50"),
        ({"type": "arithmetic-processor", "target": "x", "expression": "a b"}, "column 2: an operator"),
        (7, r"processors\[0\]: an object"),
    ],
)
def test_a_wrong_processor_is_refused_by_its_place(processor: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        after(log(), processor)


def test_a_wrong_grok_rule_is_refused_by_its_place_its_rule_its_line_and_its_column() -> None:
    rules = {"match_rules": "good a\nbad %{word:x", "support_rules": ""}
    with pytest.raises(GrokError, match=r"processors\[0\].grok.match_rules, rule bad, line 2, column 13: the closing"):
        after(log(), {"type": "grok-parser", "source": "message", "grok": rules})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.sampled_from([*KINDS, *NOT_APPLIED, "pipeline"]),
    st.fixed_dictionaries(
        {},
        optional={
            "sources": st.lists(st.sampled_from(["a", "a.b", "message", "status", ""]), max_size=3) | VALUES,
            "source": st.sampled_from(["message", "a"]) | VALUES,
            "target": st.sampled_from(["a", "a.b.c"]) | VALUES,
            "expression": st.text(alphabet="ab.+-*/() 1", max_size=20),
            "template": st.text(alphabet="%{}ab. ", max_size=20),
            "categories": VALUES,
            "grok": st.fixed_dictionaries(
                {"match_rules": st.sampled_from(["r %{data:a.b:json}", "r %{data::keyvalue}"])}
            ),
            "target_format": st.sampled_from(["auto", "integer", "double", "string"]),
            "attribute_to_exclude": st.just("a.b"),
            "filter": VALUES,
            "processors": VALUES,
        },
    ),
)


@given(
    processors=st.lists(BODIES, max_size=4),
    message=st.text(max_size=30),
    attributes=st.dictionaries(st.sampled_from(["a", "b", "a.b"]), VALUES),
)
@settings(max_examples=100, deadline=5000)
def test_any_processor_is_refused_with_a_sentence_or_takes_any_log(
    processors: list[dict[str, Any]], message: str, attributes: dict[str, Any]
) -> None:
    try:
        found = after(log(message=message, attributes=attributes), *processors)
    except UsageError:
        return
    assert isinstance(found, Log)


def opened(folder: Path) -> tuple[Documents, Pipelines]:
    documents = Documents.open(folder / "meta.sqlite")
    return documents, Pipelines(documents)


def naming(name: str, **more: Any) -> dict[str, Any]:
    template = "%{seen}" + name
    step = {"type": "string-builder-processor", "template": template, "target": "seen", "is_replace_missing": True}
    return {"name": name, "is_enabled": True, "filter": {"query": "service:orders"}, "processors": [step], **more}


def test_a_log_goes_through_every_enabled_pipeline_that_matches_in_order(tmp_path: Path) -> None:
    documents, pipelines = opened(tmp_path)
    made = [pipelines.create(naming(name)) for name in "abc"]
    pipelines.create(naming("d", filter={"query": "service:carts"}))
    pipelines.create(naming("e", is_enabled=False))
    assert pipelines.process(log(service="orders")).attributes == {"seen": "abc"}
    ids = pipelines.order()
    pipelines.reorder([*reversed(ids[:3]), *ids[3:]])
    assert pipelines.process(log(service="orders")).attributes == {"seen": "cba"}
    pipelines.replace(made[1]["id"], naming("B"))
    assert pipelines.process(log(service="orders")).attributes == {"seen": "cBa"}
    assert pipelines.delete(made[2]["id"])
    assert not pipelines.delete(made[2]["id"])
    assert pipelines.replace(made[2]["id"], naming("x")) is None
    with pytest.raises(PipelineError, match="exactly once"):
        pipelines.reorder(ids)
    documents.close()
    documents, again = opened(tmp_path)
    assert again.process(log(service="orders")).attributes == {"seen": "Ba"}
    documents.close()


def test_what_is_not_applied_is_kept_as_given_and_named_in_the_answer(tmp_path: Path) -> None:
    documents, pipelines = opened(tmp_path)
    body = naming("a", processors=[{"type": "geo-ip-parser", "sources": ["ip"], "target": "geo", "odd": [1]}])
    made = pipelines.create(body)
    assert made["_oddsock_not_applied"] == ["geo-ip-parser"]
    assert made["processors"] == body["processors"]
    assert pipelines.process(log(service="orders", attributes={"ip": "1.2.3.4"})).attributes == {"ip": "1.2.3.4"}
    documents.close()


def test_a_date_far_away_from_the_logs_own_is_not_taken(tmp_path: Path) -> None:
    documents, pipelines = opened(tmp_path)
    pipelines.create(naming("a", processors=[{"type": "date-remapper", "sources": ["when"]}]))
    taken = [
        pipelines.process(log(service="orders", attributes={"when": AT_MS + hours * 3_600_000})).at_ms - AT_MS
        for hours in (-19, -17, 1, 3)
    ]
    assert taken == [0, -17 * 3_600_000, 3_600_000, 0]
    documents.close()


def test_a_stored_pipeline_that_can_no_longer_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    documents, pipelines = opened(tmp_path)
    pipelines.create(naming("a"))
    documents.put("pipeline", "old", {"id": "old", **naming("b", processors=[{"type": "of-the-past"}])})
    pipelines.reload()
    assert pipelines.process(log(service="orders")).attributes == {"seen": "a"}
    assert pipelines.get("old") is not None
    documents.close()
