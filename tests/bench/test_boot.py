"""How fast a stack is up and what it weighs: forked against executed, side by side in one run, as ratios."""

import contextlib
import http.client
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from oddsock.kit.clock import SystemClock, sleep_blocking
from oddsock.stack import manifests
from oddsock.stack.images import image_map

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(sys.platform != "linux", reason="pods are forked on Linux only"),
]

RUNS = 5
UP_S_MAX = 2.0
UP_RATIO_MAX = 0.5
PSS_MIB_MAX = 200.0
POD_S_MAX = 0.15
DEADLINE_S = 60.0
POLL_S = 0.005
CLOCK = SystemClock()


class Oddsock(Protocol):
    """What the benches use of the `oddsock` fixture."""

    home: Path

    def succeed(self, *arguments: str) -> Any: ...


@dataclass(frozen=True)
class Program:
    """One service of the manifests as a plain process: its command, environment and where it is asked."""

    command: list[str]
    environment: dict[str, str]
    port: int
    path: str


def test_a_stack_is_up_sooner_than_its_services_executed_one_by_one(oddsock: Oddsock) -> None:
    kinds: tuple[tuple[str, ...], ...] = ((), ("--no-telemetry",), ("--no-zygote",))
    clocked: dict[str, list[float]] = {
        name: [] for name in (*(" ".join(("up", *each)) for each in kinds), "plain exec")
    }
    worked: dict[str, list[float]] = {name: [] for name in clocked}
    first: dict[str, list[float]] = {"page": [], "answer of the API": []}
    # In turns, so that whatever else the machine does falls on all of them.
    for run in range(RUNS + 1):
        for flags in kinds:
            name, before = " ".join(("up", *flags)), children_cpu_s()
            clocked[name].append(timed(partial(oddsock.succeed, "up", "--detach", *flags)))
            if not flags:
                # What is left to be loaded when all services are Ready is waited for by the first who ask.
                first["page"].append(timed(partial(storefront_page, oddsock.home)))
                first["answer of the API"].append(timed(partial(one_deployment, oddsock.home)))
            worked[name].append(children_cpu_s() - before + sum(cpu_s(each) for each in stack(oddsock.home)))
            oddsock.succeed("down")
        before = children_cpu_s()
        with executed(oddsock.home / f"plain-{run}") as took:
            clocked["plain exec"].append(took)
        worked["plain exec"].append(children_cpu_s() - before)
    # The first turn warms the disk's cache.
    medians = {name: statistics.median(row[1:]) for name, row in clocked.items()}
    work = {name: statistics.median(row[1:]) for name, row in worked.items()}
    tell_machine()
    tell("oddsock up : plain exec of its 8 services", medians["up"], medians["plain exec"], "s", UP_RATIO_MAX, UP_S_MAX)
    alone = medians["up --no-telemetry"]
    tell("oddsock up --no-telemetry : plain exec of its 8 services", alone, medians["plain exec"], "s", UP_RATIO_MAX)
    tell("oddsock up : oddsock up --no-zygote", medians["up"], medians["up --no-zygote"], "s")
    tell("processor time, oddsock up : plain exec", work["up"], work["plain exec"], "s")
    tell("processor time, oddsock up : oddsock up --no-zygote", work["up"], work["up --no-zygote"], "s")
    for what, row in first.items():
        print(f"\nfirst {what} after up = {statistics.median(row[1:]):.3g} s")
    assert medians["up"] < medians["up --no-zygote"]
    assert work["up"] < work["up --no-zygote"]


def test_forked_pods_share_what_executed_ones_have_each_and_one_more_comes_at_once(oddsock: Oddsock) -> None:
    weights, pods = {}, {}
    for name, flags in (("forked", ()), ("executed", ("--no-zygote",))):
        oddsock.succeed("up", "--detach", *flags)
        # Whoever asks first has the rest loaded.
        storefront_page(oddsock.home)
        one_deployment(oddsock.home)
        weights[name] = pss_mib(oddsock.home)
        pods[name] = statistics.median(one_more_pod(oddsock.home) for _ in range(RUNS))
        oddsock.succeed("down")
    tell_machine()
    tell("PSS of cluster and shop, forked : executed", weights["forked"], weights["executed"], "MiB", None, PSS_MIB_MAX)
    tell("one more pod Ready, forked : executed", pods["forked"], pods["executed"], "s", None, POD_S_MAX)
    assert weights["forked"] < weights["executed"]
    assert weights["forked"] <= PSS_MIB_MAX
    assert pods["forked"] < pods["executed"]


def tell(what: str, one: float, other: float, unit: str, ratio: float | None = None, most: float | None = None) -> None:
    """Print the ratio of two measurements of the same run, and what is aimed at."""
    aims = [f"aim {ratio:g}: {'met' if one / other <= ratio else 'missed'}"] if ratio is not None else []
    aims += [f"aim {most:g} {unit}: {'met' if one <= most else 'missed'}"] if most is not None else []
    print(f"\n{what} = {one / other:.2f}  ({one:.3g} {unit} : {other:.3g} {unit})  {'; '.join(aims)}")


def tell_machine() -> None:
    """Print what it was measured on, and how busy that was."""
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, medians of {RUNS}", end="")


def timed(action: Callable[[], object]) -> float:
    """Wall seconds that *action* takes."""
    began = CLOCK.monotonic()
    action()
    return CLOCK.monotonic() - began


def poll(is_done: Callable[[], bool]) -> float:
    """Wall seconds until *is_done*."""
    began = CLOCK.monotonic()
    while not is_done():
        assert CLOCK.monotonic() - began < DEADLINE_S
        sleep_blocking(POLL_S)
    return CLOCK.monotonic() - began


@contextlib.contextmanager
def executed(folder: Path) -> Iterator[float]:
    """The services of the manifests as plain processes; yields the wall seconds until the last answers its probe."""
    programs = list(plain_programs(folder))
    began = CLOCK.monotonic()
    started = [
        subprocess.Popen(each.command, env=each.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in programs
    ]
    try:
        for each in programs:
            poll(partial(answers, each))
        yield CLOCK.monotonic() - began
    finally:
        for process in started:
            process.kill()
            process.wait()


def plain_programs(folder: Path) -> Iterator[Program]:
    """Every service as its manifest describes it, at ports of its own."""
    images = image_map()
    for document in manifests.documents():
        # A deployment of no replicas is not started by `up` either.
        if document["kind"] != "Deployment" or document["spec"].get("replicas", 1) == 0:
            continue
        container = document["spec"]["template"]["spec"]["containers"][0]
        books = folder / document["metadata"]["name"]
        books.mkdir(parents=True)
        ports = {port["containerPort"]: free_port() for port in container["ports"]}
        told = {row["name"]: row["value"].replace("/books", str(books)) for row in container.get("env", ())}
        bound = ",".join(f"{port}=127.0.0.1:{number}" for port, number in ports.items())
        named = {port.get("name"): port["containerPort"] for port in container["ports"]}
        probe = container["readinessProbe"]["httpGet"]
        yield Program(
            [*images[container["image"].rpartition(":")[0]]["command"], *container.get("args", ())],
            {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **told, "ODDSOCK_PORTS": bound},
            ports[named.get(probe["port"], probe["port"])],
            probe["path"],
        )


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(program: Program) -> bool:
    """Whether *program* answers its probe."""
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=5)
    try:
        connection.request("GET", program.path)
        return connection.getresponse().status < 400
    except OSError:
        return False
    finally:
        connection.close()


def stack(home: Path) -> list[psutil.Process]:
    """The stack's control plane and everything below it."""
    plane = psutil.Process(json.loads((home / "stacks/sockshop/stack.json").read_text())["pid"])
    return [plane, *plane.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    """Processor seconds of *process*, its children that ended included."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def children_cpu_s() -> float:
    """Processor seconds of all of our own children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pss_mib(home: Path) -> float:
    """Proportional memory of the stack: a page that ten processes share is a tenth of it for each."""
    return float(sum(each.memory_full_info().pss for each in stack(home))) / 2**20


def storefront_page(home: Path) -> None:
    """The storefront's first page, through its Service."""
    url = json.loads((home / "stacks/sockshop/stack.json").read_text())["storefront"]
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
        assert answer.status == 200


def one_deployment(home: Path) -> None:
    """One answer of the API."""
    state = json.loads((home / "stacks/sockshop/stack.json").read_text())
    token = json.loads((home / "stacks/sockshop/control-plane.json").read_text())["token"]
    path = "/apis/apps/v1/namespaces/sock-shop/deployments/catalogue"
    request = urllib.request.Request(state["server"] + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        assert json.load(answer)["kind"] == "Deployment"


def one_more_pod(home: Path) -> float:
    """Wall seconds from asking for a second replica of catalogue until it is Ready; it is gone again afterwards."""
    folder = home / "stacks/sockshop"
    token = json.loads((folder / "control-plane.json").read_text())["token"]
    server = json.loads((folder / "stack.json").read_text())["server"].removeprefix("http://")
    path = "/apis/apps/v1/namespaces/sock-shop/deployments/catalogue"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
    connection = http.client.HTTPConnection(server, timeout=10)

    def ask(method: str, below: str = "", body: str | None = None) -> Any:
        connection.request(method, path + below, body, headers)
        return json.load(connection.getresponse())

    def scale(replicas: int) -> float:
        ask("PATCH", "/scale", json.dumps({"spec": {"replicas": replicas}}))
        return poll(lambda: ask("GET")["status"].get("readyReplicas") == replicas)

    try:
        took = timed(lambda: scale(2))
        scale(1)
        # The pod that goes away must not run beside the next measurement.
        sleep_blocking(0.5)
        return took
    finally:
        connection.close()
