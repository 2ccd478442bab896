"""The field table: what is unknown is found, and protobuf bodies become the objects that JSON would have said."""

import base64
from typing import Any

import pytest

from oddsock.cluster.api import protobuf
from oddsock.cluster.kinds import KINDS
from oddsock.cluster.schema import json_fields, message_of, messages, prune
from oddsock.cluster.status import BadRequest


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    """A protobuf body of an object whose message is *raw*."""
    head = field(1, api_version.encode()) + field(2, kind.encode())
    return protobuf.MAGIC + field(1, head) + field(2, raw)


def test_every_kind_of_the_table_of_kinds_has_its_fields() -> None:
    assert [
        kind.name for kind in KINDS if kind.group != "oddsock.dev" and not message_of(kind.api_version, kind.name)
    ] == []


def test_every_message_that_is_named_is_there() -> None:
    named = {field.type for fields in messages().values() for field in fields if "." in field.type}
    assert named - messages().keys() == set()


def test_inlined_fields_stand_beside_their_neighbours_in_json() -> None:
    assert {"httpGet", "periodSeconds"} <= json_fields("core.Probe").keys()
    assert {"name", "emptyDir", "configMap"} <= json_fields("core.Volume").keys()


def test_what_a_kind_does_not_have_is_taken_out_and_named() -> None:
    container = {"name": "c", "imagee": "x", "resources": {"limits": {"anything": "1"}}}
    obj: Any = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"any": "thing"}},
        "spec": {"replicaz": 1, "template": {"spec": {"containers": [container]}}},
    }
    assert prune(obj) == ["spec.replicaz", "spec.template.spec.containers[0].imagee"]
    assert obj["spec"] == {
        "template": {"spec": {"containers": [{"name": "c", "resources": {"limits": {"anything": "1"}}}]}}
    }


def test_an_object_of_an_unknown_kind_is_left_alone() -> None:
    obj = {"apiVersion": "example.com/v1", "kind": "Sock", "left": True}
    assert prune(obj) == []
    assert obj["left"]


def test_a_protobuf_body_becomes_its_object() -> None:
    meta = field(1, b"socks") + field(3, b"") + field(7, 0) + field(8, b"") + field(11, field(1, b"a") + field(2, b"b"))
    secret = field(1, meta) + field(2, field(1, b"key") + field(2, b"hidden")) + field(3, b"Opaque")
    assert protobuf.read(body("v1", "Secret", secret)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "socks", "labels": {"a": "b"}},
        "data": {"key": base64.b64encode(b"hidden").decode()},
        "type": "Opaque",
    }


def test_a_zero_is_kept_only_where_it_says_something() -> None:
    read = protobuf.read(body("apps/v1", "Deployment", field(2, field(1, 0) + field(5, 0) + field(6, 0))))
    assert read["spec"] == {"replicas": 0, "revisionHistoryLimit": 0}


def test_ports_that_are_numbers_or_names_are_read_as_such() -> None:
    number = field(3, 80) + field(4, field(1, 0) + field(2, 90) + field(3, b""))
    name = field(4, field(1, 1) + field(2, 0) + field(3, b"http"))
    read = protobuf.read(body("v1", "Service", field(2, field(1, field(3, 80)) + field(1, number) + field(1, name))))
    assert [row.get("targetPort") for row in read["spec"]["ports"]] == [None, 90, "http"]


def test_instants_are_read_to_the_microsecond() -> None:
    at = field(1, 100) + field(2, 0)
    micro = bytes([1 << 3, 100, 2 << 3, 0xC0, 0x84, 0x3D])
    read = protobuf.read(body("coordination.k8s.io/v1", "Lease", field(2, field(3, at) + field(4, micro))))
    assert read["spec"] == {
        "acquireTime": "1970-01-01T00:01:40Z",
        "renewTime": "1970-01-01T00:01:40.001000Z",
    }


@pytest.mark.parametrize("raw", [b"\x0a", b"\x0a\x05ab", b"\x0b", b"\x80" * 12])
def test_a_body_that_is_cut_or_bent_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        protobuf.read(body("v1", "ConfigMap", raw))
