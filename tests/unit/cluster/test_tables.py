"""The cells of server-side tables."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oddsock.cluster.kinds import BY_NAME, KINDS, Obj
from oddsock.cluster.tables import CELLS, age, duration, table

NOW = datetime(2025, 10, 30, 8, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (190, "3m10s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 120, "3h2m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (51 * 3600, "2d3h"),
        (8 * 86400, "8d"),
        (800 * 86400, "2y70d"),
        (-5, "0s"),
    ],
)
def test_ages_are_written_as_kubectl_does(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_an_unknown_instant_has_an_unknown_age() -> None:
    assert age(None, NOW) == "<unknown>"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.is_view], ids=lambda kind: kind.name)
def test_every_kind_has_as_many_cells_as_columns_even_of_a_bare_object(kind: Any) -> None:
    bare: Obj = {"kind": kind.name, "metadata": {"name": "x"}, "spec": {}}
    assert len(CELLS[kind.name](bare, NOW)) == len(kind.columns)


def test_wide_columns_have_priority_one() -> None:
    columns = table(BY_NAME["Pod"], [], NOW)["columnDefinitions"]
    assert [column["name"] for column in columns if not column["priority"]] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
    ]
    assert columns[0]["format"] == "name"


def test_the_message_of_an_event_stands_among_the_wide_ones_and_is_not() -> None:
    columns = table(BY_NAME["Event"], [], NOW)["columnDefinitions"]
    narrow = [column["name"] for column in columns if not column["priority"]]
    assert narrow == ["Last Seen", "Type", "Reason", "Object", "Message"]


def test_rows_carry_as_much_of_the_object_as_asked() -> None:
    obj = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}, "spec": {"finalizers": []}}
    kinds = {include: table(BY_NAME["Namespace"], [obj], NOW, include)["rows"][0] for include in ("None", "Metadata")}
    assert "object" not in kinds["None"]
    assert kinds["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert "spec" not in kinds["Metadata"]["object"]
    assert table(BY_NAME["Namespace"], [obj], NOW, "Object", with_columns=False)["columnDefinitions"] is None


def pod(phase: str = "Running", *states: Obj, **meta: Any) -> Obj:
    """A pod whose containers are in *states*."""
    rows = [
        {"name": f"c{n}", "ready": "running" in state, "restartCount": 0, "state": state}
        for n, state in enumerate(states)
    ]
    spec = {"containers": [{"name": f"c{n}"} for n in range(max(1, len(states)))]}
    return {"metadata": {"name": "p", **meta}, "spec": spec, "status": {"phase": phase, "containerStatuses": rows}}


RUNNING: Obj = {"running": {"startedAt": "2025-10-30T08:23:00Z"}}


@pytest.mark.parametrize(
    ("obj", "ready", "word"),
    [
        (pod("Pending"), "0/1", "Pending"),
        (pod("Running", RUNNING), "1/1", "Running"),
        (pod("Pending", {"waiting": {"reason": "ContainerCreating"}}), "0/1", "ContainerCreating"),
        (pod("Pending", {"waiting": {"reason": "ErrImagePull"}}), "0/1", "ErrImagePull"),
        (pod("Running", {"terminated": {"reason": "Error", "exitCode": 1}}), "0/1", "Error"),
        (pod("Failed", {"terminated": {"exitCode": 3}}), "0/1", "ExitCode:3"),
        (pod("Failed", {"terminated": {"signal": 9, "exitCode": 137}}), "0/1", "Signal:9"),
        (pod("Running", RUNNING, {"terminated": {"reason": "Completed"}}), "1/2", "NotReady"),
        (pod("Running", RUNNING, deletionTimestamp="2025-10-30T08:24:00Z"), "1/1", "Terminating"),
    ],
)
def test_a_pod_is_told_in_one_word(obj: Obj, ready: str, word: str) -> None:
    assert CELLS["Pod"](obj, NOW)[1:3] == [ready, word]


def test_endpoints_beyond_three_are_counted() -> None:
    addresses = [{"ip": f"10.0.0.{n}"} for n in range(5)]
    obj = {"metadata": {"name": "e"}, "subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]}
    assert CELLS["Endpoints"](obj, NOW)[1] == "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more..."


def test_a_node_shows_its_roles_and_that_it_takes_no_pods() -> None:
    labels = {"node-role.kubernetes.io/control-plane": ""}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    node = {"metadata": {"name": "n", "labels": labels}, "spec": {"unschedulable": True}, "status": status}
    assert CELLS["Node"](node, NOW)[1:3] == ["Ready,SchedulingDisabled", "control-plane"]
