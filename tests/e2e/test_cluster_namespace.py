"""Mode ns: names and cluster IPs are real for any program inside, host addresses answer outside, nothing is left."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from oddsock.cluster.namespace_network_entry import probe
from oddsock.kit.clock import SystemClock, wait_for
from oddsock.kit.processes import LIFELINE

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(probe()), reason=f"no network namespace here: {probe()}")]
TOKEN = "e2e-token"
WAIT_S = 20.0
CLOCK = SystemClock()
IP = "10.96.100.12"
WEB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = os.environ["POD_IP"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
http.server.HTTPServer((os.environ["POD_IP"], 8080), Page).serve_forever()
"""
CALLER = """
import socket, time, urllib.request
while True:
    try:
        said = urllib.request.urlopen("http://payment/", timeout=2).read().decode()
    except OSError as cause:
        said = str(cause)
    found = socket.getaddrinfo("payment.default.svc.cluster.local", 80, socket.AF_INET, socket.SOCK_STREAM)
    print(found[0][4][0], said, flush=True)
    time.sleep(0.05)
"""


class Inside:
    """A control plane in a namespace, seen from outside."""

    def __init__(self, process: "subprocess.Popen[bytes]", server: str, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.server = server
        self.session = session

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the API; AssertionError when it is no success."""
        patch = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        headers = {"Authorization": f"Bearer {TOKEN}", **patch}
        async with self.session.request(method, self.server + path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return json.loads(text) if answer.content_type == "application/json" else text

    async def deploy(self, name: str) -> None:
        """One pod of image *name*."""
        labels = {"name": name}
        container = {"name": name, "image": name, "ports": [{"containerPort": 8080}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        await self.call("POST", "/apis/apps/v1/namespaces/default/deployments", body)

    async def scale(self, replicas: int) -> None:
        """Ask for *replicas* of payment."""
        path = "/apis/apps/v1/namespaces/default/deployments/payment/scale"
        await self.call("PATCH", path, {"spec": {"replicas": replicas}})

    async def outside(self) -> tuple[str, int]:
        """The host address of the Service."""
        service = await self.call("GET", "/api/v1/namespaces/default/services/payment")
        host, _, port = service["metadata"]["annotations"]["oddsock.dev/address"].rpartition(":")
        return host, int(port)

    async def caller_says(self, text: str) -> bool:
        """Whether the pod inside that calls by name comes to log *text* as its last line."""
        pods = await self.call("GET", "/api/v1/namespaces/default/pods?labelSelector=name%3Dcaller")
        name = pods["items"][0]["metadata"]["name"]

        async def is_said() -> bool:
            return text in str(await self.call("GET", f"/api/v1/namespaces/default/pods/{name}/log?tailLines=1"))

        return bool(await wait_for(is_said, CLOCK, WAIT_S, 0.05))


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    """A control plane with Service payment at its cluster IP, its pod, and a pod that calls it by name."""
    ready, tell = os.pipe()
    images = {"payment": [sys.executable, "-S", "-c", WEB], "caller": [sys.executable, "-c", CALLER]}
    settings = {"root": str(tmp_path), "token": TOKEN, "images": images, "speed": 20.0, "network": "ns"}
    (tmp_path / "settings.json").write_text(json.dumps({**settings, "ready_fd": tell}))
    process = subprocess.Popen(
        [sys.executable, "-m", "oddsock.cluster", str(tmp_path / "settings.json")],
        pass_fds=[tell],
        env={name: value for name, value in os.environ.items() if name != LIFELINE},
        start_new_session=True,
    )
    os.close(tell)
    with os.fdopen(ready) as told:
        server = (await asyncio.to_thread(told.readline)).strip()
    assert server, "the control plane did not start"
    async with aiohttp.ClientSession() as session:
        made = Inside(process, server, session)
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        spec = {"clusterIP": IP, "selector": {"name": "payment"}, "ports": ports}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "payment"}, "spec": spec}
        await made.call("POST", "/api/v1/namespaces/default/services", body)
        await made.deploy("payment")
        await made.deploy("caller")
        yield made
    process.terminate()
    process.wait(WAIT_S)


async def test_a_service_is_called_by_name_inside_and_at_its_host_address_outside(inside: Inside) -> None:
    assert await inside.caller_says(f"{IP} 10.244.")
    host, port = await inside.outside()
    async with inside.session.get(f"http://{host}:{port}/") as answer:
        assert (await answer.text()).startswith("10.244.1.")


async def test_without_pods_both_addresses_refuse_and_come_back_the_same(inside: Inside) -> None:
    assert await inside.caller_says(f"{IP} 10.244.")
    before = await inside.outside()
    await inside.scale(0)
    assert await inside.caller_says(f"{IP} <urlopen error [Errno 111] Connection refused>")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(before, timeout=1.0)
    await inside.scale(1)
    assert await inside.caller_says(f"{IP} 10.244.")
    assert await inside.outside() == before


async def test_the_node_says_which_mode_runs(inside: Inside) -> None:
    nodes = await inside.call("GET", "/api/v1/nodes")
    assert {node["metadata"]["annotations"]["oddsock.dev/network-mode"] for node in nodes["items"]} == {"ns"}


async def test_the_machine_has_its_own_names_file_again(inside: Inside) -> None:
    assert await inside.caller_says(f"{IP} 10.244.")
    assert IP not in Path("/etc/hosts").read_text()


async def test_a_control_plane_that_is_killed_leaves_no_process(inside: Inside) -> None:
    assert await inside.caller_says(f"{IP} 10.244.")
    left = psutil.Process(inside.process.pid).children(recursive=True)
    # The proxy, the way out, the watchman and two pods, at the least.
    assert len(left) >= 5
    os.kill(inside.process.pid, signal.SIGKILL)

    async def all_gone() -> bool:
        return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in left)

    assert await wait_for(all_gone, CLOCK, WAIT_S, 0.05)
