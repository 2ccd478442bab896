"""Controllers on a store with a clock that stands still; a stand-in for the kubelet makes pods ready."""

import asyncio
from typing import Any

import pytest

from oddsock.cluster.controllers.claims import ClaimController
from oddsock.cluster.controllers.deployments import DeploymentController
from oddsock.cluster.controllers.endpoints import EndpointsController
from oddsock.cluster.controllers.events import EventRecorder, Source
from oddsock.cluster.controllers.garbage import GarbageController
from oddsock.cluster.controllers.loop import ControllerLoop
from oddsock.cluster.controllers.namespaces import NamespaceController
from oddsock.cluster.controllers.nodes import CONTROL_PLANE, WORKER, register_nodes
from oddsock.cluster.controllers.pods import condition
from oddsock.cluster.controllers.replicasets import ReplicaSetController
from oddsock.cluster.controllers.scheduler import Scheduler
from oddsock.cluster.defaults import fill
from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store
from oddsock.kit.clock import ManualClock

NS = "sock-shop"


class Cluster:
    """A store and its controllers, settled by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = Store(self.clock)
        self.events = EventRecorder(self.store)
        self.loop = ControllerLoop(
            self.store,
            [
                EndpointsController(self.store),
                ReplicaSetController(self.store, self.events),
                Scheduler(self.store, self.events),
                DeploymentController(self.store, self.events),
                ClaimController(self.store),
                GarbageController(self.store),
                NamespaceController(self.store),
            ],
            self.clock,
        )
        register_nodes(self.store)
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})

    def create(self, obj: Obj) -> Obj:
        """Create *obj* with its defaults and settle."""
        fill(obj, self.store)
        made = self.store.create(obj)
        self.loop.settle()
        return made

    def deploy(self, name: str = "payment", **spec: Any) -> None:
        """Create deployment *name*."""
        labels = {"name": name}
        container = {"name": name, "image": f"shop/{name}:1", "ports": [{"containerPort": 8080}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        self.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": NS},
                "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
            }
        )

    def deployment(self, name: str = "payment") -> Obj:
        """Deployment *name* now."""
        return self.store.get("Deployment", NS, name)

    def change(self, **spec: Any) -> None:
        """Change the spec of deployment payment and settle."""
        found = self.deployment()
        found["spec"].update(spec)
        self.store.update(found)
        self.loop.settle()

    def new_image(self, image: str) -> None:
        """Roll deployment payment out with *image*."""
        template = self.deployment()["spec"]["template"]
        template["spec"]["containers"][0]["image"] = image
        self.change(template=template)

    def pods(self) -> list[Obj]:
        """Pods that are not being deleted."""
        return [pod for pod in self.store.list("Pod", NS) if "deletionTimestamp" not in pod["metadata"]]

    def make_ready(self, *pods: Obj, ready: bool = True) -> None:
        """Do the kubelet's part for *pods*, or for all."""
        at = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        for pod in pods or self.pods():
            row = {"type": "Ready", "status": str(ready), "lastTransitionTime": at}
            status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [row]}
            self.store.update_status("Pod", NS, pod["metadata"]["name"], status)
        self.loop.settle()

    def bury(self) -> None:
        """Remove pods that are being deleted, as the kubelet does when their processes are gone."""
        for pod in self.store.list("Pod", NS):
            if "deletionTimestamp" in pod["metadata"]:
                self.store.remove("Pod", NS, pod["metadata"]["name"])
        self.loop.settle()

    def messages(self, reason: str) -> list[str]:
        """The messages of all events of *reason*."""
        return [event["message"] for event in self.store.list("Event") if event["reason"] == reason]


@pytest.fixture
async def cluster() -> Cluster:
    return Cluster()


async def test_a_deployment_becomes_a_replica_set_and_pods_on_the_worker(cluster: Cluster) -> None:
    cluster.deploy(replicas=2)
    [replica_set] = cluster.store.list("ReplicaSet")
    assert len(cluster.pods()) == 2
    assert {pod["spec"]["nodeName"] for pod in cluster.pods()} == {WORKER}
    assert all(pod["metadata"]["name"].startswith(replica_set["metadata"]["name"] + "-") for pod in cluster.pods())
    assert cluster.messages("ScalingReplicaSet") == [
        f"Scaled up replica set {replica_set['metadata']['name']} from 0 to 2"
    ]


async def test_a_deployment_is_available_when_its_pods_are_ready_and_says_so_of_its_newest_spec(
    cluster: Cluster,
) -> None:
    cluster.deploy()
    row = condition(cluster.deployment(), "Available")
    assert row and (row["status"], row["reason"]) == ("False", "MinimumReplicasUnavailable")
    assert cluster.deployment()["status"]["unavailableReplicas"] == 1
    cluster.make_ready()
    status = cluster.deployment()["status"]
    assert (status["readyReplicas"], status["availableReplicas"], status["observedGeneration"]) == (1, 1, 1)
    assert "unavailableReplicas" not in status
    row = condition(cluster.deployment(), "Progressing")
    assert row and row["reason"] == "NewReplicaSetAvailable"


async def test_scaled_to_zero_the_pod_goes_and_the_event_reads_as_kubernetes_writes_it(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.make_ready()
    cluster.change(replicas=0)
    cluster.bury()
    [name] = [each["metadata"]["name"] for each in cluster.store.list("ReplicaSet")]
    assert cluster.store.list("Pod") == []
    assert f"Scaled down replica set {name} from 1 to 0" in cluster.messages("ScalingReplicaSet")
    assert len(cluster.messages("SuccessfulDelete")) == 1
    assert cluster.deployment()["status"].get("replicas", 0) == 0


async def test_recreate_starts_nothing_before_the_last_old_pod_is_gone(cluster: Cluster) -> None:
    cluster.deploy(strategy={"type": "Recreate"})
    cluster.make_ready()
    cluster.new_image("shop/payment:2")
    assert cluster.pods() == []
    assert len(cluster.store.list("Pod")) == 1
    cluster.bury()
    [pod] = cluster.pods()
    assert pod["spec"]["containers"][0]["image"] == "shop/payment:2"


async def test_a_rolling_update_never_has_fewer_available_pods_than_allowed(cluster: Cluster) -> None:
    cluster.deploy(
        replicas=3, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    )
    cluster.make_ready()
    cluster.new_image("shop/payment:2")
    for _ in range(10):
        assert len(cluster.pods()) <= 4
        ready = [pod for pod in cluster.pods() if condition(pod, "Ready")]
        assert len(ready) >= 3
        cluster.make_ready()
        cluster.bury()
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()} == {"shop/payment:2"}
    assert sorted(each["spec"]["replicas"] for each in cluster.store.list("ReplicaSet")) == [0, 3]


async def test_going_back_to_an_older_template_reuses_its_replica_set_under_a_new_revision(cluster: Cluster) -> None:
    cluster.deploy(strategy={"type": "Recreate"})
    cluster.new_image("shop/payment:2")
    cluster.bury()
    cluster.new_image("shop/payment:1")
    cluster.bury()
    numbers = {
        each["spec"]["template"]["spec"]["containers"][0]["image"]: each["metadata"]["annotations"][
            "deployment.kubernetes.io/revision"
        ]
        for each in cluster.store.list("ReplicaSet")
    }
    assert numbers == {"shop/payment:1": "3", "shop/payment:2": "2"}
    assert cluster.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_a_rollout_that_does_not_move_passes_its_deadline(cluster: Cluster) -> None:
    cluster.deploy(progressDeadlineSeconds=60)
    cluster.clock.advance(61)
    cluster.loop.settle()
    row = condition(cluster.deployment(), "Progressing")
    assert row and (row["status"], row["reason"]) == ("False", "ProgressDeadlineExceeded")


async def test_a_paused_deployment_does_not_roll_out_but_scales(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.change(paused=True)
    cluster.new_image("shop/payment:2")
    cluster.change(replicas=2)
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()} == {"shop/payment:1"}
    assert len(cluster.pods()) == 2


async def test_a_pod_that_is_not_ready_is_the_first_to_go(cluster: Cluster) -> None:
    cluster.deploy(replicas=3)
    cluster.make_ready()
    victim = cluster.pods()[1]
    cluster.make_ready(victim, ready=False)
    cluster.change(replicas=2)
    assert victim["metadata"]["name"] not in {pod["metadata"]["name"] for pod in cluster.pods()}


async def test_a_deleted_pod_is_replaced_and_a_deleted_deployment_takes_everything_along(cluster: Cluster) -> None:
    cluster.deploy()
    [first] = cluster.pods()
    cluster.store.delete("Pod", NS, first["metadata"]["name"])
    cluster.loop.settle()
    [second] = cluster.pods()
    assert second["metadata"]["name"] != first["metadata"]["name"]
    cluster.store.delete("Deployment", NS, "payment")
    cluster.loop.settle()
    cluster.bury()
    assert cluster.store.list("ReplicaSet") == cluster.store.list("Pod") == []


async def test_endpoints_hold_ready_pods_and_drop_one_that_is_being_deleted_at_once(cluster: Cluster) -> None:
    port = {"name": "http", "port": 80, "targetPort": 8080}
    spec = {"selector": {"name": "payment"}, "ports": [port]}
    cluster.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "payment", "namespace": NS}, "spec": spec}
    )
    cluster.deploy()
    [pod] = cluster.pods()
    assert "subsets" not in cluster.store.get("Endpoints", NS, "payment")
    pod["metadata"]["annotations"] = {"oddsock.dev/ports": "8080=127.0.0.1:23456"}
    cluster.store.update(pod)
    cluster.make_ready()
    [subset] = cluster.store.get("Endpoints", NS, "payment")["subsets"]
    assert (subset["addresses"][0]["ip"], subset["ports"][0]["port"]) == ("127.0.0.1", 23456)
    [piece] = cluster.store.list("EndpointSlice", NS)
    assert piece["endpoints"][0]["conditions"]["ready"] is True
    assert piece["ports"][0]["name"] == "http"
    cluster.store.delete("Pod", NS, pod["metadata"]["name"])
    cluster.loop.settle()
    assert "subsets" not in cluster.store.get("Endpoints", NS, "payment")


async def test_a_pod_waits_while_its_node_is_cordoned_and_is_placed_when_it_is_not(cluster: Cluster) -> None:
    node = cluster.store.get("Node", "", WORKER)
    node["spec"]["unschedulable"] = True
    cluster.store.update(node)
    cluster.deploy()
    [pod] = cluster.pods()
    assert "nodeName" not in pod["spec"]
    [message] = cluster.messages("FailedScheduling")
    assert message.startswith("0/2 nodes are available: ")
    node = cluster.store.get("Node", "", WORKER)
    node["spec"]["unschedulable"] = False
    cluster.store.update(node)
    cluster.loop.settle()
    assert cluster.pods()[0]["spec"]["nodeName"] == WORKER


async def test_both_nodes_say_that_they_are_one_machine(cluster: Cluster) -> None:
    nodes = cluster.store.list("Node")
    assert [node["metadata"]["name"] for node in nodes] == [CONTROL_PLANE, WORKER]
    assert {node["metadata"]["labels"]["oddsock.dev/machine"] for node in nodes} == {"same"}


async def test_a_deleted_namespace_is_gone_when_its_last_pod_is(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.store.delete("Namespace", "", NS)
    cluster.loop.settle()
    assert cluster.store.find("Namespace", "", NS) is not None
    cluster.bury()
    assert cluster.store.find("Namespace", "", NS) is None
    assert cluster.store.list("Deployment") == []


async def test_a_claim_is_bound(cluster: Cluster) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    meta = {"name": "books", "namespace": NS}
    cluster.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec})
    status = cluster.store.get("PersistentVolumeClaim", NS, "books")["status"]
    assert (status["phase"], status["capacity"]) == ("Bound", {"storage": "2Gi"})


async def test_the_same_event_twice_is_one_with_a_count_and_the_oldest_make_room() -> None:
    clock = ManualClock()
    store = Store(clock)
    register_nodes(store)
    node, events = store.get("Node", "", WORKER), EventRecorder(store, events_max=3)
    events.record(Source("test"), node, "Again", "the same")
    clock.advance(5)
    events.record(Source("test"), node, "Again", "the same")
    [event] = store.list("Event")
    assert (event["count"], event["involvedObject"]["uid"]) == (2, node["metadata"]["uid"])
    assert event["firstTimestamp"] < event["lastTimestamp"]
    for number in range(3):
        events.record(Source("test"), node, "Once", f"number {number}")
    assert len(store.list("Event")) == 3
    assert "Again" not in {each["reason"] for each in store.list("Event")}


async def test_a_reconcile_that_fails_is_tried_again_and_stops_no_other() -> None:
    clock = ManualClock()
    store = Store(clock)

    class Failing:
        """Fails once."""

        name = "failing"
        calls = 0

        def affected(self, type_: str, obj: Obj) -> list[tuple[str, ...]]:
            return [("key",)]

        def reconcile(self, key: tuple[str, ...]) -> float | None:
            self.calls += 1
            if self.calls == 1:
                raise LookupError("broken")
            return None

    controller = Failing()
    task = asyncio.create_task(ControllerLoop(store, [controller], clock).run())
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}})
    for _ in range(5):
        await clock.sleep(1)
    task.cancel()
    assert controller.calls == 2
