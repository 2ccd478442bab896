"""The objects a control plane starts with: made as the API makes them, and told of when all have arrived."""

from typing import Any

import pytest

from oddsock.cluster.defaults import fill
from oddsock.cluster.first_objects import Arrival, Awaited, create_all
from oddsock.cluster.store import Store
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun

SHOP = {"namespace": "shop", "name": "orders"}


def a_store() -> Store:
    """A store with the namespaces `default` and `shop`."""
    store = Store(ManualClock())
    for name in ("default", "shop"):
        namespace: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        fill(namespace, store)
        store.create(namespace)
    return store


def orders() -> list[dict[str, Any]]:
    """A Deployment and its Service, as a manifest has them."""
    labels = {"name": "orders"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "orders", "image": "orders"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 80}]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": dict(SHOP), "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": dict(SHOP), "spec": spec},
    ]


def make_available(store: Store, count: int) -> None:
    """Let *count* replicas of orders be available."""
    store.update_status("Deployment", "shop", "orders", {"observedGeneration": 1, "availableReplicas": count})


def give_address(store: Store) -> None:
    """Let the Service of orders be listened on."""
    service = store.get("Service", "shop", "orders")
    service["metadata"]["annotations"] = {"oddsock.dev/address": "127.0.0.1:20000"}
    store.update(service)


def test_they_are_completed_and_signed_as_objects_of_the_api_are() -> None:
    store = a_store()
    create_all(store, orders())
    service = store.get("Service", "shop", "orders")
    assert service["spec"]["clusterIP"].startswith("10.96.")
    assert service["metadata"]["managedFields"][0]["manager"] == "oddsock"
    assert store.get("Deployment", "shop", "orders")["spec"]["progressDeadlineSeconds"] == 600


def test_what_is_there_already_stays_as_it_is() -> None:
    store = a_store()
    create_all(store, orders())
    before = store.version
    create_all(store, orders())
    assert store.version == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "Sock"}, "The cluster knows no Sock of v1."),
        ({"apiVersion": "v2"}, "The cluster knows no Service of v2."),
        ({"metadata": {"namespace": "nowhere", "name": "orders"}}, "Service/orders was refused with 404: "),
    ],
)
def test_one_that_is_refused_ends_the_start(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CannotRun) as told:
        create_all(a_store(), [{**orders()[0], **change}])
    assert told.value.sentence.startswith(sentence)


def test_they_have_arrived_when_all_are_there_at_the_same_time() -> None:
    store, told = a_store(), list[Arrival]()
    create_all(store, orders())
    Awaited(store, orders(), "ports", told.append)
    make_available(store, 2)
    make_available(store, 1)
    give_address(store)
    assert told == []
    make_available(store, 2)
    assert told == [Arrival("ports", {"orders": "127.0.0.1:20000"})]
    make_available(store, 1)
    make_available(store, 2)
    assert len(told) == 1


def test_nothing_to_wait_for_has_arrived_at_once() -> None:
    told = list[Arrival]()
    Awaited(a_store(), [], "ns", told.append)
    assert told == [Arrival("ns", {})]
