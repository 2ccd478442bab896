"""Objects over the wire: who may ask, what is refused and how, patches, paging, dry runs."""

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import World

APPS = "/apis/apps/v1/namespaces/sock-shop"
CORE = "/api/v1/namespaces/sock-shop"
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}

Json = dict[str, Any]


async def asked(api: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Json]:
    """The status and JSON of one call."""
    async with api.request(method, path, **more) as answered:
        return answered.status, await answered.json(content_type=None)


async def test_without_the_token_only_health_is_told(world: "World") -> None:
    async with aiohttp.ClientSession(world.url) as stranger:
        assert (await stranger.get("/readyz")).status == 200
        status, body = await asked(stranger, "GET", "/api/v1/pods")
        assert (status, body["reason"]) == (401, "Unauthorized")
        status, _ = await asked(stranger, "GET", "/api/v1/pods", headers={"Authorization": "Bearer wrong"})
        assert status == 401


async def test_the_token_is_taken_as_a_password_too(world: "World") -> None:
    account = aiohttp.encode_basic_auth("anybody", "a-token-of-the-test")
    async with aiohttp.ClientSession(world.url, headers={"Authorization": account}) as kubectl:
        assert (await kubectl.get("/api/v1/pods")).status == 200


@pytest.mark.parametrize(("headers", "status"), [({"Host": "evil.test"}, 421), ({"Origin": "http://evil.test"}, 403)])
async def test_strange_hosts_and_origins_are_turned_away(
    headers: dict[str, str], status: int, api: aiohttp.ClientSession
) -> None:
    assert (await api.get("/api/v1/pods", headers=headers)).status == status


async def test_an_unknown_kind_is_404_and_an_unknown_object_names_itself(api: aiohttp.ClientSession) -> None:
    status, body = await asked(api, "GET", f"{CORE}/unicorns")
    assert (status, body["message"]) == (404, "the server could not find the requested resource")
    status, body = await asked(api, "GET", f"{APPS}/deployments/nope")
    assert (status, body["message"]) == (404, 'deployments.apps "nope" not found')
    assert body["details"] == {"name": "nope", "group": "apps", "kind": "deployments"}


async def test_a_created_service_is_completed(api: aiohttp.ClientSession) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "user"}, "spec": {"ports": [{"port": 80}]}}
    status, kept = await asked(api, "POST", f"{CORE}/services", json=service)
    assert status == 201
    assert kept["spec"]["clusterIP"].startswith("10.96.")
    assert kept["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert kept["metadata"]["namespace"] == "sock-shop"
    status, body = await asked(api, "POST", f"{CORE}/services", json=service)
    assert (status, body["reason"], body["message"]) == (409, "AlreadyExists", 'services "user" already exists')


def deployment(name: str = "user", **spec: Any) -> Json:
    """A small deployment."""
    template = {"metadata": {"labels": {"name": "user"}}, "spec": {"containers": [{"name": "user", "image": "i:1"}]}}
    body = {"selector": {"matchLabels": {"name": "user"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (deployment(name=""), 422, "metadata.name: Required value"),
        (deployment(name="Not_A_Name"), 422, "RFC 1123"),
        (deployment(replicas="two"), 422, 'spec.replicas: Invalid value: "two"'),
        (deployment(replicas=-1), 422, "must be greater than or equal to 0"),
        (deployment(selector={"matchLabels": {"name": "other"}}), 422, "does not match template `labels`"),
        (deployment(template="t"), 400, "cannot unmarshal str into field spec.template"),
        ({**deployment(), "kind": "ReplicaSet"}, 400, "does not match"),
    ],
)
async def test_a_wrong_deployment_is_refused_with_its_field(
    body: Json, status: int, says: str, api: aiohttp.ClientSession
) -> None:
    if says == "does not match":
        says = "where the URL wants"
    code, refusal = await asked(api, "POST", f"{APPS}/deployments", json=body)
    assert code == status
    assert says in refusal["message"]


async def test_nothing_is_created_in_a_namespace_that_is_not_there_or_is_going(
    world: "World", api: aiohttp.ClientSession
) -> None:
    status, body = await asked(api, "POST", "/apis/apps/v1/namespaces/nope/deployments", json=deployment())
    assert (status, body["message"]) == (404, 'namespaces "nope" not found')
    world.store.delete("Namespace", "", "default")
    status, body = await asked(api, "POST", "/apis/apps/v1/namespaces/default/deployments", json=deployment())
    assert (status, body["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"k8s\x00", 'no kind "" is registered for version ""'),
        (b'{"kind":"ConfigMap"}', "expected prefix [107 56 115 0]"),
        (b"k8s\x00\x0a\x7fv1", "cannot be read"),
        (b"k8s\x00\x0a\x0d\x0a\x02v1\x12\x07Unicorn", 'no kind "Unicorn" is registered for version "v1"'),
    ],
)
async def test_a_protobuf_body_that_cannot_be_read_is_refused(
    body: bytes, says: str, api: aiohttp.ClientSession
) -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    status, told = await asked(api, "POST", f"{CORE}/configmaps", data=body, headers=headers)
    assert (status, told["reason"]) == (400, "BadRequest")
    assert says in told["message"]


async def test_a_body_of_another_type_is_answered_with_415(api: aiohttp.ClientSession) -> None:
    status, body = await asked(api, "POST", f"{CORE}/configmaps", data=b"a", headers={"Content-Type": "text/csv"})
    assert (status, body["reason"]) == (415, "UnsupportedMediaType")


async def test_a_body_without_a_kind_is_of_the_kind_that_its_path_names(api: aiohttp.ClientSession) -> None:
    status, body = await asked(api, "POST", f"{CORE}/configmaps", json={"metadata": {"name": "x"}, "data": {"a": "b"}})
    assert (status, body["kind"], body["apiVersion"]) == (201, "ConfigMap", "v1")


async def test_an_update_of_an_old_version_is_a_conflict(api: aiohttp.ClientSession) -> None:
    _, old = await asked(api, "GET", f"{APPS}/deployments/payment")
    old["spec"]["replicas"] = 1
    assert (await asked(api, "PUT", f"{APPS}/deployments/payment", json=old))[0] == 200
    old["spec"]["replicas"] = 3
    status, body = await asked(api, "PUT", f"{APPS}/deployments/payment", json=old)
    assert (status, body["reason"]) == (409, "Conflict")
    assert "please apply your changes to the latest version" in body["message"]


async def test_the_three_patches_change_what_they_say(api: aiohttp.ClientSession) -> None:
    path = f"{APPS}/deployments/payment"
    _, one = await asked(api, "PATCH", path, json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
    assert one["metadata"]["labels"] == {"name": "payment", "a": "b"}
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 5}]
    json_patch = {"Content-Type": "application/json-patch+json"}
    _, two = await asked(api, "PATCH", path, json=operations, headers=json_patch)
    assert two["spec"]["replicas"] == 5
    container = {"name": "payment", "env": [{"name": "NEW", "value": "1"}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    _, three = await asked(api, "PATCH", path, json=patch, headers=STRATEGIC)
    kept = three["spec"]["template"]["spec"]["containers"][0]
    assert [row["name"] for row in kept["env"]] == ["DECLINE_LIMIT", "NEW"]
    assert kept["image"] == "oddsock/sock-shop-payment:1"
    assert three["metadata"]["generation"] == 3


async def test_a_patch_may_not_change_the_selector_nor_break_the_object(api: aiohttp.ClientSession) -> None:
    path = f"{APPS}/deployments/payment"
    labels = {"matchLabels": {"name": "x"}}
    template = {"metadata": {"labels": {"name": "x"}}}
    status, body = await asked(
        api, "PATCH", path, json={"spec": {"selector": labels, "template": template}}, headers=MERGE
    )
    assert (status, "field is immutable" in body["message"]) == (422, True)
    status, _ = await asked(api, "PATCH", path, json={"spec": {"replicas": "x"}}, headers=MERGE)
    assert status == 422


async def test_a_dry_run_answers_and_keeps_nothing(world: "World", api: aiohttp.ClientSession) -> None:
    before = world.store.version
    status, shown = await asked(api, "POST", f"{APPS}/deployments?dryRun=All", json=deployment())
    assert (status, shown["spec"]["replicas"]) == (201, 1)
    patch = {"spec": {"replicas": 0}}
    _, scale = await asked(api, "PATCH", f"{APPS}/deployments/payment/scale?dryRun=All", json=patch, headers=MERGE)
    assert scale["spec"] == {}
    assert (await asked(api, "DELETE", f"{CORE}/services/payment", json={"dryRun": ["All"]}))[0] == 200
    assert (await asked(api, "DELETE", f"{CORE}/pods?dryRun=All"))[0] == 200
    assert world.store.version == before


async def test_a_status_is_changed_through_its_subresource_only(api: aiohttp.ClientSession) -> None:
    path = f"{APPS}/deployments/payment"
    patch = {"status": {"readyReplicas": 2}, "spec": {"replicas": 7}}
    _, whole = await asked(api, "PATCH", path, json={"status": {"readyReplicas": 9}}, headers=MERGE)
    assert whole["status"]["readyReplicas"] == 1
    _, after = await asked(api, "PATCH", f"{path}/status", json=patch, headers=MERGE)
    assert (after["status"]["readyReplicas"], after["spec"]["replicas"]) == (2, 2)


async def test_pages_follow_one_another_without_loss(api: aiohttp.ClientSession) -> None:
    names, token, pages = [], "", 0
    while pages < 5:
        _, page = await asked(api, "GET", f"{CORE}/pods", params={"limit": "1", "continue": token})
        names += [pod["metadata"]["name"] for pod in page["items"]]
        pages += 1
        if not (token := page["metadata"].get("continue", "")):
            break
    assert (pages, names) == (3, ["orders-7c9d-aaaaa", "payment-5f6b-bbbbb", "payment-5f6b-ccccc"])
    assert (await asked(api, "GET", f"{CORE}/pods", params={"continue": "nonsense"}))[0] == 400


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"labelSelector": "name=orders"}, ["orders-7c9d-aaaaa"]),
        ({"labelSelector": "name in (orders),pod-template-hash"}, ["orders-7c9d-aaaaa"]),
        ({"labelSelector": "name!=payment"}, ["orders-7c9d-aaaaa"]),
        ({"labelSelector": "!pod-template-hash"}, []),
        ({"fieldSelector": "spec.nodeName=sockshop-worker,metadata.name!=orders-7c9d-aaaaa"}, None),
        ({"fieldSelector": "status.phase=Failed"}, []),
    ],
)
async def test_lists_are_cut_down_by_selectors(
    query: dict[str, str], names: list[str] | None, api: aiohttp.ClientSession
) -> None:
    _, found = await asked(api, "GET", f"{CORE}/pods", params=query)
    expected = ["payment-5f6b-bbbbb", "payment-5f6b-ccccc"] if names is None else names
    assert [pod["metadata"]["name"] for pod in found["items"]] == expected


async def test_an_unreadable_selector_is_a_bad_request(api: aiohttp.ClientSession) -> None:
    assert (await asked(api, "GET", f"{CORE}/pods", params={"labelSelector": "a in b"}))[0] == 400
    assert (await asked(api, "GET", f"{CORE}/pods", params={"fieldSelector": "a"}))[0] == 400


async def test_a_pod_on_a_node_is_marked_and_a_service_is_gone(world: "World", api: aiohttp.ClientSession) -> None:
    status, pod = await asked(api, "DELETE", f"{CORE}/pods/orders-7c9d-aaaaa", json={"gracePeriodSeconds": 7})
    assert (status, pod["metadata"]["deletionGracePeriodSeconds"]) == (200, 7)
    assert world.store.find("Pod", "sock-shop", "orders-7c9d-aaaaa") is not None
    status, body = await asked(api, "DELETE", f"{CORE}/services/orders")
    assert (status, body["status"], body["details"]["kind"]) == (200, "Success", "services")
    assert world.store.find("Service", "sock-shop", "orders") is None


async def test_a_delete_for_another_uid_is_a_conflict(world: "World", api: aiohttp.ClientSession) -> None:
    options = {"preconditions": {"uid": "another"}}
    assert (await asked(api, "DELETE", f"{CORE}/services/orders", json=options))[0] == 409
    assert world.store.find("Service", "sock-shop", "orders") is not None


async def test_orphans_lose_their_owner(world: "World", api: aiohttp.ClientSession) -> None:
    await asked(api, "DELETE", f"{APPS}/deployments/orders", json={"propagationPolicy": "Orphan"})
    assert world.store.get("ReplicaSet", "sock-shop", "orders-7c9d")["metadata"].get("ownerReferences") is None


async def test_the_same_event_is_told_in_both_spellings(api: aiohttp.ClientSession) -> None:
    path, query = "/apis/events.k8s.io/v1/namespaces/sock-shop/events", {"fieldSelector": "regarding.kind=Pod"}
    _, found = await asked(api, "GET", path, params=query)
    (event,) = found["items"]
    assert (event["apiVersion"], event["regarding"]["name"]) == ("events.k8s.io/v1", "payment-5f6b-ccccc")
    assert (event["note"], event["deprecatedCount"]) == ("Back-off restarting failed container payment", 4)
    assert "involvedObject" not in event


async def test_who_wrote_last_is_read_from_the_managers(api: aiohttp.ClientSession) -> None:
    path = f"{APPS}/deployments/payment"
    agent = {**MERGE, "User-Agent": "kubectl/v1.32.4 (linux/amd64)"}
    await asked(api, "PATCH", f"{path}?fieldManager=oddsock", json={"spec": {"replicas": 0}}, headers=MERGE)
    await asked(api, "PATCH", path, json={"spec": {"replicas": 3}}, headers=agent)
    _, found = await asked(api, "GET", path)
    owners = [row["manager"] for row in found["metadata"]["managedFields"] if "f:replicas" in row["fieldsV1"]["f:spec"]]
    assert owners == ["kubectl"]


async def test_leases_are_kept_as_they_are_given(api: aiohttp.ClientSession) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "drill"}}
    lease["spec"] = {"holderIdentity": "me", "leaseDurationSeconds": 15}
    path = "/apis/coordination.k8s.io/v1/namespaces/sock-shop/leases"
    assert (await asked(api, "POST", path, json=lease))[0] == 201
    status, kept = await asked(api, "PUT", f"{path}/drill", json={**lease, "spec": {"holderIdentity": "you"}})
    assert (status, kept["spec"]) == (200, {"holderIdentity": "you"})
