"""What is filled in, and what is refused."""

from typing import Any

import pytest

from oddsock.cluster import defaults, validation
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest, Invalid
from oddsock.cluster.store import Store
from oddsock.kit.clock import ManualClock


def filled(obj: Obj, store: Store | None = None) -> Obj:
    """*obj* with its defaults."""
    defaults.fill(obj, store or Store(ManualClock()))
    return obj


def service(name: str, **spec: Any) -> Obj:
    """A service of one port."""
    meta = {"name": name, "namespace": "n"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 80}], **spec}}


def deployment(**spec: Any) -> Obj:
    """A deployment of one container."""
    container = {
        "name": "c",
        "image": "i:1",
        "readinessProbe": {"httpGet": {"port": 80}},
        "ports": [{"containerPort": 80}],
    }
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    body = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}, "spec": body}


def test_a_deployment_is_completed_down_to_its_probes() -> None:
    spec = filled(deployment())["spec"]
    assert (spec["replicas"], spec["strategy"]["type"], spec["strategy"]["rollingUpdate"]["maxSurge"]) == (
        1,
        "RollingUpdate",
        "25%",
    )
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Always", 30)
    probe = pod["containers"][0]["readinessProbe"]
    assert (probe["periodSeconds"], probe["failureThreshold"], probe["httpGet"]["scheme"]) == (10, 3, "HTTP")
    assert pod["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


def test_a_strategy_of_recreate_gets_no_rolling_update() -> None:
    assert filled(deployment(strategy={"type": "Recreate"}))["spec"]["strategy"] == {"type": "Recreate"}


def test_zero_replicas_stay_zero_and_defaults_done_twice_change_nothing() -> None:
    once = filled(deployment(replicas=0))
    assert once["spec"]["replicas"] == 0
    before = repr(once)
    assert repr(filled(once)) == before


def test_a_service_keeps_the_address_it_asks_for_and_no_two_share_one() -> None:
    store = Store(ManualClock())
    asked = store.create(filled(service("a", clusterIP="10.96.0.9"), store))
    given = [store.create(filled(service(f"s{n}"), store))["spec"]["clusterIP"] for n in range(20)]
    assert asked["spec"]["clusterIPs"] == ["10.96.0.9"]
    assert len({*given, "10.96.0.9"}) == 21
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        filled(service("b", clusterIP="10.96.0.9"), store)


def test_a_service_that_is_updated_without_its_address_keeps_it() -> None:
    store = Store(ManualClock())
    first = store.create(filled(service("a", type="NodePort"), store))
    again = filled(service("a", type="NodePort"), store)
    assert again["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert again["spec"]["ports"][0]["nodePort"] == first["spec"]["ports"][0]["nodePort"] == 30000


def test_a_wrong_shape_is_told_by_its_path() -> None:
    with pytest.raises(BadRequest, match=r"field spec\.template\.spec\.containers"):
        validation.check_shape({"spec": {"template": {"spec": {"containers": ["x"]}}}})
    validation.check_shape({"metadata": {"labels": {"status": "fine", "spec": "fine"}}, "data": {"spec": "text"}})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"replicas": True}, "must be an integer"),
        ({"replicas": -1}, "greater than or equal to 0"),
        ({"selector": None}, "spec.selector: Required value"),
        ({"template": None}, "spec.template: Required value"),
    ],
)
def test_a_wrong_deployment_is_invalid(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        validation.check(deployment(**change))


def test_two_containers_of_one_name_are_invalid() -> None:
    twice = deployment()
    containers = twice["spec"]["template"]["spec"]["containers"]
    containers.append(dict(containers[0]))
    with pytest.raises(Invalid, match="Duplicate value"):
        validation.check(twice)


def test_two_ports_without_names_are_invalid() -> None:
    with pytest.raises(Invalid, match=r"spec.ports\[0\].name: Required value"):
        validation.check(service("a", ports=[{"port": 80}, {"port": 25}]))
