"""Webhooks on the wire: where `@webhook-NAME` in a monitor's message leads, over the paths of Datadog's integration.

Those of the server's settings are shown too, and cannot be changed here. Payloads and headers of one's own are refused:
what is sent is Datadog's default payload.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_object, read_text
from oddsock.telemetry.store.documents import Documents

KIND = "webhook"
PATH = "/api/v1/integration/webhooks/configuration/webhooks"
WEBHOOKS_MAX, URL_LENGTH_MAX = 100, 2000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_REFUSED = ("payload", "custom_headers")


class Webhooks(Mapping[str, str]):
    """The URL of every webhook by its name: those of the settings before those that were made over the wire."""

    def __init__(self, given: Mapping[str, str], documents: Documents) -> None:
        self.given = given
        self._documents = documents

    def __getitem__(self, name: str) -> str:
        if name in self.given:
            return self.given[name]
        if (document := self._documents.get(KIND, name)) is None:
            raise KeyError(name)
        return str(document["url"])

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.given, *(one["name"] for one in self._documents.list(KIND))]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def put(self, name: str, url: str) -> None:
        """Keep a webhook, in the place of an older one of its name."""
        self._documents.put(KIND, name, {"name": name, "url": url})

    def remove(self, name: str) -> None:
        """Take a webhook away."""
        self._documents.delete(KIND, name)


def routes(webhooks: Webhooks) -> list[web.RouteDef]:
    """Make, read, change and delete a webhook."""

    async def create(request: web.Request) -> web.Response:
        fields = _read(await read_json(request))
        name = read_text(fields, "name", 100, wanted=True)
        if not _NAME.fullmatch(name):
            raise ApiError(400, "name begins with a letter and holds letters, digits, '_', '.' and '-'.")
        if name in webhooks:
            raise ApiError(400, f"There is a webhook {name} already: change it with PUT.")
        if len(webhooks) >= WEBHOOKS_MAX:
            raise ApiError(400, f"There are {WEBHOOKS_MAX} webhooks, which are the most: delete one first.")
        webhooks.put(name, _url_of(fields))
        return answer_json(_show(webhooks, name), 201)

    async def get(request: web.Request) -> web.Response:
        return answer_json(_show(webhooks, _find(webhooks, request)))

    async def update(request: web.Request) -> web.Response:
        name, fields = _own(webhooks, request), _read(await read_json(request))
        if fields.get("name", name) != name:
            raise ApiError(400, "A webhook keeps its name: make another.")
        webhooks.put(name, _url_of({"url": webhooks[name], **fields}))
        return answer_json(_show(webhooks, name))

    async def delete(request: web.Request) -> web.Response:
        webhooks.remove(_own(webhooks, request))
        return answer_json({})

    one = f"{PATH}/{{name}}"
    return [web.post(PATH, create), web.get(one, get), web.put(one, update), web.delete(one, delete)]


def _read(body: Any) -> dict[str, Any]:
    fields = read_object(body, "webhook")
    if given := next((name for name in _REFUSED if fields.get(name)), None):
        raise ApiError(400, f"{given} is not followed here: the default payload is sent. Leave it out.")
    if fields.get("encode_as") not in (None, "json"):
        raise ApiError(400, "encode_as must be json.")
    return fields


def _url_of(fields: dict[str, Any]) -> str:
    url = read_text(fields, "url", URL_LENGTH_MAX, wanted=True)
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ApiError(400, "url must be an address, such as https://example.org/alerts.")
    return url


def _find(webhooks: Webhooks, request: web.Request) -> str:
    name = request.match_info["name"]
    if name not in webhooks:
        raise ApiError(404, f"There is no webhook {name[:50]}.")
    return name


def _own(webhooks: Webhooks, request: web.Request) -> str:
    name = _find(webhooks, request)
    if name in webhooks.given:
        raise ApiError(400, f"The webhook {name} stands in the server's settings: change it there.")
    return name


def _show(webhooks: Webhooks, name: str) -> dict[str, Any]:
    return {"name": name, "url": webhooks[name], "encode_as": "json", "custom_headers": None, "payload": None}
