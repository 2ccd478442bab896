"""The few calls that bring manifests up, over the Kubernetes API with a bearer token."""

from typing import Any

import aiohttp

from oddsock.kit.errors import CannotRun, Unreachable
from oddsock.kit.http import session

CALL_S_MAX = 10.0
"""Wall seconds one call to the API server may take."""


class ApiDoor:
    """One API server at *server*, entered with *token*."""

    def __init__(self, server: str, token: str) -> None:
        self.server = server
        self._session = session(timeout_s=CALL_S_MAX, headers={"Authorization": f"Bearer {token}"})
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    async def close(self) -> None:
        """Let the connections go."""
        await self._session.close()

    async def get(self, path: str) -> dict[str, Any]:
        """The object or list at *path*; CannotRun with the server's message when it refuses."""
        status, body = await self._call("GET", path)
        if status != 200:
            raise CannotRun(f"GET {path} was answered {status}: {body.get('message', body)}.")
        return body

    async def create(self, document: dict[str, Any]) -> bool:
        """Create *document*; False when an object of that name exists already and was left as it is."""
        path = await self._collection(document)
        status, body = await self._call("POST", path, document)
        if status == 409:
            return False
        if status not in (200, 201):
            name = f"{document['kind']}/{document['metadata']['name']}"
            raise CannotRun(f"{name} was refused with {status}: {body.get('message', body)}.")
        return True

    async def _collection(self, document: dict[str, Any]) -> str:
        """The path of the collection that *document* belongs into, as the server's own discovery names it."""
        version, kind = document["apiVersion"], document["kind"]
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        if (version, kind) not in self._plurals:
            for found in (await self.get(root))["resources"]:
                if "/" not in found["name"]:
                    self._plurals[version, found["kind"]] = (found["name"], found["namespaced"])
        if (version, kind) not in self._plurals:
            raise CannotRun(f"The cluster knows no {kind} of {version}.")
        plural, is_namespaced = self._plurals[version, kind]
        if not is_namespaced:
            return f"{root}/{plural}"
        return f"{root}/namespaces/{document['metadata'].get('namespace', 'default')}/{plural}"

    async def _call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        try:
            async with self._session.request(method, self.server + path, json=body) as answer:
                return answer.status, await answer.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError) as cause:
            raise Unreachable("The API server", self.server, cause or "no answer in time") from cause
