"""Label and field selectors in both spellings."""

import pytest

from oddsock.cluster.selectors import field_selector, label_selector, object_selector, selector_text
from oddsock.cluster.status import BadRequest

LABELS = {"name": "payment", "tier": "back", "oddsock.dev/own": "yes"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("name=payment", True),
        ("name==payment,tier=back", True),
        ("name=orders", False),
        ("name!=orders", True),
        ("missing!=x", True),
        ("name in (orders, payment)", True),
        ("name in (orders)", False),
        ("name notin (orders),tier", True),
        ("missing notin (x)", True),
        ("oddsock.dev/own", True),
        ("!missing", True),
        ("!name", False),
        ("missing", False),
        ("missing in (a,b)", False),
    ],
)
def test_a_label_selector_selects_as_kubernetes_does(text: str, selected: bool) -> None:
    assert label_selector(text).matches(LABELS) is selected


def test_no_labels_at_all_are_selected_by_absence_only() -> None:
    assert label_selector("!name").matches(None)
    assert not label_selector("name").matches(None)


@pytest.mark.parametrize("text", ["name in payment", "=x", "name>2", "a b"])
def test_an_unreadable_label_selector_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        label_selector(text)


def test_expressions_select_and_are_written_as_text() -> None:
    selector = {
        "matchLabels": {"name": "payment"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["front", "back"]},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert object_selector(selector).matches(LABELS)
    assert not object_selector(selector).matches({**LABELS, "old": ""})
    assert selector_text(selector) == "name=payment,tier in (back,front),!old"
    assert label_selector(selector_text(selector)).matches(LABELS)


def test_plain_labels_of_a_service_are_written_as_text() -> None:
    assert (selector_text({"name": "payment"}), selector_text(None)) == ("name=payment", "")


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("metadata.name=payment", True),
        ("metadata.name!=payment", False),
        ("involvedObject.name=p,involvedObject.namespace=", True),
        ("spec.unschedulable=true", True),
        ("status.phase=", True),
        ("status.phase!=Running", True),
        ("spec.count=3", True),
    ],
)
def test_a_field_selector_reads_any_path(text: str, selected: bool) -> None:
    spec = {"unschedulable": True, "count": 3}
    obj = {"metadata": {"name": "payment"}, "involvedObject": {"name": "p"}, "spec": spec}
    assert field_selector(text).matches(obj) is selected


def test_a_field_selector_without_a_sign_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        field_selector("metadata.name")
