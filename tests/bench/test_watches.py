"""What 120 open watches cost those who list 100 pods, and whether one of them misses a thing."""

import asyncio
import itertools
import json
import operator
import os
import platform
import statistics
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.bench

PODS = 100
WATCHES = 120
LISTS = 300
SERVER_P99_MS_MAX = 10.0
DEADLINE_S = 60.0
TOKEN = "bench-token"
CLOCK = SystemClock()
LIST = "/api/v1/namespaces/default/pods"
SCALE = "/apis/apps/v1/namespaces/default/deployments/idle/scale"
MERGE = "application/merge-patch+json"
# The control plane as it is, but for a stop-watch around the part of the server that answers lists.
PROGRAM = """
import sys, time
from oddsock.cluster import __main__ as command
from oddsock.cluster.api import app
from oddsock.kit.clock import SystemClock
clock, told, answer = SystemClock(), open(sys.argv[2], "a", buffering=1), app._COLLECTION["GET"]
async def timed(request, target):
    began, worked = clock.monotonic(), time.thread_time()
    answered = await answer(request, target)
    told.write(f"{(clock.monotonic() - began) * 1000} {(time.thread_time() - worked) * 1000}\\n")
    return answered
app._COLLECTION["GET"] = timed
sys.exit(command.main(sys.argv[1:2]))
"""


@dataclass
class Plane:
    """A control plane that notes what each list takes in the server, and a client of its API."""

    server: str
    noted: Path
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: object = None, media: str = "application/json") -> Any:
        """The answer to one request; AssertionError when it is no success."""
        headers = {"Content-Type": media}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.server + path, data=data, headers=headers) as reply:
            text = await reply.text()
            assert reply.status < 300, text
            return json.loads(text)

    async def scale(self, replicas: int) -> None:
        """Have exactly *replicas* pods, all of them running."""
        await self.call("PATCH", SCALE, {"spec": {"replicas": replicas}}, MERGE)

        async def are_there() -> bool:
            phases = [pod["status"].get("phase") for pod in (await self.call("GET", LIST))["items"]]
            return phases == ["Running"] * replicas

        assert await wait_for(are_there, CLOCK, DEADLINE_S, 0.2), f"{replicas} pods do not run"

    def take_notes(self) -> list[tuple[float, float]]:
        """Milliseconds in the server, by the clock and of the processor, of every list since the last call."""
        lines = [line.split() for line in self.noted.read_text().splitlines()]
        taken = [(float(clocked), float(worked)) for clocked, worked in lines]
        self.noted.write_text("")
        return taken


@dataclass
class Watcher:
    """One open watch and what it knows: the version of every pod by its name, as its changes said."""

    query: str
    known: dict[str, int] = field(default_factory=dict)
    changes: int = 0

    async def follow(self, plane: Plane, is_open: Callable[[], object]) -> None:
        """Read changes until cancelled; AssertionError when the server ends the watch or says nonsense."""
        async with plane.session.get(f"{plane.server}{LIST}?watch=1&{self.query}") as reply:
            assert reply.status == 200
            is_open()
            async for line in reply.content:
                self.note(json.loads(line))
        raise AssertionError("the server ended a watch")

    def note(self, change: dict[str, Any]) -> None:
        """Take one change in."""
        meta = change["object"]["metadata"]
        version, name = int(meta["resourceVersion"]), meta.get("name", "")
        self.changes += 1
        match change["type"]:
            case "ADDED":
                assert name not in self.known
                self.known[name] = version
            case "MODIFIED":
                assert self.known[name] < version, "a change came twice, or late"
                self.known[name] = version
            case "DELETED":
                del self.known[name]
            case other:
                assert other == "BOOKMARK", change


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    """A control plane with a deployment of a program that does nothing, and no pod of it yet."""
    reading, telling = os.pipe()
    settings = {"root": str(tmp_path), "token": TOKEN, "images": {"bench/idle": []}, "ready_fd": telling}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    noted = tmp_path / "lists"
    with (tmp_path / "log").open("ab") as log:
        words = [sys.executable, "-c", PROGRAM, str(tmp_path / "settings.json"), str(noted)]
        process = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, pass_fds=[telling])
    os.close(telling)
    with os.fdopen(reading) as told:
        server = (await asyncio.to_thread(told.readline)).strip()
    assert server, (tmp_path / "log").read_text()
    try:
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {TOKEN}"},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=DEADLINE_S),
        ) as session:
            made = Plane(server, noted, session)
            labels = {"name": "idle", "turn": "even"}
            container = {"name": "idle", "image": "bench/idle", "command": ["sleep", "1000"]}
            template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
            spec = {"replicas": 0, "selector": {"matchLabels": {"name": "idle"}}, "template": template}
            body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "idle"}, "spec": spec}
            await made.call("POST", SCALE.removesuffix("/idle/scale"), body)
            yield made
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), DEADLINE_S)


async def test_lists_stay_quick_and_no_watch_misses_a_change_with_120_open(plane: Plane) -> None:
    await plane.scale(PODS)
    plane.take_notes()
    quiet = await measure(plane)

    version = (await plane.call("GET", LIST))["metadata"]["resourceVersion"]
    at_once = (
        f"sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion={version}"
    )
    queries = ["", "labelSelector=turn%3Dodd", "labelSelector=name%3Didle", at_once]
    watchers = [Watcher(query) for query, _ in zip(itertools.cycle(queries), range(WATCHES), strict=False)]
    opened: list[None] = []
    following = [asyncio.create_task(each.follow(plane, lambda: opened.append(None))) for each in watchers]
    try:
        await until(lambda: len(opened) == WATCHES, following, "not every watch was opened")
        await until(lambda: all(len(each.known) == PODS for each in watchers[::2]), following, "a watch is not filled")
        plane.take_notes()
        watched = await measure(plane)
        await plane.scale(PODS - 20)
        await plane.scale(PODS)
        await settle(plane)
        for each, query in zip(watchers, itertools.cycle(queries), strict=False):
            wanted = await listed(plane, query if query.startswith("label") else "")
            await until(partial(operator.eq, each.known, wanted), following, f"missed in {query!r}")
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}", end="")
    print(
        f"; {PODS} pods, {LISTS} lists beside as many changes; {sum(each.changes for each in watchers)} lines watched"
    )
    for place, most in (
        ("in the server", SERVER_P99_MS_MAX),
        ("processor time in the server", SERVER_P99_MS_MAX),
        ("in the client", None),
    ):
        tell(f"list, {place}", watched[place], quiet[place], most)
    # By the clock it is a measure of the machine's other work too; the processor's time is the server's own.
    worked = watched["processor time in the server"]
    assert percentile(worked, 50) <= SERVER_P99_MS_MAX
    assert percentile(worked, 99) <= SERVER_P99_MS_MAX


async def measure(plane: Plane) -> dict[str, list[float]]:
    """Milliseconds of each of many lists, in the server and as the client saw them, each beside a change of a pod."""
    names = [pod["metadata"]["name"] for pod in (await plane.call("GET", LIST))["items"]]
    plane.take_notes()
    client = []
    for turn, name in zip(range(LISTS), itertools.cycle(names), strict=False):
        body = {"metadata": {"labels": {"turn": "odd" if (turn // len(names)) % 2 == 0 else "even", "n": str(turn)}}}
        change = asyncio.create_task(plane.call("PATCH", f"{LIST}/{name}", body, MERGE))
        began = CLOCK.monotonic()
        found = await plane.call("GET", LIST)
        client.append((CLOCK.monotonic() - began) * 1000)
        assert len(found["items"]) == PODS
        await change
    server = plane.take_notes()
    assert len(server) == LISTS
    clocked, worked = ([row[place] for row in server] for place in (0, 1))
    return {"in the server": clocked, "processor time in the server": worked, "in the client": client}


async def listed(plane: Plane, query: str) -> dict[str, int]:
    """The version of every pod by its name, as a list says."""
    items = (await plane.call("GET", f"{LIST}?{query}"))["items"]
    return {pod["metadata"]["name"]: int(pod["metadata"]["resourceVersion"]) for pod in items}


async def settle(plane: Plane) -> None:
    """Return when no pod changes any more."""

    async def is_calm() -> bool:
        before = await listed(plane, "")
        await CLOCK.sleep(0.5)
        return before == await listed(plane, "")

    assert await wait_for(is_calm, CLOCK, DEADLINE_S, 0.0), "the pods go on changing"


async def until(is_so: Callable[[], bool], following: "list[asyncio.Task[None]]", what: str) -> None:
    """Return as soon as *is_so*; AssertionError about *what* when it is not in time, or about a watch that ended."""

    async def look() -> bool:
        for task in following:
            if task.done():
                task.result()
        return is_so()

    assert await wait_for(look, CLOCK, DEADLINE_S, 0.02), what


def tell(what: str, one: list[float], other: list[float], most: float | None) -> None:
    """Print p50 and p99 with watches open beside those of the same run without, and what is aimed at."""
    for rank in (50, 99):
        here, there = percentile(one, rank), percentile(other, rank)
        aim = f"  aim {most:g} ms: {'met' if here <= most else 'missed'}" if most and rank == 99 else ""
        print(f"{what}, p{rank}, {WATCHES} watches : none = {here / there:.2f}  ({here:.3g} ms : {there:.3g} ms){aim}")


def percentile(row: list[float], rank: int) -> float:
    """The value of *row* that *rank* of 100 do not pass."""
    return statistics.quantiles(row, n=100, method="inclusive")[rank - 1]
