"""Who wrote which field last."""

from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store
from oddsock.kit.clock import ManualClock


def made() -> tuple[Store, Obj]:
    """A store with one deployment written by kubectl."""
    container = {"name": "payment", "image": "i:1", "env": [{"name": "A", "value": "1"}], "args": ["x"]}
    spec = {"replicas": 2, "template": {"spec": {"containers": [container]}}}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}
    store = Store(ManualClock())
    return store, store.create(obj, manager="kubectl")


def entries(obj: Obj) -> dict[str, Any]:
    """The field sets by manager."""
    return {row["manager"]: row["fieldsV1"] for row in obj["metadata"]["managedFields"]}


def test_the_creator_owns_every_field_and_elements_go_by_their_key() -> None:
    _, obj = made()
    spec = entries(obj)["kubectl"]["f:spec"]
    assert spec["f:replicas"] == {}
    container = spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"payment"}']
    assert container["f:args"] == {}
    assert container["f:env"] == {'k:{"name":"A"}': {"f:name": {}, "f:value": {}}}


def test_a_changed_field_goes_to_who_changed_it() -> None:
    store, obj = made()
    obj["spec"]["replicas"] = 0
    changed = entries(store.update(obj, manager="oddsock", subresource="scale"))
    assert changed["oddsock"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in changed["kubectl"]["f:spec"]


def test_a_removed_field_belongs_to_nobody() -> None:
    store, obj = made()
    container = obj["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "B", "value": "2"}]
    changed = entries(store.update(obj, manager="oddsock"))
    assert 'k:{"name":"A"}' not in str(changed)
    env = changed["oddsock"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"payment"}']["f:env"]
    assert list(env) == ['k:{"name":"B"}']


def test_a_manager_that_owns_nothing_any_more_is_forgotten() -> None:
    store, obj = made()
    obj["metadata"]["labels"] = {"a": "1"}
    obj = store.update(obj, manager="first")
    obj["metadata"]["labels"] = {"a": "2"}
    assert set(entries(store.update(obj, manager="second"))) == {"kubectl", "second"}


def test_a_write_without_a_name_is_not_recorded() -> None:
    store, obj = made()
    obj["spec"]["replicas"] = 0
    assert set(entries(store.update(obj))) == {"kubectl"}
