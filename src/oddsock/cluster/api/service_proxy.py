"""The way to a Service through the API server: /api/v1/namespaces/NS/services/[SCHEME:]NAME[:PORT]/proxy/PATH.

https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

import aiohttp
from aiohttp import web
from yarl import URL

from oddsock.cluster.api.context import context_of
from oddsock.cluster.api.paths import Target
from oddsock.cluster.status import ServiceUnavailable

PROXY_TIMEOUT_S = 60.0
"""Wall seconds one proxied call may take."""

_CHUNK_BYTES = 65536
_OWN_HEADERS = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "authorization",
        "host",
        "content-length",
        "origin",
    }
)


async def serve_proxy(request: web.Request, target: Target) -> web.StreamResponse:
    """Pass the request on to the Service's real address and its answer back; 503 when nobody listens."""
    context = context_of(request)
    name, port = service_and_port(target.name)
    context.store.get("Service", target.namespace, name)
    address = await context.resolve_service(target.namespace, name, port)
    if address is None or context.client is None:
        raise ServiceUnavailable(f'no endpoints available for service "{target.name}"')
    url = URL(f"http://{address[0]}:{address[1]}{_path_below(request.raw_path)}", encoded=True)
    headers = [(key, value) for key, value in request.headers.items() if key.lower() not in _OWN_HEADERS]
    body = await request.read()
    try:
        async with context.client.request(
            request.method,
            url,
            headers=headers,
            data=body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=PROXY_TIMEOUT_S),
        ) as answered:
            response = web.StreamResponse(status=answered.status, reason=answered.reason)
            for key, value in answered.headers.items():
                if key.lower() not in _OWN_HEADERS - {"content-length"}:
                    response.headers.add(key, value)
            await response.prepare(request)
            async for chunk in answered.content.iter_chunked(_CHUNK_BYTES):
                await response.write(chunk)
            return response
    except (aiohttp.ClientError, TimeoutError) as cause:
        raise ServiceUnavailable(f"error trying to reach service: {cause}") from cause


def service_and_port(text: str) -> tuple[str, str]:
    """(name, port) of `name`, `name:port` or `http:name:port`; an empty port when none is named.

    >>> service_and_port("http:payment:80")
    ('payment', '80')
    """
    parts = text.split(":")
    return (parts[1], parts[2]) if len(parts) == 3 else (parts[0], parts[1] if len(parts) == 2 else "")


def _path_below(raw_path: str) -> str:
    # As it was sent: decoding and encoding again would change what the Service sees.
    path, mark, query = raw_path.partition("?")
    return "/" + path.partition("/proxy")[2].removeprefix("/") + mark + query
