"""JSON, merge and strategic merge patches against the texts of their specifications."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.cluster.patches import apply_json_patch, apply_merge_patch, apply_strategic_patch
from oddsock.cluster.status import BadRequest, Invalid


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_do_what_rfc_7386_shows(target: Any, patch: Any, result: Any) -> None:
    assert apply_merge_patch(target, patch) == result


@pytest.mark.parametrize(
    ("target", "operations", "result"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": 1}], {"foo": "bar", "baz": 1}),
        ({"foo": [1, 3]}, [{"op": "add", "path": "/foo/1", "value": 2}], {"foo": [1, 2, 3]}),
        ({"foo": [1]}, [{"op": "add", "path": "/foo/-", "value": 2}], {"foo": [1, 2]}),
        ({"foo": 1, "bar": 2}, [{"op": "remove", "path": "/foo"}], {"bar": 2}),
        ({"foo": [1, 2]}, [{"op": "remove", "path": "/foo/0"}], {"foo": [2]}),
        ({"foo": 1}, [{"op": "replace", "path": "/foo", "value": 2}], {"foo": 2}),
        ({"a": {"x": 1}, "b": {}}, [{"op": "move", "from": "/a/x", "path": "/b/y"}], {"a": {}, "b": {"y": 1}}),
        ({"a": [1]}, [{"op": "copy", "from": "/a/0", "path": "/b"}], {"a": [1], "b": 1}),
        ({"a/b": 1, "m~n": 2}, [{"op": "test", "path": "/a~1b", "value": 1}], {"a/b": 1, "m~n": 2}),
    ],
)
def test_json_patches_do_what_rfc_6902_shows(target: Any, operations: Any, result: Any) -> None:
    assert apply_json_patch(target, operations) == result


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/a", "value": 2}],
        [{"op": "remove", "path": "/b"}],
        [{"op": "replace", "path": "/b", "value": 1}],
        [{"op": "add", "path": "/a/b/c", "value": 1}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"path": "/a"}],
        ["nonsense"],
        [{"op": "replace", "path": "", "value": 1}],
    ],
)
def test_a_json_patch_that_cannot_be_done_is_invalid(operations: Any) -> None:
    with pytest.raises(Invalid):
        apply_json_patch({"a": 1}, operations)


@pytest.mark.parametrize("operations", [{"a": 1}, [{"op": "bend", "path": "/a"}]])
def test_what_is_no_json_patch_is_a_bad_request(operations: Any) -> None:
    with pytest.raises(BadRequest):
        apply_json_patch({"a": 1}, operations)


POD = {
    "spec": {
        "containers": [
            {
                "name": "payment",
                "image": "i:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "args": ["x", "y"],
                "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}],
            },
            {"name": "exporter", "image": "e:1"},
        ]
    }
}


def first(patched: Any) -> Any:
    """The first container."""
    return patched["spec"]["containers"][0]


def containers(**changes: Any) -> Any:
    """A patch of the payment container."""
    return {"spec": {"containers": [{"name": "payment", **changes}]}}


def test_elements_are_merged_by_their_key_and_new_ones_appended() -> None:
    patch = containers(env=[{"name": "B", "value": "3"}, {"name": "C", "value": "4"}], image="i:2")
    patched = apply_strategic_patch(POD, patch)
    assert first(patched)["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "3"},
        {"name": "C", "value": "4"},
    ]
    assert first(patched)["image"] == "i:2"
    assert [row["name"] for row in patched["spec"]["containers"]] == ["payment", "exporter"]


def test_lists_without_a_key_are_replaced() -> None:
    assert first(apply_strategic_patch(POD, containers(args=["z"])))["args"] == ["z"]


def test_an_element_is_deleted_by_its_directive() -> None:
    patched = apply_strategic_patch(POD, containers(env=[{"name": "A", "$patch": "delete"}]))
    assert first(patched)["env"] == [{"name": "B", "value": "2"}]


def test_a_list_or_an_object_is_replaced_by_its_directive() -> None:
    patched = apply_strategic_patch(POD, containers(env=[{"$patch": "replace"}, {"name": "Z", "value": "9"}]))
    assert first(patched)["env"] == [{"name": "Z", "value": "9"}]
    assert apply_strategic_patch({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}) == {"a": {"c": 2}}
    assert apply_strategic_patch({"a": {"b": 1}}, {"a": {"$patch": "delete"}}) == {"a": {}}


def test_ports_of_one_number_are_told_apart_by_protocol() -> None:
    patched = apply_strategic_patch(POD, containers(ports=[{"containerPort": 80, "protocol": "UDP", "name": "dns"}]))
    assert first(patched)["ports"] == [
        {"containerPort": 80, "protocol": "TCP"},
        {"containerPort": 80, "protocol": "UDP", "name": "dns"},
    ]


def test_the_ports_of_a_service_go_by_port() -> None:
    service = {"spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 25, "targetPort": 8025}]}}
    patched = apply_strategic_patch(service, {"spec": {"ports": [{"port": 25, "targetPort": 9025}]}})
    assert patched["spec"]["ports"] == [{"port": 80, "targetPort": 8080}, {"port": 25, "targetPort": 9025}]


def test_elements_take_the_order_that_is_asked_for() -> None:
    env = [{"name": "C", "value": "3"}]
    patch = containers(env=env, **{"$setElementOrder/env": [{"name": "C"}, {"name": "B"}, {"name": "A"}]})
    names = [row["name"] for row in first(apply_strategic_patch(POD, patch))["env"]]
    assert names == ["C", "B", "A"]


def test_only_the_retained_keys_stay() -> None:
    deployment = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert apply_strategic_patch(deployment, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_finalizers_are_a_set_that_can_be_taken_from() -> None:
    meta = {"finalizers": ["a", "b"]}
    assert apply_strategic_patch(meta, {"finalizers": ["b", "c"]}) == {"finalizers": ["a", "b", "c"]}
    assert apply_strategic_patch(meta, {"$deleteFromPrimitiveList/finalizers": ["a"]}) == {"finalizers": ["b"]}


def test_an_element_without_its_key_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="merge key: name"):
        apply_strategic_patch(POD, {"spec": {"containers": [{"image": "x"}]}})


JSON = st.recursive(
    st.sampled_from([None, True, 0, 1, "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_done_twice_changes_nothing_more(target: Any, patch: Any) -> None:
    once = apply_merge_patch(target, patch)
    assert apply_merge_patch(once, patch) == once


@given(OBJECTS, OBJECTS)
def test_patches_leave_their_arguments_as_they_are(target: Any, patch: Any) -> None:
    before = repr((target, patch))
    apply_merge_patch(target, patch)
    apply_strategic_patch(target, patch)
    assert repr((target, patch)) == before
