"""Pods forked from a warm process: they are what an executed one would be, and die as surely."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="pods are forked on Linux only"),
    pytest.mark.xdist_group("zygote"),
]

MODULE = """
import asyncio, json, logging, os, random, signal, sys, threading
from oddsock.kit import ids
def main():
    order = sys.argv[1]
    if order == "tell":
        logging.getLogger("own").warning("a warning")
        print(json.dumps({
            "argv": sys.argv[1:], "name": __name__, "folder": os.getcwd(), "path": sys.path[0],
            "environment": dict(os.environ), "sid": os.getsid(0), "pid": os.getpid(), "parent": os.getppid(),
            "random": random.random(), "ids": ids.object_id(), "threads": threading.active_count(),
            "handlers": len(logging.getLogger().handlers), "term": str(signal.getsignal(signal.SIGTERM)),
            "child": str(signal.getsignal(signal.SIGCHLD)), "stdin": sys.stdin.read(),
            "fds": sorted(int(name) for name in os.listdir("/proc/self/fd")),
            "cmdline": open("/proc/self/cmdline").read().rstrip("\\0").split("\\0"),
        }))
    elif order == "exit":
        return int(sys.argv[2])
    elif order == "raise":
        raise ValueError("no such thing")
    elif order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "loop":
        async def nap():
            await asyncio.sleep(0.01)
            return 7
        return asyncio.run(nap())
if __name__ == "__main__":
    sys.exit(main())
"""

DRIVER = """
import asyncio, json, os, sys
from pathlib import Path
from oddsock.cluster.containers import Command, Spawner
from oddsock.cluster.forks import Zygote
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.kit import log

class Kept:
    def __init__(self):
        self.said = {"stdout": "", "stderr": ""}
        self.over = asyncio.Event()
    def write(self, stream, data):
        self.said[stream] += data.decode()
    def close(self):
        self.over.set()

async def main(zygote, runs, folder):
    spawner = Spawner(ProcessLedger(folder / "processes.jsonl"), zygote)
    told = []
    for arguments, environment in runs:
        kept = Kept()
        whole = [sys.executable, "-m", "warm_module", *arguments]
        here = {"PYTHONPATH": os.environ["PYTHONPATH"], "PYTHONUNBUFFERED": "1", **environment}
        process = await spawner.start(Command(whole, here, folder, is_warm=True), kept, "test")
        code = await asyncio.wait_for(process.exit_code, 20)
        await asyncio.wait_for(kept.over.wait(), 20)
        told.append({"code": code, "pid": process.pid, **kept.said})
    alive = zygote is not None and zygote.is_alive
    spawner.close()
    print(json.dumps({"zygote": zygote and zygote.pid, "is_alive": alive, "runs": told}))

settings = json.loads(sys.argv[1])
log.configure()
zygote = Zygote.start(settings["preload"])
asyncio.run(main(zygote, settings["runs"], Path(settings["folder"])))
"""


class Oddsock(Protocol):
    """What these tests use of the `oddsock` fixture."""

    home: Path

    def succeed(self, *arguments: str) -> Any: ...

    def wait_until(self, condition: Callable[[], object], within_s: float = 10.0) -> bool: ...

    def wait_until_none_is_left(self, within_s: float = 8.0) -> None: ...


def drive(folder: Path, runs: list[tuple[list[str], dict[str, str]]], preload: list[str] | None = None) -> Any:
    """What happened to *runs* of the module, forked one after the other."""
    (folder / "warm_module.py").write_text(MODULE)
    preload = ["warm_module"] if preload is None else preload
    settings = json.dumps({"runs": runs, "folder": str(folder), "preload": preload})
    environment = {**os.environ, "PYTHONPATH": str(folder), "SECRET_OF_THE_MACHINE": "x"}
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER, settings],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return {**json.loads(ended.stdout), "log": ended.stderr}


def test_a_forked_pod_sees_what_an_executed_one_would(tmp_path: Path) -> None:
    tell = ["tell", "--port=80", "a b"]
    told = drive(tmp_path, [(tell, {"OWN": "1"}), (tell, {"OWN": "1"}), (tell, {"OWN": "1", "PYTHONHASHSEED": "1"})])
    forked, again, executed = (json.loads(run["stdout"]) for run in told["runs"])
    assert (forked["parent"], again["parent"]) == (told["zygote"], told["zygote"]) != (executed["parent"],) * 2
    executed["environment"].pop("PYTHONHASHSEED")
    for each in (forked, again, executed):
        each["environment"].pop("ODDSOCK_LIFELINE")
        # An interpreter that starts without a locale puts it there (PEP 538); the zygote's has started before.
        each["environment"].pop("LC_CTYPE", None)
        assert each.pop("sid") == each.pop("pid")
    own = {"parent", "random", "ids", "fds"}
    assert {key: forked[key] for key in forked.keys() - own} == {key: executed[key] for key in executed.keys() - own}
    assert len(forked["fds"]) == len(executed["fds"])
    assert forked["random"] != again["random"]
    assert forked["ids"][8:18] != again["ids"][8:18]
    assert [run["stderr"] for run in told["runs"]] == ["a warning\n"] * 3


def test_a_forked_pods_end_is_told_as_a_container_runtime_tells_it(tmp_path: Path) -> None:
    runs: list[tuple[list[str], dict[str, str]]] = [
        ([*order], {}) for order in (["exit", "0"], ["exit", "3"], ["die"], ["raise"], ["loop"])
    ]
    told = drive(tmp_path, runs)
    assert [run["code"] for run in told["runs"]] == [0, 3, 137, 1, 7]
    last = told["runs"][3]["stderr"].splitlines()[-1]
    assert last == "ValueError: no such thing"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1/0", "cannot be imported"),
        ("import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()", "a thread"),
    ],
)
def test_what_cannot_be_preloaded_is_executed(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "unfit.py").write_text(text)
    told = drive(tmp_path, [(["exit", "4"], {}), (["exit", "5"], {})], preload=["unfit"])
    assert [run["code"] for run in told["runs"]] == [4, 5]
    assert not told["is_alive"]
    assert why in told["log"]


def test_a_stack_is_forked_heals_when_its_zygote_dies_and_leaves_nothing_when_it_is_killed(oddsock: Oddsock) -> None:
    oddsock.succeed("up", "--detach", "--speed", "20")  # a back-off of 10 s is half a second
    folder = oddsock.home / "stacks" / "sockshop"
    plane = psutil.Process(json.loads((folder / "stack.json").read_text())["pid"])
    zygote = next(child for child in plane.children() if child.name() == "zygote")
    before = pods(folder)
    assert len(before) == 8
    assert {row["pid"] for row in before} == {child.pid for child in zygote.children()}
    os.kill(victim := before[0]["pid"], signal.SIGKILL)
    assert oddsock.wait_until(lambda: all(row["ready"] and row["pid"] != victim for row in pods(folder)))
    last = next(row["last"] for row in pods(folder) if row["name"] == before[0]["name"])
    assert last["exitCode"] == 137
    assert len(zygote.children()) == 8
    zygote.kill()
    old = {row["pid"] for row in before}
    assert oddsock.wait_until(lambda: not any(row["pid"] in old for row in pods(folder) if row["ready"]))
    assert oddsock.wait_until(lambda: all(row["ready"] for row in pods(folder)), 20.0)
    assert {psutil.Process(row["pid"]).ppid() for row in pods(folder)} == {plane.pid}
    oddsock.succeed("down")
    oddsock.succeed("up", "--detach")
    os.kill(json.loads((folder / "stack.json").read_text())["pid"], signal.SIGKILL)
    oddsock.wait_until_none_is_left()


def test_without_a_zygote_every_pod_is_executed(oddsock: Oddsock) -> None:
    oddsock.succeed("up", "--detach", "--no-zygote")
    folder = oddsock.home / "stacks" / "sockshop"
    plane = json.loads((folder / "stack.json").read_text())["pid"]
    assert {psutil.Process(row["pid"]).ppid() for row in pods(folder)} == {plane}


def pods(folder: Path) -> list[dict[str, Any]]:
    """Every pod of the stack whose files stand in *folder*: its name, process, readiness and last end."""
    settings = json.loads((folder / "control-plane.json").read_text())
    server = json.loads((folder / "stack.json").read_text())["server"]
    path = f"{server}/api/v1/namespaces/sock-shop/pods"
    request = urllib.request.Request(path, headers={"Authorization": f"Bearer {settings['token']}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        found = json.load(reply)["items"]
    rows = [(pod["metadata"]["name"], row) for pod in found for row in pod["status"].get("containerStatuses", ())]
    return [
        {
            "name": name,
            "pid": int((row.get("containerID") or "/0").rpartition("/")[2]),
            "ready": row["ready"],
            "last": row["lastState"].get("terminated", {}),
        }
        for name, row in rows
    ]
