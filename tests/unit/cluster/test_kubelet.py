"""What the kubelet decides without starting anything: status, environment, volumes, images, logs, leftovers."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oddsock.cluster.addresses import pod_address, service_annotations, target_port
from oddsock.cluster.container_log import LINE_BYTES_MAX, ContainerLog
from oddsock.cluster.environment import BadConfiguration, container_environment, machine_environment
from oddsock.cluster.images import Images
from oddsock.cluster.leftovers import ProcessLedger, Row, read_rows
from oddsock.cluster.pod_status import ContainerState, pod_status, terminated
from oddsock.cluster.store import Store
from oddsock.cluster.volumes import VolumeNotReady, Volumes, mounts
from oddsock.cluster.watchman import watch
from oddsock.kit import processes
from oddsock.kit.clock import ManualClock

AT = datetime(2025, 10, 30, 8, 24, 46, 328000, tzinfo=UTC)
POD: Any = {
    "kind": "Pod",
    "metadata": {"name": "payment-1", "namespace": "sock-shop", "uid": "u1", "labels": {"name": "payment"}},
    "spec": {"containers": [{"name": "payment", "ports": [{"name": "web", "containerPort": 8080}]}]},
}


def _state(**changes: Any) -> ContainerState:
    state = ContainerState("payment", "shop/payment:1")
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def _status(pod: Any, state: ContainerState) -> Any:
    return pod_status(pod, [state], {"podIP": "127.0.0.1", "hostIP": "127.0.0.1"}, "2025-10-30T08:24:40Z", AT)


RUNNING = {"running": {"startedAt": "2025-10-30T08:24:41Z"}}


def test_a_running_pod_is_ready_only_when_its_container_is() -> None:
    waiting = _status(POD, _state(state=RUNNING, container_id="oddsock://1"))
    assert waiting["phase"] == "Running"
    rows = {row["type"]: row for row in waiting["conditions"]}
    assert (rows["Ready"]["status"], rows["Ready"]["reason"]) == ("False", "ContainersNotReady")
    ready = _status({**POD, "status": waiting}, _state(state=RUNNING, is_ready=True, container_id="oddsock://1"))
    assert {row["type"]: row["status"] for row in ready["conditions"]}["Ready"] == "True"


def test_a_condition_keeps_the_instant_of_its_last_change() -> None:
    row = {"type": "Ready", "status": "False", "lastTransitionTime": "2025-10-30T08:00:00Z"}
    again = _status({**POD, "status": {"conditions": [row]}}, _state(state=RUNNING))
    assert {each["type"]: each["lastTransitionTime"] for each in again["conditions"]}["Ready"] == "2025-10-30T08:00:00Z"


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Always", 1, "Running"), ("Never", 0, "Succeeded"), ("Never", 137, "Failed"), ("OnFailure", 1, "Running")],
)
def test_an_ended_container_ends_its_pod_only_when_it_is_not_started_again(policy: str, code: int, phase: str) -> None:
    pod = {**POD, "spec": {**POD["spec"], "restartPolicy": policy}}
    state = _state(state=terminated(code, AT, AT, "oddsock://1"), container_id="oddsock://1")
    assert _status(pod, state)["phase"] == phase


def test_an_environment_expands_what_it_knows_and_leads_mounted_paths_to_their_folders(tmp_path: Path) -> None:
    store = Store(ManualClock())
    secret = {"key": base64.b64encode(b"hidden").decode()}
    meta = {"name": "keys", "namespace": "sock-shop"}
    store.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": secret})
    container = {
        "env": [
            {"name": "BOOKS", "value": "/books/payment.db"},
            {"name": "URL", "value": "http://$(ORDERS_SERVICE_HOST)/$(UNKNOWN)"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
            {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['name']"}}},
        ],
        "volumeMounts": [{"name": "books", "mountPath": "/books"}],
    }
    mounted = mounts(container, {"books": tmp_path})
    made = container_environment(POD, container, store, {"ORDERS_SERVICE_HOST": "127.0.0.1"}, mounted)
    assert made == {
        "ORDERS_SERVICE_HOST": "127.0.0.1",
        "BOOKS": str(tmp_path / "payment.db"),
        "URL": "http://127.0.0.1/$(UNKNOWN)",
        "KEY": "hidden",
        "ME": "payment-1",
        "LABEL": "payment",
    }


def test_an_environment_with_a_missing_source_says_which() -> None:
    container = {"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}}]}
    with pytest.raises(BadConfiguration, match='secret "keys" not found'):
        container_environment(POD, container, Store(ManualClock()), {}, {})


def test_a_pod_sees_nothing_of_the_machines_environment_but_a_few_names() -> None:
    seen = machine_environment({"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "KUBECONFIG": "/home/me/config"})
    assert seen.keys() == {"PATH", "PYTHONUNBUFFERED", "ODDSOCK_PYTHON"}
    assert seen["PATH"].startswith("/bin:")


def test_a_claim_is_a_folder_that_stays_and_an_empty_dir_goes_with_its_pod(tmp_path: Path) -> None:
    store = Store(ManualClock())
    meta = {"name": "payment", "namespace": "sock-shop"}
    store.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": {}})
    pod = {
        **POD,
        "spec": {
            "containers": [],
            "volumes": [
                {"name": "books", "persistentVolumeClaim": {"claimName": "payment"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    }
    volumes = Volumes(tmp_path, store)
    folders = volumes.mount(pod)
    assert folders["books"] == tmp_path / "volumes/sock-shop/payment"
    (folders["scratch"] / "file").write_text("x")
    volumes.forget("u1")
    assert folders["books"].is_dir()
    assert not folders["scratch"].exists()


def test_a_missing_claim_is_not_ready_and_a_config_map_cannot_write_outside_its_volume(tmp_path: Path) -> None:
    store = Store(ManualClock())
    volume: Any = {"name": "books", "persistentVolumeClaim": {"claimName": "payment"}}
    with pytest.raises(VolumeNotReady, match='persistentvolumeclaim "payment" not found'):
        Volumes(tmp_path, store).mount({**POD, "spec": {"volumes": [volume]}})
    meta = {"name": "settings", "namespace": "sock-shop"}
    store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}})
    items = [{"key": "a", "path": "../../../out"}]
    volume = {"name": "v", "configMap": {"name": "settings", "items": items}}
    with pytest.raises(VolumeNotReady, match="leaves the volume"):
        Volumes(tmp_path, store).mount({**POD, "spec": {"volumes": [volume]}})


def test_an_image_is_found_by_glob_with_or_without_its_tag_or_not_at_all() -> None:
    images = Images({"oddsock/sock-shop-*": ["python", "-m", "shop"], "busybox:1": []})
    assert images.entry_point("oddsock/sock-shop-payment:0.4") == ["python", "-m", "shop"]
    assert images.entry_point("busybox:1") == []
    assert images.entry_point("busybox:2") is None


def test_a_log_line_is_written_whole_with_its_stream_and_a_long_one_in_parts(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", ManualClock(AT))
    log.write("stdout", b"one\ntw")
    log.write("stderr", b"oops\n")
    log.write("stdout", b"o\n" + b"x" * (LINE_BYTES_MAX + 1) + b"\nrest")
    log.close()
    head = "2025-10-30T08:24:46.328000000Z"
    lines = (tmp_path / "0.log").read_text().splitlines()
    assert lines[:3] == [f"{head} stdout F one", f"{head} stderr F oops", f"{head} stdout F two"]
    assert [line.split(" ", 3)[2] for line in lines[3:]] == ["P", "F", "F"]
    assert lines[-1].endswith(" F rest")


def test_a_full_disk_loses_log_lines_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full to stand for a full disk")
    (tmp_path / "0.log").symlink_to(full)
    log = ContainerLog(tmp_path / "0.log", ManualClock(AT))
    log.write("stdout", b"one\ntwo\n")
    log.write("stdout", b"three\n")
    log.close()
    assert [record.message.partition(" of ")[0] for record in caplog.records] == ["lines"]


def test_the_watchman_knows_the_groups_that_are_left() -> None:
    assert watch(["+10\n", "+11\n", "-10\n", "rubbish\n", "+0x\n"]) == {11}


def test_the_sweep_kills_only_a_process_that_is_the_one_that_was_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(processes, "kill_group", killed.append)
    monkeypatch.setattr(processes, "is_alive", lambda pid, started_at: (pid, started_at) == (7, 100.0))
    path = tmp_path / "processes.jsonl"
    path.write_text('{"pid":7,"started_at":100.0,"owner":"a"}\n{"pid":8,"started_at":1.0,"owner":"b"}\n{"pid":9,"star')
    assert [row.pid for row in read_rows(path)] == [7, 8]
    assert ProcessLedger(path).sweep() == [Row(7, 100.0, "a")]
    assert killed == [7]
    assert not path.exists()


def test_a_named_target_port_leads_to_where_its_container_port_is_bound() -> None:
    pod = {**POD, "metadata": {**POD["metadata"], "annotations": {"oddsock.dev/ports": "8080=127.0.0.1:23456"}}}
    port = target_port(pod, {"port": 80, "targetPort": "web"})
    assert port == 8080
    assert pod_address(pod, 8080) == ("127.0.0.1", 23456)
    assert target_port(pod, {"port": 80, "targetPort": "none"}) is None


def test_a_service_tells_its_http_port_first_and_the_others_by_name() -> None:
    ports = [{"name": "smtp", "port": 25}, {"name": "http", "port": 80}]
    told = service_annotations({"spec": {"ports": ports}}, {25: ("127.0.0.1", 1), 80: ("127.0.0.1", 2)})
    assert told == {"oddsock.dev/address": "127.0.0.1:2", "oddsock.dev/address.smtp": "127.0.0.1:1"}
