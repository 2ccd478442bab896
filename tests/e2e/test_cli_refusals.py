"""What must not begin: bad plans, clusters that may not be drilled or do not answer, disks that are full."""

import resource
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e
UP = ("--speed", "60", "--no-telemetry")

PLAN = """name: broken
title: A plan with a mistake
customers:
  - username: Kim
faults:
  - {fault: scale-to-zero, target: payment, from: 0, until: 60}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "place", "words"),
    [
        ("fault: scale-to-zero", "fault: scale-to-zro", ":6:", "scale-to-zero"),
        ("from: 0", "from: [0]", ":6:", "from"),
        ("target: payment", "target: paymnt", ":6:", "did you mean `payment`?"),
        ("title:", "titel:", ":2:", "titel"),
        ("- username: Kim", "- username: Kim\n    age: 7", ":5:", "age"),
    ],
)
def test_a_bad_plan_is_told_with_its_place_and_leaves_nothing(
    oddsock: "Oddsock", tmp_path: Path, right: str, wrong: str, place: str, words: str
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.replace(right, wrong))
    ended = oddsock.run("drill", str(plan))
    assert ended.code == 2, ended.told
    assert ended.out == ""
    assert ended.err.startswith(f"oddsock: {plan}{place}") and words in ended.err
    assert ended.err.count("\n") == 1
    assert oddsock.cases() == []
    assert oddsock.processes() == []


def test_a_plan_that_does_not_exist_is_told(oddsock: "Oddsock") -> None:
    ended = oddsock.run("drill", "incident-4")
    assert ended.code == 2
    assert "did you mean `incident-3`?" in ended.err


def test_a_dead_cluster_is_one_sentence(oddsock: "Oddsock", tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        address = f"http://127.0.0.1:{once.getsockname()[1]}"
    kubeconfig = _kubeconfig(tmp_path, address)
    for arguments in (["drill", "incident-3"], ["orders"], ["reconcile"]):
        ended = oddsock.run(*arguments, "--kubeconfig", str(kubeconfig))
        assert ended.code == 3, ended.told
        assert address in ended.err and "does not answer" in ended.err
        assert ended.err.count("\n") == 1
    assert oddsock.cases() == []


def test_a_cluster_of_the_environment_is_never_used(oddsock: "Oddsock", tmp_path: Path) -> None:
    environment = {"KUBECONFIG": str(_kubeconfig(tmp_path, "http://127.0.0.1:1"))}
    ended = oddsock.run("orders", env=environment)
    assert ended.code == 3
    assert "No stack named sockshop is up" in ended.err


@pytest.mark.xdist_group("long")
def test_a_namespace_that_does_not_allow_drills_is_left_alone(long_stack: Any, oddsock: "Oddsock") -> None:
    long_stack.annotate("oddsock.dev/drills", None)
    try:
        before = long_stack.api("GET", "/apis/apps/v1/namespaces/sock-shop/deployments/payment")
        kubeconfig = long_stack.status["kubeconfig"]
        ended = oddsock.run("drill", "incident-3", "--kubeconfig", kubeconfig)
        assert ended.code == 3, ended.told
        assert "not annotated for drills" in ended.err
        assert "kubectl annotate namespace sock-shop oddsock.dev/drills=allowed" in ended.err
        after = long_stack.api("GET", "/apis/apps/v1/namespaces/sock-shop/deployments/payment")
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
    finally:
        long_stack.annotate("oddsock.dev/drills", "allowed")


@pytest.mark.xdist_group("long")
def test_a_disk_that_is_full_ends_the_drill_healed(long_stack: Any) -> None:
    command: Oddsock = long_stack.command
    # A file may grow to 12 kB: the history is cut off in the middle of the outage, as on a full disk.
    ended = command.run(
        "drill",
        "incident-3",
        "--json",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY)),
    )
    assert ended.code == 3, ended.told
    assert "cannot be written" in ended.err and ended.err.count("\n") == 1
    assert long_stack.replicas("payment") == 1
    assert command.succeed("status", "--json").json["unhealed"] == []


def _kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "other.kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\n"
        f"clusters: [{{name: other, cluster: {{server: '{server}'}}}}]\n"
        "users: [{name: other, user: {token: none}}]\n"
        "contexts: [{name: other, context: {cluster: other, user: other}}]\n"
    )
    return path
