"""The eviction subresource of a pod: a delete that `kubectl drain` asks for. No disruption budget stands in its way.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from aiohttp import web

from oddsock.cluster.api import resources
from oddsock.cluster.api.context import context_of
from oddsock.cluster.api.media import answer, read_object
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest, MethodNotAllowed


async def serve_eviction(request: web.Request, target: Target) -> web.Response:
    """Delete the pod as the Eviction's deleteOptions say; dryRun in them or in the query only rehearses it."""
    if request.method != "POST":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    wanted = await read_object(request)
    name = (wanted.get("metadata") or {}).get("name")
    # Python clients leave the kind out, which the path tells anyhow.
    if wanted.get("kind", "Eviction") != "Eviction" or name not in (None, "", target.name):
        raise BadRequest(f"the body of the request is no Eviction of pod {target.name}")
    pod = context_of(request).store.get("Pod", target.namespace, target.name)
    options: Obj = dict(wanted.get("deleteOptions") or {})
    resources.delete_with(request, target, pod, options)
    return answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
