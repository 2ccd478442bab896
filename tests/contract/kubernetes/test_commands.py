"""Commands in pods: exec, attach and run against a control plane whose pods are real processes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import pytest

from oddsock.kit.clock import SystemClock, wait_for

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import Pods

Kubectl = Callable[..., Awaitable[str]]

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
WAIT_S_MAX = 10.0
PODS = "api/v1/namespaces/sock-shop/pods"
EXEC = f"{PODS}/payment/exec"


async def converse(
    session: aiohttp.ClientSession,
    path: str,
    query: list[tuple[str, str]],
    typed: list[bytes] = [],  # noqa: B006 - never changed
    protocol: str = V5,
) -> tuple[dict[int, bytes], Any]:
    """What came on each channel and the final Status, after every message of *typed* was sent."""
    heard: dict[int, bytes] = {}
    async with asyncio.timeout(WAIT_S_MAX), session.ws_connect(path, params=query, protocols=(protocol,)) as socket:
        assert socket.protocol == protocol
        for each in typed:
            await socket.send_bytes(each)
        async for message in socket:
            heard[message.data[0]] = heard.get(message.data[0], b"") + message.data[1:]
    return heard, json.loads(heard.pop(3))


def asked(*words: str, **flags: str) -> list[tuple[str, str]]:
    """The query of an exec of *words*."""
    return [*(("command", word) for word in words), ("stdout", "true"), ("stderr", "true"), *flags.items()]


@pytest.mark.parametrize("protocol", [V4, V5])
async def test_a_command_runs_in_the_surroundings_of_its_container(protocol: str, pods: "Pods") -> None:
    words = asked("sh", "-c", "echo $GREETING $HOSTNAME; echo odd >&2; exit 7")
    heard, status = await converse(pods.session, EXEC, words, protocol=protocol)
    assert heard == {1: b"hello payment\n", 2: b"odd\n"}
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]


async def test_input_arrives_whole_and_its_end_too(pods: "Pods") -> None:
    typed = [b"\x00" + b"sock" * 8000 for _ in range(100)] + [b"\xff\x00"]
    heard, status = await converse(pods.session, EXEC, asked("wc", "-c", stdin="true"), typed)
    assert (heard[1].strip(), status["status"]) == (b"3200000", "Success")


async def test_a_terminal_has_the_size_of_its_window(pods: "Pods") -> None:
    typed = [b'\x04{"Width":99,"Height":33}', b"\x00stty size; exit\n"]
    heard, _ = await converse(pods.session, EXEC, asked("sh", stdin="true", tty="true"), typed)
    assert b"33 99\r\n" in heard[1]


async def test_a_command_that_is_not_there_is_named(pods: "Pods") -> None:
    _, status = await converse(pods.session, EXEC, asked("no-such-program"))
    assert 'exec: "no-such-program": executable file not found in $PATH' in status["message"]


async def test_a_command_ends_when_its_client_leaves(pods: "Pods", tmp_path: Path) -> None:
    words = asked("sh", "-c", f"echo $$ > {tmp_path}/pid; echo up; sleep 60")
    async with pods.session.ws_connect(EXEC, params=words, protocols=(V5,)) as socket:
        assert (await socket.receive_bytes())[1:] == b"up\n"
    pid = int((tmp_path / "pid").read_text())

    async def is_gone() -> bool:
        return not psutil.pid_exists(pid)

    assert await wait_for(is_gone, SystemClock(), WAIT_S_MAX, poll_s=0.02)


async def test_a_command_ends_with_its_pod(pods: "Pods") -> None:
    async with pods.session.ws_connect(EXEC, params=asked("sleep", "60"), protocols=(V5,)) as socket:
        async with pods.session.delete(f"{PODS}/payment", params={"gracePeriodSeconds": "0"}) as answered:
            assert answered.status == 200
        told = json.loads((await socket.receive_bytes(timeout=WAIT_S_MAX))[1:])
    assert told["details"]["causes"][0]["message"] == "137"


@pytest.mark.parametrize(
    ("path", "headers", "says"),
    [
        ("payment/exec?command=true", {}, "WebSockets only"),
        ("payment/exec", {}, "at least 1 command"),
        ("payment/exec?command=true&container=nope", {}, "container nope is not valid for pod payment"),
        ("nope/exec?command=true", {}, 'pods "nope" not found'),
        (
            "payment/exec?command=true",
            {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Protocol": "chat"},
            "unable to negotiate protocol",
        ),
    ],
)
async def test_a_command_that_cannot_be_run_is_refused_with_the_reason(
    path: str, headers: dict[str, str], says: str, pods: "Pods"
) -> None:
    async with pods.session.get(f"{PODS}/{path}", headers=headers) as answered:
        assert answered.status in {400, 404}
        assert says in (await answered.json())["message"]


async def test_who_attaches_late_to_a_short_program_still_hears_it(pods: "Pods") -> None:
    container = {"name": "c", "image": "curlimages/curl:8", "args": ["curl", "-s", "http://payment:80/"], "stdin": True}
    spec = {"containers": [{**container, "stdinOnce": True}], "restartPolicy": "Never"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asks"}, "spec": spec}
    async with pods.session.post(PODS, json=pod) as answered:
        assert answered.status == 201

    async def has_ended() -> bool:
        async with pods.session.get(f"{PODS}/asks") as answered:
            return bool((await answered.json())["status"]["phase"] == "Succeeded")

    assert await wait_for(has_ended, SystemClock(), WAIT_S_MAX, poll_s=0.02)
    heard, status = await converse(pods.session, f"{PODS}/asks/attach", [("stdout", "true"), ("stdin", "true")])
    assert (heard[1], status["status"]) == (b"OK\n", "Success")


async def test_a_wrong_token_in_the_path_is_no_token(pods: "Pods") -> None:
    async with pods.session.get(f"/as/guessed/{PODS}") as answered:
        assert answered.status == 401


async def test_kubectl_says_the_lines_of_the_report(kubectl_in_pods: Kubectl) -> None:
    line = "-n sock-shop exec -it pod/payment -- curl -s http://payment:80/orders"
    assert (await kubectl_in_pods(*line.split())).endswith("OK\n")
    line = "-n sock-shop run test-payment-health --rm -it --image=curlimages/curl --restart=Never -- curl -s "
    printed = await kubectl_in_pods(*line.split(), "http://payment:80/health")
    assert "OK\r\n" in printed and 'pod "test-payment-health" deleted' in printed


async def test_kubectl_passes_input_and_exit_codes(kubectl_in_pods: Kubectl) -> None:
    words = ["run", "reads", "--rm", "-i", "--image=busybox", "--restart=Never", "--", "sh", "-c"]
    assert "one sock\n" in await kubectl_in_pods(*words, "cat; exit 3", typed=b"one sock\n", fails=True)


async def test_kubectl_copies_files_in_and_out(kubectl_in_pods: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("socks")
    await kubectl_in_pods("cp", str(tmp_path / "here"), "payment:there")
    await kubectl_in_pods("cp", "payment:there", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "socks"
