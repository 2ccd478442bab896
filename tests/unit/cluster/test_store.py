"""The store: versions, generations, deletes, subscribers, watches."""

import pytest

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import AlreadyExists, Conflict, Expired, NotFound, Store
from oddsock.kit.clock import ManualClock


@pytest.fixture
def store() -> Store:
    """An empty store on a clock that stands still."""
    return Store(ManualClock())


def deployment(name: str = "payment", replicas: int = 2) -> Obj:
    """A deployment as far as the store cares."""
    meta = {"name": name, "namespace": "sock-shop", "labels": {"name": name}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": replicas}}


def pod(name: str = "payment-1", node: str = "worker") -> Obj:
    """A pod, bound to *node* if that is not empty."""
    meta = {"name": name, "namespace": "sock-shop", "labels": {"name": "payment"}}
    spec = {"nodeName": node} if node else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_a_new_object_gets_what_only_the_server_can_give(store: Store) -> None:
    meta = store.create(deployment())["metadata"]
    assert (meta["resourceVersion"], meta["generation"]) == ("1", 1)
    assert meta["creationTimestamp"] == "2025-10-30T08:24:00Z"
    assert len(meta["uid"]) == 36


def test_a_generated_name_begins_as_asked(store: Store) -> None:
    made = pod()
    made["metadata"] = {"generateName": "payment-", "namespace": "sock-shop"}
    names = {store.create(made)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("payment-") and len(name) == 13 for name in names)


def test_a_name_is_taken_once_in_each_namespace(store: Store) -> None:
    store.create(deployment())
    with pytest.raises(AlreadyExists, match=r'deployments\.apps "payment" already exists'):
        store.create(deployment())
    elsewhere = deployment()
    elsewhere["metadata"]["namespace"] = "other"
    store.create(elsewhere)
    assert len(store.list("Deployment")) == 2
    assert len(store.list("Deployment", "other")) == 1


def test_what_comes_out_is_a_copy(store: Store) -> None:
    given = deployment()
    store.create(given)["spec"]["replicas"] = 7
    given["spec"]["replicas"] = 8
    store.get("Deployment", "sock-shop", "payment")["spec"]["replicas"] = 9
    store.list("Deployment")[0]["spec"]["replicas"] = 10
    assert store.get("Deployment", "sock-shop", "payment")["spec"]["replicas"] == 2


def test_only_a_changed_spec_makes_a_generation(store: Store) -> None:
    made = store.create(deployment())
    made["metadata"]["labels"]["a"] = "b"
    assert store.update(made)["metadata"]["generation"] == 1
    made["spec"]["replicas"] = 0
    assert store.update(made)["metadata"]["generation"] == 2


def test_an_update_that_changes_nothing_makes_no_version(store: Store) -> None:
    made = store.create(deployment())
    seen: list[str] = []
    store.subscribe("Deployment", lambda type_, _obj: seen.append(type_))
    assert store.update(made) == made
    assert (store.version, seen) == (1, [])


def test_an_update_leaves_the_status_and_the_status_leaves_the_rest(store: Store) -> None:
    made = store.create(deployment())
    store.update_status("Deployment", "sock-shop", "payment", {"readyReplicas": 2})
    made["spec"]["replicas"] = 1
    made["status"] = {"readyReplicas": 99}
    updated = store.update(made)
    assert (updated["status"], updated["spec"]) == ({"readyReplicas": 2}, {"replicas": 1})


def test_an_update_of_an_old_version_is_a_conflict(store: Store) -> None:
    made = store.create(deployment())
    made["spec"]["replicas"] = 1
    store.update(made, expect_version=made["metadata"]["resourceVersion"])
    made["spec"]["replicas"] = 3
    with pytest.raises(Conflict, match="has been modified"):
        store.update(made, expect_version=made["metadata"]["resourceVersion"])
    assert store.update(made)["spec"]["replicas"] == 3


def test_uid_and_time_of_creation_cannot_be_changed(store: Store) -> None:
    made = store.create(deployment())
    changed = {**made, "metadata": {**made["metadata"], "uid": "x", "creationTimestamp": "y", "labels": {}}}
    kept = store.update(changed)["metadata"]
    assert (kept["uid"], kept["creationTimestamp"]) == (made["metadata"]["uid"], made["metadata"]["creationTimestamp"])


def test_a_pod_on_a_node_waits_for_its_kubelet(store: Store) -> None:
    store.create(pod())
    marked = store.delete("Pod", "sock-shop", "payment-1")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    shorter = store.delete("Pod", "sock-shop", "payment-1", grace_s=0)
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 0
    version = store.version
    store.delete("Pod", "sock-shop", "payment-1", grace_s=30)
    assert store.version == version
    store.remove("Pod", "sock-shop", "payment-1")
    with pytest.raises(NotFound, match='pods "payment-1" not found'):
        store.get("Pod", "sock-shop", "payment-1")


def test_a_pod_without_a_node_and_a_deployment_are_gone_at_once(store: Store) -> None:
    store.create(pod(node=""))
    store.create(deployment())
    store.delete("Pod", "sock-shop", "payment-1")
    store.delete("Deployment", "sock-shop", "payment")
    assert store.list("Pod") + store.list("Deployment") == []


def test_a_namespace_is_only_marked(store: Store) -> None:
    store.create({"kind": "Namespace", "metadata": {"name": "sock-shop"}, "status": {"phase": "Active"}})
    assert store.delete("Namespace", "", "sock-shop")["status"]["phase"] == "Terminating"
    store.remove("Namespace", "", "sock-shop")
    assert store.find("Namespace", "", "sock-shop") is None


def test_subscribers_hear_every_change_in_order_even_of_changes_they_make(store: Store) -> None:
    heard: list[str] = []

    def react(type_: str, obj: Obj) -> None:
        if type_ == "ADDED" and obj["kind"] == "Deployment":
            store.create(pod())

    store.subscribe(None, react)
    end = store.subscribe(None, lambda type_, obj: heard.append(f"{type_} {obj['kind']}"))
    store.create(deployment())
    store.remove("Pod", "sock-shop", "payment-1")
    end()
    store.remove("Deployment", "sock-shop", "payment")
    assert heard == ["ADDED Deployment", "ADDED Pod", "DELETED Pod"]


def test_lists_are_selected_by_labels_and_fields(store: Store) -> None:
    store.create(pod("a"))
    store.create(pod("b", node=""))
    assert [p["metadata"]["name"] for p in store.list("Pod", labels={"name": "payment"})] == ["a", "b"]
    assert [p["metadata"]["name"] for p in store.list("Pod", fields="spec.nodeName=worker")] == ["a"]
    assert store.list("Pod", labels="name!=payment") == []


async def test_a_watch_without_a_version_begins_with_what_is_there(store: Store) -> None:
    store.create(pod("a"))
    watch = store.watch("Pod", "sock-shop")
    store.create(pod("b"))
    told = [await watch.next(1), await watch.next(1)]
    assert [(row[0], row[1]["metadata"]["name"]) for row in told if row] == [("ADDED", "a"), ("ADDED", "b")]
    watch.close()


async def test_a_watch_from_a_version_misses_nothing_and_repeats_nothing(store: Store) -> None:
    store.create(pod("a"))
    since = store.version
    store.create(pod("b"))
    store.create(deployment())
    watch = store.watch("Pod", since_version=since)
    store.delete("Pod", "sock-shop", "a")
    told = [await watch.next(1), await watch.next(1)]
    assert [(row[0], row[1]["metadata"]["name"]) for row in told if row] == [("ADDED", "b"), ("MODIFIED", "a")]
    assert watch.take() is None


async def test_what_leaves_a_selection_is_deleted_from_its_watch(store: Store) -> None:
    made = store.create(pod())
    watch = store.watch("Pod", since_version=store.version, labels="name=payment")
    made["metadata"]["labels"] = {"name": "other"}
    store.update(made)
    store.remove("Pod", "sock-shop", "payment-1")
    told = watch.take()
    assert told is not None
    assert (told[0], watch.take()) == ("DELETED", None)


def test_a_watch_from_before_the_log_is_expired() -> None:
    store = Store(ManualClock(), changes_max=3)
    for number in range(5):
        store.create(pod(f"p{number}"))
    with pytest.raises(Expired, match="too old resource version"):
        store.watch("Pod", since_version=1)
    watch = store.watch("Pod", since_version=2)
    told = [row[1]["metadata"]["name"] for row in iter(watch.take, None)]
    assert told == ["p2", "p3", "p4"]


async def test_a_watcher_that_falls_behind_is_cut_off(store: Store) -> None:
    watch = store.watch("Pod", since_version=0)
    for number in range(5000):
        store.create(pod(f"p{number}"))
    while watch.take() is not None:
        pass
    with pytest.raises(Expired, match="fell behind"):
        await watch.next(1)


def test_a_rehearsal_changes_nothing_outside_itself(store: Store) -> None:
    store.create(deployment())
    rehearsal = store.rehearsal()
    rehearsal.delete("Deployment", "sock-shop", "payment")
    rehearsal.create(pod())
    assert (store.version, len(store.list("Deployment")), store.list("Pod")) == (1, 1, [])
