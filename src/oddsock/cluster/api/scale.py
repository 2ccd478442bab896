"""The scale subresource: how many replicas are wanted and how many there are.

Wire: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/ (autoscaling/v1 Scale)
"""

from typing import Any

from aiohttp import web

from oddsock.cluster import validation
from oddsock.cluster.api.context import context_of
from oddsock.cluster.api.media import answer, field_manager, is_dry_run, read_body, read_object
from oddsock.cluster.api.paths import Target
from oddsock.cluster.api.resources import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, patched
from oddsock.cluster.kinds import Obj
from oddsock.cluster.selectors import selector_text
from oddsock.cluster.status import NotFound


async def serve_scale(request: web.Request, target: Target) -> web.Response:
    """GET, PUT or PATCH of the scale of a Deployment or ReplicaSet."""
    if not target.kind.scalable:
        raise NotFound.resource()
    store = context_of(request).store
    owner = store.get(target.kind.name, target.namespace, target.name)
    if request.method == "GET":
        return answer(scale_of(owner))
    if request.method == "PUT":
        wanted = await read_object(request)
    else:
        change = await read_body(request, frozenset({JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH}))
        wanted = patched(request.content_type, scale_of(owner), change)
    replicas: Any = (wanted.get("spec") or {}).get("replicas", 0)
    validation.check_replicas(owner, replicas)
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    owner["spec"]["replicas"] = replicas
    writable = store.rehearsal() if is_dry_run(request) else store
    kept = writable.update(owner, expect_version=version, manager=field_manager(request), subresource="scale")
    return answer(scale_of(kept))


def scale_of(owner: Obj) -> Obj:
    """The autoscaling/v1 Scale of a Deployment or ReplicaSet."""
    meta, spec = owner["metadata"], owner["spec"]
    kept = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    status: Obj = {"replicas": (owner.get("status") or {}).get("replicas", 0)}
    if selector := selector_text(spec.get("selector")):
        status["selector"] = selector
    wanted = {"replicas": spec["replicas"]} if spec.get("replicas") else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept, "spec": wanted, "status": status}
