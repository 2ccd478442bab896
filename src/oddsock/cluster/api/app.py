"""The API server as an application: who may ask, and which part answers."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from oddsock.cluster.api import apply, metrics, resources
from oddsock.cluster.api.context import CONTEXT, Context, PodDoors, PodLogs, ResolveService, context_of
from oddsock.cluster.api.discovery import HEALTH_PATHS, discover
from oddsock.cluster.api.evictions import serve_eviction
from oddsock.cluster.api.media import answer, answer_error, flag
from oddsock.cluster.api.paths import Target, target
from oddsock.cluster.api.pod_logs import serve_log
from oddsock.cluster.api.port_forwards import serve_port_forward
from oddsock.cluster.api.remote_commands import serve_attach, serve_exec
from oddsock.cluster.api.scale import serve_scale
from oddsock.cluster.api.service_proxy import serve_proxy
from oddsock.cluster.api.watches import watch
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import ApiError, MethodNotAllowed, NotFound, Unauthorised
from oddsock.cluster.store import Store
from oddsock.kit.clock import Clock
from oddsock.kit.http import guard

BODY_BYTES_MAX = 3 * 1024 * 1024
"""Largest request body, as a real API server has it."""

ACCOUNT = "/as/"
"""What a path begins with that carries a token."""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

_OBJECT: dict[str, Callable[[web.Request, Target], Awaitable[web.Response]]] = {
    "GET": resources.get,
    "PUT": resources.update,
    "PATCH": apply.patch,
    "DELETE": resources.delete,
}
_COLLECTION: dict[str, Callable[[web.Request, Target], Awaitable[web.Response]]] = {
    "GET": resources.list_objects,
    "POST": resources.create,
    "DELETE": resources.delete_collection,
}
_STATUS = {method: handler for method, handler in _OBJECT.items() if method != "DELETE"}


def build(
    store: Store,
    *,
    token: str,
    pod_logs: PodLogs,
    resolve_service: ResolveService,
    clock: Clock,
    pod_doors: PodDoors | None = None,
) -> web.Application:
    """The API server over *store*; every path but the health ones wants *token* as a bearer token."""
    app = web.Application(middlewares=[guard(), _answer_errors, _authenticate], client_max_size=BODY_BYTES_MAX)
    app[CONTEXT] = Context(store, token, pod_logs, resolve_service, clock, pod_doors=pod_doors)
    app.router.add_route("*", "/{path:.*}", _dispatch)
    app.cleanup_ctx.append(_open_client)
    app.on_shutdown.append(_end_watches)
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return answer_error(error)


@web.middleware
async def _authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    token = context_of(request).token
    path, given = account_of(request.raw_path)
    if given:
        request = request.clone(rel_url=URL(path, encoded=True))
    is_known = hmac.compare_digest(given.encode(), token.encode()) or has_token(
        request.headers.get("Authorization", ""), token
    )
    if request.path not in HEALTH_PATHS and not is_known:
        raise Unauthorised("Unauthorized")
    return await handler(request)


def account_of(raw_path: str) -> tuple[str, str]:
    """(path, token) of a path that begins with `/as/<token>`; an empty token when it does not.

    kubectl drops the user of a kubeconfig over plain HTTP, and its WebSockets refuse an account in the server's address
    (gorilla/websocket: "malformed ws or wss URL"), so the address has the token in its path.

    >>> account_of("/as/secret/api/v1/pods?watch=1")
    ('/api/v1/pods?watch=1', 'secret')
    """
    if not raw_path.startswith(ACCOUNT):
        return raw_path, ""
    token, _, rest = raw_path.removeprefix(ACCOUNT).partition("/")
    return f"/{rest}", token


def has_token(authorisation: str, token: str) -> bool:
    """Whether an Authorization header carries *token*, as a bearer token or as the password of any user.

    An account in a server's address (`http://oddsock:<token>@...`) arrives as Basic.
    """
    scheme, _, given = authorisation.partition(" ")
    secret = given.strip().encode()
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(secret, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(secret, token.encode())


async def _dispatch(request: web.Request) -> web.StreamResponse:
    # kr8s asks /version/ with a slash; both spellings mean the same.
    path = request.path.rstrip("/") or "/"
    if path == _REVIEWS:
        return _review(request)
    if path.startswith(metrics.ROOT):
        return await metrics.serve_metrics(request, path.removeprefix(metrics.ROOT))
    if request.method == "GET" and (about := discover(request, path)):
        return about
    found = target(path)
    match found.subresource:
        case "":
            return await _serve(request, found)
        case "status" if found.kind.has_status:
            return await _method(_STATUS, request)(request, found)
        case "scale":
            return await serve_scale(request, found)
        case "log" if found.kind.name == "Pod":
            return await serve_log(request, found)
        case "exec" if found.kind.name == "Pod":
            return await serve_exec(request, found)
        case "attach" if found.kind.name == "Pod":
            return await serve_attach(request, found)
        case "portforward" if found.kind.name == "Pod":
            return await serve_port_forward(request, found)
        case "eviction" if found.kind.name == "Pod":
            return await serve_eviction(request, found)
        case "proxy" if found.kind.name == "Node":
            return await metrics.serve_summary(request, found)
        case "proxy" if found.kind.name == "Service":
            return await serve_proxy(request, found)
    raise NotFound.resource()


async def _serve(request: web.Request, found: Target) -> web.StreamResponse:
    if request.method == "GET" and flag(request, "watch"):
        return await watch(request, found)
    if found.kind.namespaced and not found.namespace and (found.name or request.method == "POST"):
        raise NotFound.resource()
    return await _method(_OBJECT if found.name else _COLLECTION, request)(request, found)


def _method(
    served: dict[str, Callable[[web.Request, Target], Awaitable[web.Response]]], request: web.Request
) -> Callable[[web.Request, Target], Awaitable[web.Response]]:
    if request.method not in served:
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    return served[request.method]


def _review(request: web.Request) -> web.Response:
    # The body is not read (kubectl sends protobuf): whoever has the token may do everything.
    if request.method != "POST":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    status = {"allowed": True, "reason": "this cluster has no RBAC: its token may do everything"}
    body: Obj = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
    return answer({**body, "spec": {}, "status": status}, 201)


async def _open_client(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=100, force_close=True)
    app[CONTEXT].client = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
    yield
    if (client := app[CONTEXT].client) is not None:
        await client.close()


async def _end_watches(app: web.Application) -> None:
    context = app[CONTEXT]
    context.is_closing = True
    for open_watch in list(context.watches):
        open_watch.end()
    for socket in list(context.sockets):
        await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, message=b"the API server ends")
