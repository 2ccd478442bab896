"""The control plane as a process of its own: pods are processes, Services listen or refuse, nothing is left behind."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from oddsock.kit.clock import SystemClock, wait_for
from oddsock.kit.processes import LIFELINE

pytestmark = pytest.mark.e2e

TOKEN = "e2e-token"
SPEED = 20.0
DEADLINE_S = 20.0
CLOCK = SystemClock()
WEB = """
import http.server, os, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if "--with-child" in sys.argv:
    subprocess.Popen(["sleep", "1000"])
print("serving as", os.environ["HOSTNAME"], flush=True)
host, _, port = os.environ["ODDSOCK_PORTS"].partition("8080=")[2].partition(",")[0].rpartition(":")
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        text = f"{os.environ['HOSTNAME']} {os.getpid()} {os.environ.get('BOOKS', '')}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
http.server.HTTPServer((host, int(port)), Page).serve_forever()
"""


@dataclass
class Plane:
    """A control plane in a child process and a client of its API."""

    root: Path
    process: "subprocess.Popen[bytes]"
    server: str
    session: aiohttp.ClientSession
    seen: set[int] = field(default_factory=set)

    async def call(self, method: str, path: str, body: object = None, media: str = "application/json") -> Any:
        """The answer to one request; AssertionError when it is no success."""
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": media}
        async with self.session.request(method, self.server + path, data=data, headers=headers) as reply:
            text = await reply.text()
            assert reply.status < 300, text
            return json.loads(text) if reply.content_type == "application/json" else text

    async def scale(self, name: str, replicas: int) -> None:
        """Ask for *replicas*."""
        path = f"/apis/apps/v1/namespaces/default/deployments/{name}/scale"
        await self.call("PATCH", path, {"spec": {"replicas": replicas}}, "application/merge-patch+json")

    async def pods(self) -> list[Any]:
        """All pods of the default namespace; their processes are remembered."""
        found: list[Any] = (await self.call("GET", "/api/v1/namespaces/default/pods"))["items"]
        for pod in found:
            for row in pod["status"].get("containerStatuses", ()):
                if "running" in row["state"]:
                    self.seen.add(int(row["containerID"].rpartition("/")[2]))
        return found

    async def ready(self, name: str, replicas: int) -> list[Any]:
        """The pods of deployment *name* as soon as exactly *replicas* are ready and there are no others."""

        async def are_there() -> list[Any] | None:
            deployment = await self.call("GET", f"/apis/apps/v1/namespaces/default/deployments/{name}")
            pods = await self.pods()
            ready = deployment.get("status", {}).get("readyReplicas", 0)
            return pods if ready == replicas == len(pods) else None

        if replicas == 0:

            async def are_gone() -> bool:
                return not await self.pods()

            assert await wait_for(are_gone, CLOCK, DEADLINE_S, 0.02)
            return []
        pods = await wait_for(are_there, CLOCK, DEADLINE_S, 0.02)
        assert pods, (self.root / "log").read_text()
        return pods

    async def address(self, service: str) -> str:
        """Where Service *service* is."""
        found = await self.call("GET", f"/api/v1/namespaces/default/services/{service}")
        return str(found["metadata"]["annotations"]["oddsock.dev/address"])

    async def page(self, address: str, path: str = "/") -> str:
        """What the Service at *address* says."""
        async with self.session.get(f"http://{address}{path}") as reply:
            return await reply.text()


def deployment(name: str = "web", image: str = "test/web:1", **spec: Any) -> dict[str, object]:
    """A deployment of one tiny web server."""
    container = {
        "name": name,
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
        **spec,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"name": name}},
            "template": {"metadata": {"labels": {"name": name}}, "spec": {"containers": [container]}},
        },
    }


def service(name: str = "web") -> dict[str, object]:
    """The Service of `deployment`."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    spec = {"selector": {"name": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def spawn(root: Path, port: int = 0, lifeline: int | None = None) -> tuple["subprocess.Popen[bytes]", str]:
    """A control plane as a child, and its server's URL ("" when it ended before it served)."""
    root.mkdir(parents=True, exist_ok=True)
    read, write = os.pipe()
    settings = {
        "root": str(root),
        "token": TOKEN,
        "port": port,
        "speed": SPEED,
        "ready_fd": write,
        "images": {"test/web": [sys.executable, "-S", "-c", WEB], "test/shell": []},
    }
    (root / "settings.json").write_text(json.dumps(settings))
    with (root / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oddsock.cluster", str(root / "settings.json")],
            stdout=log,
            stderr=log,
            pass_fds=[write] if lifeline is None else [write, lifeline],
            env=dict(os.environ) if lifeline is None else {**os.environ, LIFELINE: str(lifeline)},
        )
    os.close(write)
    with os.fdopen(read) as ready:
        return process, ready.readline().strip()


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    """A control plane with nothing in it; it and every process it started are gone after the test."""
    process, server = spawn(tmp_path)
    assert server, (tmp_path / "log").read_text()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        made = Plane(tmp_path, process, server, session)
        yield made
    process.terminate()
    process.wait(10)
    assert [pid for pid in made.seen if is_running(pid)] == []


def is_running(pid: int) -> bool:
    """Whether process *pid* is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Return as soon as *condition* holds; AssertionError about *what* when it does not in time."""
    assert await wait_for(condition, CLOCK, DEADLINE_S, 0.02), what


async def apply(plane: Plane, **spec: Any) -> str:
    """Make Service and Deployment `web`; the Service's address when a pod is ready."""
    await plane.call("POST", "/api/v1/namespaces/default/services", service())
    began = CLOCK.monotonic()
    await plane.call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment(**spec))
    await plane.ready("web", 1)
    print(f"apply to Ready: {CLOCK.monotonic() - began:.3f} s")
    return await plane.address("web")


async def test_scaled_to_zero_a_service_refuses_and_scaled_up_it_answers_at_the_same_address(plane: Plane) -> None:
    address = await apply(plane)
    before = await plane.page(address)
    await plane.scale("web", 0)
    host, _, port = address.rpartition(":")

    async def is_refused() -> bool:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    await until(is_refused, "the Service still accepts")
    await plane.ready("web", 0)
    assert await is_refused()
    await plane.scale("web", 1)
    await plane.ready("web", 1)
    assert await plane.address("web") == address
    assert (await plane.page(address)).split()[0] != before.split()[0]
    events = (await plane.call("GET", "/api/v1/namespaces/default/events"))["items"]
    told = {event["message"] for event in events if event["reason"] == "ScalingReplicaSet"}
    sets = (await plane.call("GET", "/apis/apps/v1/namespaces/default/replicasets"))["items"]
    name = sets[0]["metadata"]["name"]
    assert told == {f"Scaled {way} replica set {name} from {a} to {1 - a}" for way, a in (("up", 0), ("down", 1))}


async def test_two_replicas_take_turns_and_a_terminating_one_gets_no_more_calls(plane: Plane) -> None:
    address = await apply(plane)
    await plane.scale("web", 2)
    await plane.ready("web", 2)
    seen = {(await plane.page(address)).split()[0] for _ in range(4)}
    assert len(seen) == 2
    gone = sorted(seen)[0]
    await plane.call("DELETE", f"/api/v1/namespaces/default/pods/{gone}")
    pods = await plane.ready("web", 2)
    assert gone not in {pod["metadata"]["name"] for pod in pods}


async def test_a_container_that_dies_is_started_again_with_a_growing_back_off(plane: Plane) -> None:
    address = await apply(plane)
    with pytest.raises(aiohttp.ClientError):
        await plane.page(address, "/die")

    async def has_restarted() -> bool:
        row = (await plane.pods())[0]["status"]["containerStatuses"][0]
        return bool(row["restartCount"] == 1 and row["ready"])

    await until(has_restarted, "no restart")
    with pytest.raises(aiohttp.ClientError):
        await plane.page(address, "/die")

    async def backs_off() -> bool:
        state = (await plane.pods())[0]["status"]["containerStatuses"][0]["state"]
        return bool(state.get("waiting", {}).get("reason") == "CrashLoopBackOff")

    await until(backs_off, "no back-off")
    [pod] = await plane.ready("web", 1)
    row = pod["status"]["containerStatuses"][0]
    assert (row["restartCount"], row["lastState"]["terminated"]["exitCode"]) == (2, 3)
    path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/log"
    assert await plane.call("GET", path + "?previous=true") == f"serving as {pod['metadata']['name']}\n"


async def test_a_claim_keeps_its_files_when_its_pod_goes_and_leads_paths_into_itself(plane: Plane) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "books"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await plane.call("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)
    made = deployment(
        env=[{"name": "BOOKS", "value": "/books/orders.db"}], volumeMounts=[{"name": "books", "mountPath": "/books"}]
    )
    spec: Any = made["spec"]
    spec["template"]["spec"]["volumes"] = [{"name": "books", "persistentVolumeClaim": {"claimName": "books"}}]
    await plane.call("POST", "/api/v1/namespaces/default/services", service())
    await plane.call("POST", "/apis/apps/v1/namespaces/default/deployments", made)
    await plane.ready("web", 1)
    where = Path((await plane.page(await plane.address("web"))).split()[2])
    where.write_text("kept")
    await plane.scale("web", 0)
    await plane.ready("web", 0)
    assert where == plane.root / "volumes/default/books/orders.db"
    assert where.read_text() == "kept"
    bound = await plane.call("GET", "/api/v1/namespaces/default/persistentvolumeclaims/books")
    assert bound["status"]["phase"] == "Bound"


async def test_an_image_that_is_not_in_the_map_is_not_pulled(plane: Plane) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    await plane.call("POST", path, deployment(image="weaveworksdemos/payment:0.4.3"))

    async def reasons() -> bool:
        rows = [row for pod in await plane.pods() for row in pod["status"].get("containerStatuses", ())]
        return bool(rows and rows[0]["state"].get("waiting", {}).get("reason") == "ImagePullBackOff")

    await until(reasons, "no ImagePullBackOff")


async def test_a_pod_that_ignores_sigterm_is_killed_when_its_grace_is_over(plane: Plane) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "deaf"},
        "spec": {
            "terminationGracePeriodSeconds": 30,
            "containers": [
                {"name": "sh", "image": "test/shell", "command": ["sh", "-c", "trap '' TERM; sleep 1000 & wait; wait"]}
            ],
        },
    }
    await plane.call("POST", "/api/v1/namespaces/default/pods", pod)

    async def runs() -> bool:
        return any(p["status"].get("phase") == "Running" for p in await plane.pods())

    await until(runs, "not running")
    [pid] = plane.seen
    children = psutil.Process(pid).children(recursive=True)
    began = CLOCK.monotonic()
    await plane.call("DELETE", "/api/v1/namespaces/default/pods/deaf")

    async def is_gone() -> bool:
        return not await plane.pods()

    await until(is_gone, "still there")
    # 30 s of grace at this speed are 1.5 s of wall time.
    assert 1.4 <= CLOCK.monotonic() - began < 5
    assert [each.pid for each in children if is_running(each.pid)] == []


async def test_a_killed_control_plane_leaves_no_process_behind_not_even_a_grandchild(plane: Plane) -> None:
    await apply(plane, args=["--with-child"])
    [pid] = plane.seen
    everyone = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    assert len(everyone) == 2
    plane.process.kill()
    plane.process.wait(5)

    async def are_gone() -> bool:
        return not any(is_running(each) for each in everyone)

    await until(are_gone, "left behind")
    process, server = spawn(plane.root)
    assert server, "the next control plane does not start in the same folder"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


async def test_at_the_end_of_its_lifeline_a_control_plane_ends_and_its_pods_with_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    process, server = spawn(tmp_path, lifeline=read)
    os.close(read)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        plane = Plane(tmp_path, process, server, session)
        await apply(plane)
    [pid] = plane.seen
    os.close(write)
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, process.wait, 10) == 0
    assert not is_running(pid)


def test_a_port_that_is_taken_is_one_clear_sentence_and_exit_code_three(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, server = spawn(tmp_path, port)
        assert (server, process.wait(10)) == ("", 3)
    last = json.loads((tmp_path / "log").read_text().splitlines()[-1])
    assert last["message"].startswith(f"Port {port} on 127.0.0.1 cannot be listened on: Address already in use.")


def test_a_second_control_plane_in_the_same_folder_does_not_run(tmp_path: Path) -> None:
    first, server = spawn(tmp_path)
    assert server
    try:
        second, nothing = spawn(tmp_path)
        assert (nothing, second.wait(10)) == ("", 3)
        assert "Another control plane keeps its files" in (tmp_path / "log").read_text()
    finally:
        first.terminate()
        assert first.wait(10) == 0


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on this machine to look with")
async def test_kubectl_reads_what_the_cluster_says(plane: Plane) -> None:
    await apply(plane)
    server = plane.server.replace("http://", f"http://any:{TOKEN}@")

    def look(*arguments: str) -> str:
        return subprocess.run(
            ["kubectl", "--server", server, *arguments], capture_output=True, text=True, timeout=20, check=True
        ).stdout

    loop = asyncio.get_running_loop()
    shown = await loop.run_in_executor(None, look, "get", "all,endpoints,events,nodes", "-o", "wide")
    assert "Scaled up replica set web-" in shown
    described = await loop.run_in_executor(None, look, "describe", "deployment,pod,service,node")
    assert "Available      True    MinimumReplicasAvailable" in described
    assert (await loop.run_in_executor(None, look, "logs", "deployment/web")).startswith("serving as web-")
