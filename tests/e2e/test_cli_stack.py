"""A stack from `oddsock up` to `oddsock down`: what scripts read, what refuses, what dies with it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e

SERVICES = {"front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox"}


def test_a_stack_is_up_is_read_by_scripts_and_kubectl_and_goes_down_whole(oddsock: "Oddsock") -> None:
    up = oddsock.succeed("up", "--detach", "--speed", "30", "--json").json
    assert up["state"] == "running"
    kubeconfig = Path(up["kubeconfig"])
    assert kubeconfig.stat().st_mode & 0o077 == 0

    status = oddsock.succeed("status", "--json").json
    assert status["kubeconfig"] == str(kubeconfig)
    assert status["storefront"].startswith("http://127.0.0.1:")
    assert set(status["services"]) == SERVICES | {"gateway"}  # a Service whose deployment is not started
    assert status["state"] == "running"
    assert {one["name"] for one in status["deployments"] if one["available"] == 1} == SERVICES
    assert (status["speed"], status["namespace"], status["unhealed"]) == (30, "sock-shop", [])

    told = subprocess.run(
        ["bash", "-c", 'eval "$("$@" env)" && printf %s "$KUBECONFIG"', "bash", sys.executable, "-m", "oddsock"],
        env=oddsock.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == str(kubeconfig)
    _look_with_kubectl(kubeconfig)

    second = oddsock.run("up", "--detach")
    assert second.code == 3
    assert second.err.count("\n") == 1 and "is up already" in second.err
    oddsock.succeed("orders", "--csv")

    assert "is down" in oddsock.succeed("down").out
    oddsock.wait_until_none_is_left()
    assert oddsock.run("status").code == 3
    assert "No stack named sockshop was up" in oddsock.succeed("down").out


def _look_with_kubectl(kubeconfig: Path) -> None:
    """The report's own questions, where a kubectl is installed; its recorded requests are replayed elsewhere."""
    if (kubectl := shutil.which("kubectl")) is None:
        assert yaml.safe_load(kubeconfig.read_text())["current-context"]
        return

    def ask(*words: str) -> str:
        command = [kubectl, "--kubeconfig", str(kubeconfig), "-n", "sock-shop", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    assert ask("get", "pods", "-l", "name=payment", "-o", "name").startswith("pod/payment-")
    assert ask("get", "svc", "payment", "-o", "jsonpath={.spec.clusterIP}") == "10.96.100.12"
    assert "scaled" in ask("scale", "deployment", "payment", "--replicas=2")
    assert ask("get", "deploy", "payment", "-o", "jsonpath={.spec.replicas}") == "2"
    assert "condition met" in ask("wait", "--for=condition=Available", "deploy/orders", "--timeout=15s")


def test_a_taken_port_is_one_sentence_and_nothing_is_left(oddsock: "Oddsock") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = oddsock.run("up", "--detach", "--port", str(port))
    assert ended.code == 3, ended.told
    assert ended.err.startswith(f"oddsock: Port {port} on 127.0.0.1 cannot be listened on")
    assert ended.err.count("\n") == 1
    oddsock.wait_until_none_is_left()
    assert oddsock.run("status").code == 3


def test_a_killed_control_plane_takes_its_pods_along_and_is_noticed(oddsock: "Oddsock") -> None:
    up = oddsock.succeed("up", "--detach", "--json").json
    os.kill(up["pid"], signal.SIGKILL)
    oddsock.wait_until_none_is_left()
    for verb in ("status", "orders", "env"):
        ended = oddsock.run(verb)
        assert ended.code == 3, ended.told
        assert "is dead" in ended.err and ended.err.count("\n") == 1
    assert oddsock.succeed("up", "--detach", "--json").json["pid"] != up["pid"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stack_of_the_terminal_ends_with_it_however_it_ends(oddsock: "Oddsock", number: signal.Signals) -> None:
    process = oddsock.start("up")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("kubectl"):
            break
    assert len(oddsock.processes()) > len(SERVICES)
    psutil.Process(process.pid).send_signal(number)
    _, told = process.communicate(timeout=15)
    if number is not signal.SIGKILL:
        assert process.returncode == 3
        assert f"Stopped by {number.name}. Stack sockshop is down." in told
    oddsock.wait_until_none_is_left()
