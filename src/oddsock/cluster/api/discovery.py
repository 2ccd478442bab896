"""What the API says of itself: groups, resources, version and health, plain and aggregated.

Wire: meta/v1 APIGroupList, APIResourceList; apidiscovery.k8s.io/v2 APIGroupDiscoveryList.
"""

import platform

from aiohttp import web

from oddsock.cluster.api.media import answer, wanted
from oddsock.cluster.api.metrics import GROUP as METRICS
from oddsock.cluster.api.metrics import VERSION as METRICS_VERSION
from oddsock.cluster.api.openapi import describe
from oddsock.cluster.kinds import KINDS, Kind, Obj
from oddsock.cluster.status import NotFound

VERSION = {"major": "1", "minor": "32", "gitVersion": "v1.32.0+oddsock"}
"""The API version this cluster keeps to; kubectl's own dispatchers choose their binary by it."""

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_FORM = "APIGroupDiscoveryList"


def _computed(name: str, singular: str, kind: str, namespaced: bool, verbs: list[str]) -> Obj:
    return {"name": name, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": verbs}


_COMPUTED: dict[str, tuple[str, list[Obj]]] = {
    "authorization.k8s.io": (
        "v1",
        [
            _computed(
                "selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview", False, ["create"]
            )
        ],
    ),
    METRICS: (
        METRICS_VERSION,
        [
            _computed("nodes", "", "NodeMetrics", False, ["get", "list"]),
            _computed("pods", "", "PodMetrics", True, ["get", "list"]),
        ],
    ),
}
"""Groups whose resources are not stored: group -> (version, resources)."""

_STREAMS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}
"""Subresources of a pod that are WebSockets, and the kind of their parameters."""
HEALTH_PATHS = frozenset({"/healthz", "/livez", "/readyz"})


def discover(request: web.Request, path: str) -> web.Response | None:
    """The answer to *path* (without a trailing slash) if it is one about the API itself, else None."""
    parts = path.strip("/").split("/")
    if path in HEALTH_PATHS:
        return web.Response(text="ok")
    match parts:
        case ["version"]:
            return answer(_version())
        case ["openapi", *rest]:
            return describe(request, rest)
        case ["api"]:
            return _list(request, [""], _api_versions(request))
        case ["apis"]:
            groups = [name for name in _groups() if name]
            return _list(request, groups, _group_list(groups))
        case ["apis", group]:
            return answer({"kind": "APIGroup", "apiVersion": "v1", **_group(_served(group))})
        case ["api", version]:
            return answer(_resource_list("", version))
        case ["apis", group, version]:
            return answer(_resource_list(_served(group), version))
        case [""]:
            return answer({"paths": ["/api", "/apis", *sorted(HEALTH_PATHS), "/version"]})
    return None


def _version() -> Obj:
    return {
        **VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


def _groups() -> list[str]:
    return [*dict.fromkeys(kind.group for kind in KINDS), *_COMPUTED]


def _served(group: str) -> str:
    if not group or group not in _groups():
        raise NotFound.resource()
    return group


def _list(request: web.Request, groups: list[str], plain: Obj) -> web.Response:
    asked = wanted(request, frozenset({_FORM}))
    if not asked.form:
        return answer(plain)
    version = asked.version or "v2"
    response = answer(
        {
            "kind": _FORM,
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": [_aggregated(group) for group in groups],
        }
    )
    response.headers["Content-Type"] = f"application/json;g=apidiscovery.k8s.io;v={version};as={_FORM}"
    return response


def _api_versions(request: web.Request) -> Obj:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": request.host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def _group(name: str) -> Obj:
    number = _COMPUTED[name][0] if name in _COMPUTED else "v1"
    version = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _group_list(groups: list[str]) -> Obj:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in groups]}


def _resource_list(group: str, version: str) -> Obj:
    rows = [row for kind in KINDS if kind.group == group and kind.version == version for row in resource_rows(kind)]
    if group in _COMPUTED and version == _COMPUTED[group][0]:
        rows = _COMPUTED[group][1]
    if not rows:
        raise NotFound.resource()
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": rows}


def resource_rows(kind: Kind) -> list[Obj]:
    """The kind as discovery lists it, then each of its subresources."""
    row: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": _VERBS,
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if kind.categories:
        row["categories"] = list(kind.categories)
    return [row, *({**below, "name": f"{kind.plural}/{below['name']}"} for below in _subresources(kind))]


def _subresources(kind: Kind) -> list[Obj]:
    rows: list[Obj] = []
    plain = {"singularName": "", "namespaced": kind.namespaced, "kind": kind.name}
    if kind.has_status:
        rows.append({"name": "status", **plain, "verbs": ["get", "patch", "update"]})
    if kind.scalable:
        scale = {"kind": "Scale", "group": "autoscaling", "version": "v1"}
        rows.append({"name": "scale", **plain, **scale, "verbs": ["get", "patch", "update"]})
    if kind.name == "Pod":
        rows.append({"name": "log", **plain, "verbs": ["get"]})
        for name, options in _STREAMS.items():
            rows.append({"name": name, **plain, "kind": options, "verbs": ["create", "get"]})
        eviction = {"kind": "Eviction", "group": "policy", "version": "v1"}
        rows.append({"name": "eviction", **plain, **eviction, "verbs": ["create"]})
    if kind.name == "Node":
        rows.append({"name": "proxy", **plain, "kind": "NodeProxyOptions", "verbs": ["get"]})
    if kind.name == "Service":
        proxy_verbs = ["create", "delete", "get", "patch", "update"]
        rows.append({"name": "proxy", **plain, "kind": "ServiceProxyOptions", "verbs": proxy_verbs})
    return rows


def _aggregated(group: str) -> Obj:
    kinds = [kind for kind in KINDS if kind.group == group]
    resources = [_aggregated_kind(kind) for kind in kinds]
    number, computed = _COMPUTED.get(group, ("v1", []))
    resources += [
        {
            "resource": row["name"],
            "responseKind": {"group": group, "version": number, "kind": row["kind"]},
            "scope": "Namespaced" if row["namespaced"] else "Cluster",
            "singularResource": row["singularName"],
            "verbs": row["verbs"],
        }
        for row in computed
    ]
    item: Obj = {"metadata": {"creationTimestamp": None}}
    if group:
        item["metadata"]["name"] = group
    return {**item, "versions": [{"version": number, "resources": resources, "freshness": "Current"}]}


def _aggregated_kind(kind: Kind) -> Obj:
    row: Obj = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.name},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _VERBS,
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if kind.categories:
        row["categories"] = list(kind.categories)
    below = [
        {
            "subresource": sub["name"],
            "responseKind": {
                "group": sub.get("group", kind.group),
                "version": sub.get("version", kind.version),
                "kind": sub["kind"],
            },
            "verbs": sub["verbs"],
        }
        for sub in _subresources(kind)
    ]
    return {**row, "subresources": below} if below else row
