"""Our API server over a few hand-made objects, and the client under test connected to it by a kubeconfig."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.cluster import defaults
from oddsock.cluster.api import app
from oddsock.cluster.store import Store
from oddsock.kit import http
from oddsock.kit.clock import ManualClock

TOKEN = "a-token-of-the-test"
NAMESPACE = "sock-shop"


def _objects() -> list[dict[str, Any]]:
    def named(kind: str, api: str, name: str, **more: Any) -> dict[str, Any]:
        meta = {"name": name, "namespace": NAMESPACE, "labels": {"name": name}, **more.pop("metadata", {})}
        return {"apiVersion": api, "kind": kind, "metadata": meta, **more}

    container = {
        "name": "payment",
        "image": "oddsock/sock-shop-payment:1",
        "env": [
            {"name": "DECLINE_LIMIT", "value": "105.00"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
    }
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "payment-5f6b", "uid": "u", "controller": True}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "annotations": {"oddsock.dev/drills": "allowed"}},
        },
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "sockshop-worker"},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {
                    key: "v1.32.0" if key == "kubeletVersion" else ""
                    for key in (
                        "architecture",
                        "bootID",
                        "containerRuntimeVersion",
                        "kernelVersion",
                        "kubeProxyVersion",
                        "kubeletVersion",
                        "machineID",
                        "operatingSystem",
                        "osImage",
                        "systemUUID",
                    )
                },
            },
        },
        named(
            "Deployment",
            "apps/v1",
            "payment",
            spec={
                "replicas": 2,
                "selector": {"matchLabels": {"name": "payment"}},
                "template": {"metadata": {"labels": {"name": "payment"}}, "spec": {"containers": [container]}},
            },
            status={"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2},
        ),
        named(
            "Pod",
            "v1",
            "payment-5f6b-bbbbb",
            metadata={"labels": {"name": "payment"}, "ownerReferences": [owner]},
            spec={"nodeName": "sockshop-worker", "containers": [{"name": "payment", "image": "i"}]},
            status={
                "phase": "Running",
                "podIP": "10.244.1.3",
                "startTime": "2025-10-30T08:20:51Z",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "payment",
                        "image": "i",
                        "imageID": "",
                        "ready": True,
                        "restartCount": 3,
                        "state": {"running": {"startedAt": "2025-10-30T08:20:52Z"}},
                    }
                ],
            },
        ),
        named(
            "Service",
            "v1",
            "mailbox",
            metadata={"annotations": {"oddsock.dev/address": "127.0.0.1:1", "oddsock.dev/address.smtp": "127.0.0.1:2"}},
            spec={"ports": [{"name": "http", "port": 80}, {"name": "smtp", "port": 25}]},
        ),
        named("Service", "v1", "payment", spec={"ports": [{"port": 80, "targetPort": 8080}]}),
        named(
            "EndpointSlice",
            "discovery.k8s.io/v1",
            "payment-x",
            metadata={"labels": {"kubernetes.io/service-name": "payment"}},
            addressType="IPv4",
            ports=[{"port": 8080}],
            endpoints=[
                {"addresses": ["10.244.1.3"], "conditions": {"ready": True}},
                {"addresses": ["10.244.1.4"], "conditions": {"ready": False}},
            ],
        ),
        named(
            "Event",
            "v1",
            "payment.1",
            involvedObject={"kind": "Deployment", "name": "payment"},
            reason="ScalingReplicaSet",
            message="Scaled up replica set payment-5f6b from 0 to 2",
            type="Normal",
            count=1,
            source={"component": "deployment-controller"},
            firstTimestamp="2025-10-30T08:20:50Z",
            lastTimestamp="2025-10-30T08:20:50Z",
        ),
    ]


@dataclass
class World:
    """A served store, its clock, and where its kubeconfig lies."""

    store: Store
    clock: ManualClock
    folder: Path
    url: str = ""
    payment: tuple[str, int] | None = None

    def log_path(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The log of a container, if the test wrote one."""
        path = self.folder / f"{pod}{'.previous' if previous else ''}.log"
        return path if path.exists() else None

    async def resolve(self, _namespace: str, service: str, port: str) -> tuple[str, int] | None:
        """Where payment really listens, if the test said so."""
        return self.payment if (service, port) == ("payment", "80") else None

    def kubeconfig(self, token: str = TOKEN, server: str = "") -> Path:
        """A kubeconfig of one context, `test`, for this world."""
        path = self.folder / "kubeconfig"
        address = (server or self.url).replace("://", f"://oddsock:{token}@")
        document = {
            "clusters": [{"name": "c", "cluster": {"server": address}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(document))
        return path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The API server over the hand-made objects; nothing in it happens by itself."""
    clock = ManualClock()
    made = World(Store(clock), clock, tmp_path)
    for obj in _objects():
        defaults.fill(obj, made.store)
        made.store.create(obj)
    served = app.build(made.store, token=TOKEN, pod_logs=made, resolve_service=made.resolve, clock=clock)
    runner = await http.serve(served, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def connect(world: World) -> AsyncIterator[Callable[..., Awaitable[Cluster]]]:
    """Opens clients of the world; all are closed at the end."""
    opened: list[Cluster] = []

    async def open_one(token: str = TOKEN, server: str = "", context: str | None = None) -> Cluster:
        opened.append(await Cluster.connect(world.kubeconfig(token, server), context, NAMESPACE, world.clock))
        return opened[-1]

    yield open_one
    for cluster in opened:
        await cluster.close()


@pytest.fixture
async def cluster(connect: Callable[..., Awaitable[Cluster]]) -> Cluster:
    """The client under test."""
    return await connect()


@pytest.fixture
async def payment_server(world: World) -> AsyncIterator[list[web.Request]]:
    """A payment service that says OK; the requests that reached it."""
    seen: list[web.Request] = []

    async def health(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"health": [{"service": "payment", "status": "OK", "time": "now"}]})

    served = web.Application()
    served.router.add_get("/health", health)
    runner = await http.serve(served, "127.0.0.1", 0)
    world.payment = ("127.0.0.1", runner.addresses[0][1])
    yield seen
    await runner.cleanup()
