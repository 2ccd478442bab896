"""What is asked of the Kubernetes API, with a bearer token, when a stack does not come up."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from oddsock.kit.errors import CannotRun, Unreachable
from oddsock.stack import manifests

CALL_S_MAX = 10.0
"""Wall seconds one call to the API server may take."""


def what_is_missing(server: str, token: str, namespace: str) -> str:
    """The deployments and Services of *namespace* that are not there yet, and the newest warning about one of them."""
    deployments = _list(server, token, f"/apis/apps/v1/namespaces/{namespace}/deployments")
    services = _list(server, token, f"/api/v1/namespaces/{namespace}/services")
    told = manifests.service_urls(services)
    names = [one["metadata"]["name"] for one in deployments if not manifests.is_available(one)]
    silent = [one["metadata"]["name"] for one in services if one["metadata"]["name"] not in told]
    missing = sorted({*names, *silent})
    events = _list(server, token, f"/api/v1/namespaces/{namespace}/events")
    return ", ".join(missing) + manifests.last_warning(events, missing)


def _list(server: str, token: str, path: str) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=CALL_S_MAX)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = json.load(answer)
    except (OSError, ValueError, http.client.HTTPException) as cause:
        raise Unreachable("The API server", server, cause) from cause
    finally:
        connection.close()
    if answer.status != 200:
        raise CannotRun(f"GET {path} was answered {answer.status}: {body.get('message', body)}.")
    return list(body["items"])
