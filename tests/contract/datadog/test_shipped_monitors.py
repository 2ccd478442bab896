"""The monitors of data/monitors: taken as they are by the official client, and firing when an incident comes."""

import asyncio
import json
from importlib import resources
from typing import Any

import pytest
from datadog_api_client import Configuration
from datadog_api_client.model_utils import validate_and_convert_types
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.model.monitor import Monitor

from oddsock.kit.clock import SystemClock, wait_for

FIRED_S_MAX = 45.0
PAYMENT = ["kube_namespace:sock-shop", "kube_deployment:payment", "kube_service:payment"]


def _shipped() -> dict[str, dict[str, Any]]:
    folder = resources.files("oddsock") / "data" / "monitors"
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(_shipped()))
def test_a_shipped_monitor_is_made_by_the_official_client_and_keeps_what_it_says(server: Any, name: str) -> None:
    given = _shipped()[name]
    typed = validate_and_convert_types(given, (Monitor,), ["shipped"], True, True, Configuration())
    with server.client() as client:
        api = MonitorsApi(client)
        api.validate_monitor(body=typed)
        made = api.create_monitor(body=typed)
        assert (made.name, made.query, made.message) == (given["name"], given["query"], given["message"])
        whole = server.ask("GET", f"/api/v1/monitor/{made.id}")
        kept = {key: whole["options"][key] for key in given["options"] if key != "thresholds"}
        assert kept == {key: value for key, value in given["options"].items() if key != "thresholds"}
        assert given["options"]["thresholds"].items() <= whole["options"]["thresholds"].items()
        api.delete_monitor(monitor_id=made.id)


def _count(metric: str, value: float) -> dict[str, Any]:
    return {"metric": metric, "type": "count", "interval": 1, "points": [[_now_s(), value]], "tags": PAYMENT[:1]}


def _now_s() -> int:
    return round(SystemClock().now().timestamp())


def _send(server: Any, available: int, check: int, paid: int, failed: int) -> None:
    """What the agent ships in one round."""

    def post(path: str, body: Any) -> None:
        server.ask("POST", path, json.dumps(body).encode())

    replicas = {"metric": "kubernetes_state.deployment.replicas_available", "type": "gauge", "tags": PAYMENT}
    counts = {"shop.orders.created": paid + failed, "shop.orders.paid": paid, "shop.orders.failed": failed}
    series = [{**replicas, "points": [[_now_s(), available]]}, *(_count(name, value) for name, value in counts.items())]
    post("/api/v1/series", {"series": series})
    post("/api/v1/check_run", {"check": "payment.can_connect", "status": check, "host_name": "node", "tags": PAYMENT})
    if failed:
        line = {
            "service": "sock-shop-orders",
            "ddtags": PAYMENT[0],
            "message": "status updated to PAYMENT_FAILED",
        }
        post("/api/v2/logs", [line] * failed)


async def test_every_shipped_monitor_fires_in_an_incident_and_recovers_after_it(start_server: Any) -> None:
    server = await asyncio.to_thread(start_server, speed=100.0)
    for document in _shipped().values():
        await asyncio.to_thread(server.ask, "POST", "/api/v1/monitor", json.dumps(document).encode())

    def states() -> set[str]:
        return {one["overall_state"] for one in server.ask("GET", "/api/v1/monitor")}

    async def reach(wanted: set[str], **sent: int) -> None:
        async def look() -> bool:
            await asyncio.to_thread(_send, server, **sent)
            return await asyncio.to_thread(states) == wanted

        found = await wait_for(look, SystemClock(), FIRED_S_MAX, poll_s=0.3)
        assert found, await asyncio.to_thread(server.ask, "GET", "/api/v1/monitor?group_states=all")

    await reach({"OK"}, available=1, check=0, paid=3, failed=0)
    await reach({"Alert"}, available=0, check=2, paid=0, failed=3)
    await reach({"OK"}, available=1, check=0, paid=3, failed=0)
