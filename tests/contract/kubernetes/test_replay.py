"""The recorded requests of kubectl 1.32 get the answers that kubectl 1.32 was content with; no kubectl is needed."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

EXCHANGES = [json.loads(line) for line in (Path(__file__).parent / "kubectl-1.32.jsonl").read_text().splitlines()]
COMMANDS = list(dict.fromkeys(row["command"] for row in EXCHANGES))
REFUSED = {
    "kubectl get pod nope",
    "kubectl logs orders-7c9d-aaaaa --previous",
    # Its exit code says that there is a difference.
    "kubectl diff -f tests/contract/kubernetes/pods.yaml",
}

Replay = Callable[[list[dict[str, Any]]], Awaitable[list[tuple[int, Any]]]]


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_recorded_command_is_answered_as_when_it_was_recorded(command: str, replay: Replay) -> None:
    rows = [row for row in EXCHANGES if row["command"] == command]
    answers = await replay(rows)
    asked = [f"{row['method']} {row['path']}" for row in rows]
    assert [(what, *answer) for what, answer in zip(asked, answers, strict=True)] == [
        (what, row["status"], row["answer"]) for what, row in zip(asked, rows, strict=True)
    ]


def test_kubectl_was_content_with_every_recorded_answer_but_the_refusals() -> None:
    assert {row["command"] for row in EXCHANGES if row["exit"] != 0} == REFUSED


def test_the_recording_has_the_commands_that_users_are_promised() -> None:
    promised = ["get pods", "get deploy", "get svc", "get events", "get all", "scale", "logs deployment/orders", "-w"]
    promised += ["delete pod", "describe deploy", "describe pod", "describe svc", "describe node", "-o json"]
    assert [words for words in promised if not any(words in command for command in COMMANDS)] == []


def test_the_recorded_watch_saw_the_pod_become_ready() -> None:
    watched = [row for row in EXCHANGES if row["command"].endswith(" -w") and "watch=true" in row["path"]]
    assert [row["answer"][0]["object"]["rows"][0][:3] for row in watched] == [["payment-5f6b-ccccc", "1/1", "Running"]]
