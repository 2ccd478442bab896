"""The clients people have, unchanged, on a shop that is up: each a program of its own, given the kubeconfig."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import LongStack

HERE = Path(__file__).parent
CLIENT_S_MAX = 60.0
UP = ("--speed", "60", "--no-telemetry")
SEEN = ["list 1 Running", "watch 2", "scale 2", "logs True", "exec True"]


@pytest.mark.e2e
@pytest.mark.xdist_group("killed drills")
@pytest.mark.parametrize(("program", "seen"), [("official", SEEN), ("with_kr8s", SEEN), ("with_lightkube", SEEN[:4])])
def test_a_client_lists_watches_scales_reads_logs_and_runs_commands(
    long_stack: "LongStack", program: str, seen: list[str]
) -> None:
    kubeconfig = long_stack.command.succeed("status", "--json").json["kubeconfig"]
    ended = subprocess.run(
        [sys.executable, str(HERE / f"{program}.py"), kubeconfig],
        capture_output=True,
        text=True,
        timeout=CLIENT_S_MAX,
        check=False,
        env=long_stack.command.environment(),
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == seen
    long_stack.scale("catalogue", 1)
