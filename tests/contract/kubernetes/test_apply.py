"""Server-side apply, unknown fields and OpenAPI over the wire; kubectl's own applies are in the recording."""

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import World

CORE = "/api/v1/namespaces/sock-shop"
APPS = "/apis/apps/v1/namespaces/sock-shop"
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def stocking(**data: str) -> dict[str, Any]:
    """A ConfigMap of *data*."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stocking"}, "data": data}


async def apply(api: aiohttp.ClientSession, obj: dict[str, Any], manager: str = "me", **query: str) -> tuple[int, Any]:
    """The status and answer of an apply of a ConfigMap."""
    path = f"{CORE}/configmaps/stocking"
    params = {"fieldManager": manager, **query}
    async with api.patch(path, params=params, data=json.dumps(obj), headers=APPLY) as answered:
        return answered.status, await answered.json()


async def test_an_apply_creates_then_changes_and_takes_out_what_is_said_no_more(api: aiohttp.ClientSession) -> None:
    status, made = await apply(api, stocking(left="1", right="2"))
    assert (status, made["data"]) == (201, {"left": "1", "right": "2"})
    status, same = await apply(api, stocking(left="1", right="2"))
    assert (status, same["metadata"]["resourceVersion"]) == (200, made["metadata"]["resourceVersion"])
    status, less = await apply(api, stocking(left="3"))
    assert (status, less["data"]) == (200, {"left": "3"})


async def test_an_apply_leaves_what_others_have_said(api: aiohttp.ClientSession) -> None:
    await apply(api, stocking(left="1"))
    await apply(api, stocking(right="2"), manager="other")
    _, left = await apply(api, stocking())
    assert left["data"] == {"right": "2"}


async def test_an_apply_takes_one_variable_out_of_a_list(world: "World", api: aiohttp.ClientSession) -> None:
    def deployment(*names: str) -> str:
        env = [{"name": name, "value": "1"} for name in names]
        labels = {"name": "socks"}
        container = {"name": "c", "image": "busybox", "env": env}
        spec = {"template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}
        head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "socks"}}
        return json.dumps({**head, "spec": {**spec, "selector": {"matchLabels": labels}}})

    for names in (("A", "B"), ("B",)):
        path = f"{APPS}/deployments/socks?fieldManager=me"
        async with api.patch(path, data=deployment(*names), headers=APPLY) as answered:
            assert answered.status in {200, 201}, await answered.text()
    kept = world.store.get("Deployment", "sock-shop", "socks")
    assert kept["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "B", "value": "1"}]
    assert kept["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("manager", "obj", "says"),
    [
        ("", stocking(), "fieldManager: Required value"),
        ("me", {**stocking(), "metadata": {"managedFields": [{}]}}, "managedFields must be nil"),
        ("me", ["no", "object"], "it is not an object"),
    ],
)
async def test_an_apply_that_is_none_is_refused(manager: str, obj: Any, says: str, api: aiohttp.ClientSession) -> None:
    status, told = await apply(api, obj, manager)
    assert status == 400
    assert says in told["message"]


async def test_an_apply_in_rehearsal_changes_nothing(world: "World", api: aiohttp.ClientSession) -> None:
    status, _ = await apply(api, stocking(left="1"), dryRun="All")
    assert status == 201
    assert world.store.find("ConfigMap", "sock-shop", "stocking") is None


async def test_unknown_fields_are_refused_warned_of_or_dropped_as_asked(
    world: "World", api: aiohttp.ClientSession
) -> None:
    wrong = {**stocking(), "metadata": {"name": "stocking", "labls": {}}, "dta": {}}
    seen = []
    for mode in ("Strict", "Warn", "Ignore", "Sometimes"):
        path = f"{CORE}/configmaps"
        async with api.post(path, params={"fieldValidation": mode, "dryRun": "All"}, json=wrong) as answered:
            seen.append((answered.status, answered.headers.getall("Warning", [])))
            told = await answered.json()
            if mode == "Strict":
                assert 'strict decoding error: unknown field "metadata.labls", unknown field "dta"' in told["message"]
            elif mode != "Sometimes":
                assert "dta" not in told and "labls" not in told["metadata"]
    warned = ['299 - "unknown field \\"metadata.labls\\""', '299 - "unknown field \\"dta\\""']
    assert seen == [(400, []), (201, warned), (201, []), (400, [])]


async def test_openapi_names_the_kinds_whose_patches_validate_fields(api: aiohttp.ClientSession) -> None:
    async with api.get("/openapi/v3") as answered:
        roots = (await answered.json())["paths"]
    async with api.get(roots["apis/apps/v1"]["serverRelativeURL"]) as answered:
        paths = (await answered.json())["paths"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in [row["name"] for row in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}


async def test_old_kubectls_get_openapi_v2_as_protobuf(api: aiohttp.ClientSession) -> None:
    accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    async with api.get("/openapi/v2", headers={"Accept": accept}) as answered:
        assert "@" not in answered.headers["Content-Type"]
        assert (await answered.read()).startswith(b"\x0a\x032.0")
