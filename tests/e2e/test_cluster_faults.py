"""Fault objects through the API of a control plane: pods freeze and die, a Service goes wrong and right again."""

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from oddsock.cluster.control_plane import ControlPlane, running
from oddsock.cluster.settings import ControlPlaneSettings
from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.e2e
TOKEN = "e2e-token"
WAIT_S = 20.0
CLOCK = SystemClock()
FAULTS = "/apis/oddsock.dev/v1/namespaces/default/faults"
WEB = """
import http.server, os
host, _, port = os.environ["ODDSOCK_PORTS"].partition("8080=")[2].partition(",")[0].rpartition(":")
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = str(os.getpid()).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
http.server.HTTPServer((host, int(port)), Page).serve_forever()
"""


class Shop:
    """A control plane with one Service `web`, and clients of both."""

    def __init__(self, plane: ControlPlane, session: aiohttp.ClientSession) -> None:
        self.plane = plane
        self.session = session

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and body of one request to the API."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.request(method, self.plane.server + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def make(self, kind: str, version: str, path: str, spec: Any, name: str = "web") -> None:
        """Create an object; AssertionError when it is refused."""
        status, told = await self.call(
            "POST", path, {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        )
        assert status == 201, told

    async def fault(self, name: str, **spec: Any) -> None:
        """Create a fault."""
        await self.make("Fault", "oddsock.dev/v1", FAULTS, spec, name)

    async def heal(self, name: str) -> None:
        """Delete a fault."""
        assert (await self.call("DELETE", f"{FAULTS}/{name}"))[0] == 200

    async def status(self, name: str) -> Any:
        """What the status of a fault says."""
        return (await self.call("GET", f"{FAULTS}/{name}"))[1].get("status", {})

    async def ask(self, timeout_s: float = 2.0) -> str:
        """What the Service answers: "pid N", "status N", or how it failed."""
        _, service = await self.call("GET", "/api/v1/namespaces/default/services/web")
        url = f"http://{service['metadata']['annotations']['oddsock.dev/address']}/"
        try:
            async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=timeout_s)) as answer:
                return f"pid {await answer.text()}" if answer.status == 200 else f"status {answer.status}"
        except TimeoutError:
            return "no answer"
        except aiohttp.ClientError as cause:
            return type(cause).__name__

    async def becomes(self, text: str, timeout_s: float = 2.0) -> bool:
        """Whether the Service soon answers so; "a pid" for any."""

        async def is_so() -> bool:
            said = await self.ask(timeout_s)
            return said == text or (text == "a pid" and said.startswith("pid "))

        return bool(await wait_for(is_so, CLOCK, WAIT_S, 0.05))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A control plane in this process whose Service answers."""
    images = {"web": [sys.executable, "-S", "-c", WEB]}
    settings = ControlPlaneSettings(root=str(tmp_path), token=TOKEN, images=dict(images), speed=20.0)
    async with contextlib.AsyncExitStack() as closing:
        plane = await closing.enter_async_context(running(settings))
        session = await closing.enter_async_context(aiohttp.ClientSession())
        made = Shop(plane, session)
        container = {"name": "web", "image": "web", "ports": [{"containerPort": 8080}]}
        labels = {"name": "web"}
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        await made.make("Service", "v1", "/api/v1/namespaces/default/services", {"selector": labels, "ports": ports})
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        await made.make("Deployment", "apps/v1", "/apis/apps/v1/namespaces/default/deployments", spec)
        assert await made.becomes("a pid")
        yield made


async def test_a_frozen_pod_takes_connections_and_answers_when_the_fault_is_deleted(shop: Shop) -> None:
    await shop.fault("hang", type="freeze", target={"deployment": "web"})
    assert await shop.becomes("no answer", 0.3)
    assert await shop.status("hang") == {"state": "Active", "hits": 1, "message": ""}
    await shop.heal("hang")
    assert await shop.becomes("a pid")


async def test_a_killed_container_is_started_again_in_its_pod(shop: Shop) -> None:
    before = await shop.ask()
    await shop.fault("crash", type="kill", target={"deployment": "web"})

    async def is_another() -> bool:
        said = await shop.ask()
        return said.startswith("pid ") and said != before

    assert await wait_for(is_another, CLOCK, WAIT_S, 0.05)
    assert (await shop.status("crash"))["state"] == "Done"
    _, pods = await shop.call("GET", "/api/v1/namespaces/default/pods")
    assert [row["status"]["containerStatuses"][0]["restartCount"] for row in pods["items"]] == [1]


async def test_an_http_error_counts_its_hits_and_ends_with_its_object(shop: Shop) -> None:
    await shop.fault("broken", type="http-error", target={"service": "web"}, status=502)
    assert await shop.becomes("status 502")

    async def has_hit() -> bool:
        return bool((await shop.status("broken"))["hits"])

    assert await wait_for(has_hit, CLOCK, WAIT_S, 0.05)
    await shop.heal("broken")
    assert await shop.becomes("a pid")


async def test_a_black_hole_lets_callers_time_out_and_ends_with_its_object(shop: Shop) -> None:
    await shop.fault("hole", type="black-hole", target={"service": "web"})
    assert await shop.becomes("no answer", 0.3)
    await shop.heal("hole")
    assert await shop.becomes("a pid")


async def test_a_wrong_fault_is_refused_with_its_field(shop: Shop) -> None:
    spec = {"type": "reset", "target": {"service": "web"}, "percentage": 0}
    body = {"apiVersion": "oddsock.dev/v1", "kind": "Fault", "metadata": {"name": "x"}, "spec": spec}
    status, told = await shop.call("POST", FAULTS, body)
    assert (status, told["details"]["causes"][0]["field"]) == (422, "spec.percentage")


async def test_bytes_are_counted_for_the_pod_that_answered(shop: Shop) -> None:
    _, pods = await shop.call("GET", "/api/v1/namespaces/default/pods")
    uid = pods["items"][0]["metadata"]["uid"]
    await shop.ask()

    async def is_counted() -> bool:
        traffic = shop.plane.network.traffic(uid)
        return traffic.received > 0 and traffic.sent > 0

    assert await wait_for(is_counted, CLOCK, WAIT_S, 0.05)
