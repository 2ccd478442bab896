"""OpenAPI documents as far as `kubectl apply` asks for them: that patches validate fields, and of which kinds.

No schemas are served, so kubectl falls back on its own for every kind it knows, and `kubectl explain` has nothing.
Wire: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from aiohttp import web

from oddsock.cluster.api.media import answer
from oddsock.cluster.kinds import KINDS, Kind, Obj
from oddsock.cluster.status import NotFound

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
V2_ANSWERED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""As a real API server answers: the @ that clients ask with is no legal part of a media type."""
INFO = {"title": "Kubernetes", "version": "v1.32.0"}
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def describe(request: web.Request, parts: list[str]) -> web.Response:
    """The document that *parts*, a path below /openapi, names; NotFound when there is none."""
    match parts:
        case ["v2"]:
            if V2_PROTOBUF in request.headers.get("Accept", ""):
                return web.Response(body=v2_protobuf(), content_type=V2_ANSWERED)
            return answer({"swagger": "2.0", "info": INFO, "paths": {}})
        case ["v3"]:
            return answer({"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in _roots()}})
        case ["v3", *root] if "/".join(root) in _roots():
            return answer(v3("/".join(root)))
    raise NotFound.resource()


def v2_protobuf() -> bytes:
    """An OpenAPI v2 document without paths, as gnostic's protobuf message: what kubectl before 1.28 wants at least."""

    def text(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    return text(1, b"2.0") + text(2, text(1, b"Kubernetes") + text(2, b"v1")) + text(8, b"")


def v3(root: str) -> Obj:
    """The OpenAPI v3 document of the group and version at *root* (`api/v1`, `apis/apps/v1`)."""
    kinds = [kind for kind in KINDS if _root(kind) == root]
    paths = {}
    for kind in kinds:
        place = f"/{root}/" + ("namespaces/{namespace}/" if kind.namespaced else "") + kind.plural
        paths[place] = {"post": _operation(kind, "post")}
        paths[place + "/{name}"] = {"put": _operation(kind, "put"), "patch": _operation(kind, "patch")}
    return {"openapi": "3.0.0", "info": INFO, "paths": paths, "components": {"schemas": {}}}


def _operation(kind: Kind, action: str) -> Obj:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in _PARAMETERS
    ]
    return {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.name},
    }


def _root(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _roots() -> list[str]:
    return list(dict.fromkeys(_root(kind) for kind in KINDS))
