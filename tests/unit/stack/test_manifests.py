"""The manifests as they are posted, and what is read from the cluster's answers."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from oddsock.kit.errors import UsageError
from oddsock.stack import manifests
from oddsock.stack.images import SERVICES, image_map
from oddsock.stack.kubeconfig import kubeconfig_text


def test_namespaces_and_services_come_before_the_workloads_that_need_them() -> None:
    kinds = [document["kind"] for document in manifests.documents()]
    assert kinds[0] == "Namespace"
    assert kinds.index("Deployment") > max(place for place, kind in enumerate(kinds) if kind == "Service")


def test_every_deployment_of_the_manifests_has_an_image_that_runs() -> None:
    assert sorted(manifests.deployment_names()) == sorted(SERVICES)
    images = {
        container["image"].rpartition(":")[0]
        for document in manifests.documents()
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
    }
    assert images <= set(image_map())


def test_manifests_that_were_read_are_not_read_again_until_they_change(tmp_path: Path) -> None:
    cache = tmp_path / "home" / "manifests.json"
    read = manifests.documents(cache=cache)
    kept = json.loads(cache.read_text())
    assert manifests.documents(cache=cache) == read == manifests.documents()
    kept["documents"] = kept["documents"][:1]
    cache.write_text(json.dumps(kept))
    assert len(manifests.documents(cache=cache)) == 1
    kept["stamp"][0][1] += 1
    for unfit in (json.dumps(kept), "[]", "{"):
        cache.write_text(unfit)
        assert manifests.documents(cache=cache) == read


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert manifests.documents(cache=tmp_path / "file" / "manifests.json") == manifests.documents()


def _variables(found: list[dict[str, Any]], name: str) -> dict[str, str]:
    return {
        document["metadata"]["name"]: row["value"]
        for document in found
        if document["kind"] == "Deployment"
        for row in document["spec"]["template"]["spec"]["containers"][0]["env"]
        if row["name"] == name
    }


def test_both_ends_of_a_webhook_get_one_secret_that_no_other_stack_has() -> None:
    found, other = manifests.documents(), manifests.documents()
    manifests.set_secrets(found)
    manifests.set_secrets(other)
    secrets = _variables(found, "WEBHOOK_SECRET")
    assert set(secrets) == {"orders", "payment", "gateway"}
    assert len(set(secrets.values())) == 1
    assert secrets["orders"].startswith("whsec_") and secrets != _variables(other, "WEBHOOK_SECRET")
    manifests.set_secrets(found)
    assert _variables(found, "WEBHOOK_SECRET") == secrets


@pytest.mark.parametrize(("address", "replicas"), [("http://gateway", 1), ("https://stripe.example", 0), ("", 0)])
def test_the_gateway_is_started_only_where_payment_asks_it(address: str, replicas: int) -> None:
    found = manifests.documents(switches={"GATEWAY": address})
    (gateway,) = [each for each in found if each["kind"] == "Deployment" and each["metadata"]["name"] == "gateway"]
    assert gateway["spec"]["replicas"] == replicas


def test_the_shops_namespace_allows_drills() -> None:
    namespace = manifests.documents()[0]
    assert namespace["metadata"]["annotations"]["oddsock.dev/drills"] == "allowed"


@pytest.mark.parametrize(
    ("status", "available"),
    [
        ({"observedGeneration": 2, "availableReplicas": 2}, True),
        ({"observedGeneration": 1, "availableReplicas": 2}, False),
        ({"observedGeneration": 2, "availableReplicas": 1}, False),
        ({}, False),
    ],
)
def test_a_deployment_is_available_when_its_newest_spec_is(status: dict[str, Any], available: bool) -> None:
    deployment = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}
    assert manifests.is_available(deployment) is available


def test_a_service_nobody_listens_for_has_no_url() -> None:
    listed: list[dict[str, Any]] = [
        {"metadata": {"name": "orders", "annotations": {"oddsock.dev/address": "127.0.0.1:20000"}}},
        {"metadata": {"name": "silent"}},
    ]
    assert manifests.service_urls(listed) == {"orders": "http://127.0.0.1:20000"}


def test_what_keeps_a_shop_from_being_available_is_its_newest_warning() -> None:
    def event(kind: str, name: str, at: str, message: str) -> dict[str, Any]:
        return {"type": kind, "involvedObject": {"name": name}, "lastTimestamp": at, "message": message}

    events = [
        event("Warning", "orders-1", "2025-10-30T08:24:02Z", "Back-off restarting."),
        event("Warning", "orders-1", "2025-10-30T08:24:01Z", "Unhealthy."),
        event("Warning", "carts-1", "2025-10-30T08:24:09Z", "Other."),
        event("Normal", "orders-1", "2025-10-30T08:24:09Z", "Pulled."),
    ]
    assert manifests.last_warning(events, ["orders"]) == " (orders-1: Back-off restarting)"
    assert manifests.last_warning(events, ["user"]) == ""


def test_a_kubeconfig_carries_the_token_for_kubectl_and_for_clients() -> None:
    config = yaml.safe_load(kubeconfig_text("http://127.0.0.1:8001", "secret", "sock-shop"))
    assert config["clusters"][0]["cluster"]["server"] == "http://127.0.0.1:8001/as/secret"
    assert config["users"][0]["user"]["token"] == "secret"
    assert config["contexts"][0]["context"]["namespace"] == "sock-shop"
    assert config["current-context"] == config["contexts"][0]["name"]


def _values(documents: list[dict[str, Any]], name: str) -> dict[str, str]:
    return {
        document["metadata"]["name"]: row["value"]
        for document in documents
        if document["kind"] == "Deployment"
        for row in document["spec"]["template"]["spec"]["containers"][0].get("env", [])
        if row["name"] == name
    }


def test_a_switch_is_set_in_every_deployment_that_knows_it_and_nowhere_else() -> None:
    documents = manifests.documents(switches={"DIALECT": "weave", "ORDER_PROFILE": "upstream"})
    assert _values(documents, "DIALECT") == dict.fromkeys(("front-end", "orders", "user"), "weave")
    assert _values(documents, "ORDER_PROFILE") == {"orders": "upstream"}
    assert _values(documents, "SHOWN") == {"front-end": "label"}
    assert _values(manifests.documents(), "DIALECT") == dict.fromkeys(("front-end", "orders", "user"), "power")


def test_a_switch_that_no_deployment_knows_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has a switch DIALEKT\. There are .*DIALECT"):
        manifests.documents(switches={"DIALEKT": "weave"})
