"""The infrastructure list and the containers, through official clients."""

import json
from collections.abc import Callable
from typing import Any

import datadog_api_client.v1.api.hosts_api as hosts_api
import datadog_api_client.v2.api.containers_api as containers_api
import pytest
from datadog_api_client.exceptions import ApiException

from oddsock.kit.clock import SystemClock

CLUSTER = "kube_cluster_name:sockshop-kind"


def now_s() -> int:
    return int(SystemClock().now().timestamp())


def send(server: Any, metric: str, value: float, tags: list[str], host: str, ago_s: int = 0) -> None:
    series = {"metric": metric, "points": [[now_s() - ago_s, value]], "host": host, "tags": tags}
    server.ask("POST", "/api/v1/series", json.dumps({"series": [series]}).encode())


def container(name: str, number: int = 1) -> list[str]:
    pod = f"{name}-7f74f9b69c-{number:05d}"
    return [
        CLUSTER,
        "kube_namespace:sock-shop",
        f"kube_deployment:{name}",
        f"pod_name:{pod}",
        f"container_name:{name}",
        f"container_id:{name}{number}",
        f"image_name:weaveworksdemos/{name}",
        "image_tag:0.4.3",
    ]


@pytest.fixture
def shop(start_server: Callable[..., Any]) -> Any:
    """A server that heard of two nodes and three services, one of which fell silent ten minutes ago."""
    server = start_server()
    for node in ("sockshop-control-plane", "sockshop-worker"):
        own = [CLUSTER, f"kube_node:{node}"]
        send(server, "system.cpu.idle", 90.0, own, node)
        send(server, "system.cpu.iowait", 1.5, own, node)
        send(server, "system.load.norm.1", 0.25, own, node)
        send(server, "system.disk.total", 1.0, [*own, "device:/"], node)
    for name, ago_s in {"orders": 0, "shipping": 0, "payment": 600}.items():
        send(server, "kubernetes.memory.usage", 1e6, container(name), "sockshop-worker", ago_s)
        send(server, "kubernetes.cpu.usage.total", 1e6, container(name), "sockshop-worker", ago_s)
    send(server, "system.load.1", 1.0, ["kube_cluster_name:another"], "gone", 3_000)
    return server


def test_hosts_are_listed_with_their_apps_figures_and_tags(shop: Any) -> None:
    with shop.client() as client:
        api = hosts_api.HostsApi(client)
        found = api.list_hosts(filter=CLUSTER)
        assert [host.name for host in found.host_list] == ["sockshop-control-plane", "sockshop-worker"]
        worker = found.host_list[1]
        assert worker.up and worker.apps == ["kubernetes", "system"]
        assert (worker.metrics.cpu, worker.metrics.iowait, worker.metrics.load) == (10.0, 1.5, 0.25)
        assert worker.tags_by_source["Datadog"] == ["host:sockshop-worker", CLUSTER, "kube_node:sockshop-worker"]
        assert found.total_matching == found.total_returned == 2
        totals = api.get_host_totals()
        assert (totals.total_active, totals.total_up) == (3, 2)
        down = api.list_hosts(filter="gone").host_list
        assert [host.up for host in down] == [False]
        page = api.list_hosts(sort_field="name", sort_dir="desc", start=1, count=1)
        assert [host.name for host in page.host_list] == ["sockshop-control-plane"]
        assert page.total_matching == 3


def test_a_container_runs_only_while_points_of_it_arrive(shop: Any) -> None:
    with shop.client() as client:
        api = containers_api.ContainersApi(client)
        found = api.list_containers(filter_tags="kube_namespace:sock-shop").data
        states = {one.attributes.name: str(one.attributes.state) for one in found}
        assert states == {"orders": "running", "payment": "exited", "shipping": "running"}
        (payment,) = api.list_containers(filter_tags="kube_namespace:sock-shop,kube_deployment:payment").data
        assert payment.attributes.image_name == "weaveworksdemos/payment"
        assert payment.attributes.image_tags == ["0.4.3"]
        assert payment.attributes.host == "sockshop-worker"
        assert "pod_name:payment-7f74f9b69c-00001" in payment.attributes.tags
        assert api.list_containers(filter_tags="kube_namespace:nowhere").data == []


def test_lists_have_the_shape_that_the_client_expects(reader: Any) -> None:
    hosts = hosts_api.HostsApi(reader).list_hosts(count=5)
    assert hosts.total_returned == len(hosts.host_list) <= 5
    totals = hosts_api.HostsApi(reader).get_host_totals()
    assert totals.total_up <= totals.total_active
    containers = containers_api.ContainersApi(reader).list_containers(page_size=5)
    assert len(containers.data) <= 5


def test_containers_are_grouped_sorted_and_paged(shop: Any) -> None:
    with shop.client() as client:
        api = containers_api.ContainersApi(client)
        groups = api.list_containers(group_by="kube_deployment").data
        assert [(group.id, group.attributes.count) for group in groups] == [
            ("kube_deployment:orders", 1),
            ("kube_deployment:payment", 1),
            ("kube_deployment:shipping", 1),
        ]
        names = [one.attributes.name for one in api.list_containers_with_pagination(page_size=2, sort="-name")]
        assert names == ["shipping", "payment", "orders"]
        with pytest.raises(ApiException) as refusal:
            api.list_containers(page_cursor="none of ours")
        assert refusal.value.status == 400
