"""A hand-made cluster behind the real API server, and what of an answer is compared."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from yarl import URL

from oddsock.cluster import defaults
from oddsock.cluster.api import app
from oddsock.cluster.control_plane import ControlPlane, running
from oddsock.cluster.images import Program
from oddsock.cluster.settings import ControlPlaneSettings
from oddsock.cluster.store import Store
from oddsock.kit import http
from oddsock.kit.clock import ManualClock, SystemClock, wait_for

HERE = Path(__file__).parent
TOKEN = "a-token-of-the-test"
NAMESPACE = "sock-shop"
ORDERS_POD = "orders-7c9d-aaaaa"
RECORDING = HERE / "kubectl-1.32.jsonl"
QUIET_S = 0.3
"""Wall seconds without a line after which a watch counts as quiet."""

KUBECTL_S_MAX = 20.0

LOG = [
    "2025-10-30T08:23:12.000000001Z stdout F Started OrdersApplication",
    "2025-10-30T08:23:40.000000001Z stdout F Received order request",
    "2025-10-30T08:23:59.000000001Z stderr P Connection ",
    "2025-10-30T08:23:59.000000002Z stderr F refused",
]


@dataclass
class World:
    """A store full of hand-made objects, its log files, and where its Services are said to listen."""

    store: Store
    clock: ManualClock
    folder: Path
    addresses: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    url: str = ""

    def log_path(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The log file of a container, if the folder has one."""
        path = self.folder / f"{namespace}_{pod}_{container}{'.previous' if previous else ''}.log"
        return path if path.exists() else None

    async def resolve(self, _namespace: str, service: str, port: str) -> tuple[str, int] | None:
        """Where *service* listens, if the test said so."""
        return self.addresses.get((service, port))

    def kubeconfig(self) -> Path:
        """A kubeconfig for this world's server."""
        return write_kubeconfig(self.folder, self.url)


def write_kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig in *folder* for the server at *url*."""
    path = folder / "kubeconfig"
    # Over plain HTTP kubectl sends no account but the one in the server's path.
    cluster = {"name": "c", "cluster": {"server": f"{url}/as/{TOKEN}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}
    user = {"name": "u", "user": {"token": TOKEN}}
    head = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
    path.write_text(json.dumps({**head, "clusters": [cluster], "contexts": [context], "users": [user]}))
    return path


def make_world(folder: Path) -> World:
    """The world of world.yaml; nothing in it happens by itself."""
    clock = ManualClock()
    store = Store(clock)
    for obj in yaml.safe_load_all((HERE / "world.yaml").read_text()):
        defaults.fill(obj, store)
        store.create(obj)

    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAMESPACE}_{ORDERS_POD}_orders.log").write_text("\n".join(LOG) + "\n")
    return World(store, clock, folder)


async def serve_world(world: World, *inner: Any, port: int = 0) -> web.AppRunner:
    """The API server over *world* on *port* (0: a free one); *inner* middlewares come last."""
    served = app.build(world.store, token=TOKEN, pod_logs=world, resolve_service=world.resolve, clock=world.clock)
    served.middlewares.extend(inner)
    runner = await http.serve(served, "127.0.0.1", port)
    world.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner


def make_payment_ready(world: World) -> None:
    """The change that recorded watches see: the third pod becomes ready."""
    pod = world.store.get("Pod", NAMESPACE, "payment-5f6b-ccccc")
    row = pod["status"]["containerStatuses"][0]
    row.update(ready=True, state={"running": {"startedAt": "2025-10-30T08:24:00Z"}})
    world.store.update_status("Pod", NAMESPACE, "payment-5f6b-ccccc", pod["status"])


def let_go_of_pods(world: World) -> None:
    """What a kubelet does at the end of a pod's grace: pods that are marked as deleted go."""
    for pod in world.store.list("Pod"):
        if "deletionTimestamp" in pod["metadata"]:
            world.store.remove("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])


MEANWHILE: dict[str, Callable[[World], None]] = {
    "payment becomes ready": make_payment_ready,
    "the kubelet lets go": let_go_of_pods,
}
"""What happens while a recorded request is open, by the name the recording has for it."""


ASKED_FOR = frozenset({"pods", "deployments", "services", "events", "nodes", "configmaps", "leases"})
"""Resources that recorded commands find in the discovery."""


def shape(text: str) -> Any:
    """What of an answer is compared: cells of tables, names of lists, reason of refusals; other text by line."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text.splitlines()
    if not isinstance(answer, dict) or "kind" not in answer:
        if isinstance(answer, dict) and "type" in answer and "object" in answer:
            return {"type": answer["type"], "object": shape(json.dumps(answer["object"]))}
        return answer if not isinstance(answer, dict) else sorted(answer)
    head = {"kind": answer["kind"], "apiVersion": answer.get("apiVersion", "v1")}
    if answer["kind"] == "Table":
        columns = [column["name"] for column in answer["columnDefinitions"] or ()]
        return {**head, "columns": columns, "rows": [row["cells"] for row in answer["rows"]]}
    if answer["kind"] == "Status":
        return {**head, **{key: answer[key] for key in ("status", "reason", "message", "code") if key in answer}}
    if answer["kind"].endswith("DiscoveryList"):
        rows = [r for item in answer["items"] for version in item["versions"] for r in version["resources"]]
        # A kind more in the cluster makes no recording old.
        return {**head, "resources": sorted(ASKED_FOR & {row["resource"] for row in rows})}
    if "items" in answer:
        return {**head, "items": [item["metadata"]["name"] for item in answer["items"]]}
    return {**head, "name": answer.get("metadata", {}).get("name"), "members": sorted(answer)}


@dataclass
class Exchange:
    """One recorded request of kubectl and what is expected of its answer."""

    command: str
    exit: int
    meanwhile: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    """As text, or base64 when the headers say protobuf."""
    status: int = 0
    answer: Any = None


async def ask(session: aiohttp.ClientSession, world: World, exchange: Exchange) -> tuple[int, Any]:
    """The status and shape of what the server of *world* answers to a recorded request."""
    is_binary = "protobuf" in exchange.headers.get("Content-Type", "")
    body = base64.b64decode(exchange.body) if is_binary else exchange.body.encode()
    headers = {**exchange.headers, "Authorization": f"Bearer {TOKEN}"}
    url = URL(world.url + exchange.path, encoded=True)
    async with session.request(exchange.method, url, headers=headers, data=body or None) as answered:
        if "watch=true" not in exchange.path:
            return answered.status, shape(await answered.text())
        if exchange.meanwhile:
            MEANWHILE[exchange.meanwhile](world)
        lines = []
        with contextlib.suppress(TimeoutError):
            while line := await asyncio.wait_for(answered.content.readline(), QUIET_S):
                lines.append(shape(line.decode()))
        return answered.status, lines


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The hand-made cluster, served."""
    made = make_world(tmp_path)
    runner = await serve_world(made)
    yield made
    await runner.cleanup()


@pytest.fixture
def replay(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Awaitable[list[tuple[int, Any]]]]:
    """Asks the recorded requests of one command of a fresh world, in order: their statuses and shapes."""

    async def ask_all(rows: list[dict[str, Any]]) -> list[tuple[int, Any]]:
        made = make_world(tmp_path)
        runner = await serve_world(made)
        async with aiohttp.ClientSession() as session:
            answers = [await ask(session, made, Exchange(**row)) for row in rows]
        await runner.cleanup()
        return answers

    return ask_all


@pytest.fixture
async def api(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the world's server with its token."""
    async with aiohttp.ClientSession(world.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield session


@pytest.fixture
async def kubectl(world: World) -> Callable[..., Awaitable[str]]:
    """Runs a kubectl of at least 1.31 against the world and returns what it printed; fails when its exit code does."""
    return await _kubectl(world.kubeconfig())


@pytest.fixture
async def kubectl_in_pods(pods: "Pods", tmp_path: Path) -> Callable[..., Awaitable[str]]:
    """The same against the control plane of `pods`."""
    return await _kubectl(write_kubeconfig(tmp_path, pods.plane.server))


async def _kubectl(kubeconfig: Path) -> Callable[..., Awaitable[str]]:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("no kubectl is installed; test_replay asks its recorded requests instead")
    shown = await _run([program, "version", "--client", "-o", "json"], kubeconfig)
    minor = int(json.loads(shown)["clientVersion"]["minor"].rstrip("+"))
    if minor < 31:
        pytest.skip(f"kubectl 1.{minor} is older than 1.31; test_replay asks its recorded requests instead")

    async def run(*words: str, fails: bool = False, typed: bytes = b"") -> str:
        return await _run([program, *words], kubeconfig, fails, typed)

    return run


async def _run(command: list[str], kubeconfig: Path, fails: bool = False, typed: bytes = b"") -> str:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(typed), KUBECTL_S_MAX)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode != 0) == fails, printed.decode()
    return printed.decode()


SERVER = """
import http.server, os
host, port = dict(pair.split("=") for pair in os.environ["ODDSOCK_PORTS"].split(","))["8080"].split(":")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"OK\\n")
print("listening", flush=True)
http.server.HTTPServer((host, int(port)), Answer).serve_forever()
"""
READY_S_MAX = 10.0


@dataclass
class Pods:
    """A control plane whose pods are real processes, and a client of it."""

    plane: ControlPlane
    session: aiohttp.ClientSession


@pytest.fixture
async def pods(tmp_path: Path) -> AsyncIterator[Pods]:
    """A control plane with a pod `payment`, which is ready behind a Service of that name."""
    images: dict[str, list[str] | Program] = {
        "server": [sys.executable, "-c", SERVER],
        "curlimages/curl": [],
        "busybox": [],
    }
    settings = ControlPlaneSettings(
        root=str(tmp_path / "root"), token=TOKEN, images=images, namespaces=("default", NAMESPACE)
    )
    async with running(settings) as plane, aiohttp.ClientSession(f"{plane.server}/as/{TOKEN}/") as session:
        for obj in yaml.safe_load_all((HERE / "pods.yaml").read_text()):
            plural = f"{obj['kind'].lower()}s"
            async with session.post(f"api/v1/namespaces/{NAMESPACE}/{plural}", json=obj) as answered:
                assert answered.status == 201, await answered.text()

        async def is_ready() -> object:
            return await plane.network.resolve_service(NAMESPACE, "payment", "http")

        assert await wait_for(is_ready, SystemClock(), READY_S_MAX, poll_s=0.02)
        yield Pods(plane, session)
