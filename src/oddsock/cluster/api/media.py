"""Bodies in and out: which media type is asked for, which is sent, and who says to be the writer."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from oddsock.cluster.api import protobuf
from oddsock.cluster.kinds import Obj
from oddsock.cluster.schema import prune
from oddsock.cluster.status import ApiError, BadRequest, NotAcceptable, UnsupportedMediaType

JSON = "application/json"
OBJECTS = frozenset({JSON, "application/yaml", protobuf.MEDIA_TYPE})
"""Media types that a whole object may have."""
_WRITTEN = frozenset({JSON, "application/*", "*/*", "text/plain"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first media type of an Accept header that this server can write; *form* is what `as=` asked for."""

    form: str = ""
    version: str = ""

    @property
    def is_table(self) -> bool:
        """Whether rows of text cells are wanted."""
        return self.form == "Table"


def wanted(request: web.Request, forms: frozenset[str] = frozenset()) -> Wanted:
    """What *request* accepts first among plain JSON and the JSON *forms*; NotAcceptable when nothing fits."""
    accept = ",".join(request.headers.getall("Accept", [])) or JSON
    for entry in accept.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        values = dict(part.partition("=")[::2] for part in parameters)
        if name not in _WRITTEN:
            continue
        form = values.get("as", "")
        if not form:
            return Wanted()
        if form in forms:
            return Wanted(form, values.get("v", ""))
    raise NotAcceptable(f"only the following media types are accepted: {JSON}")


async def read_object(request: web.Request) -> Obj:
    """The object in the body of *request* (JSON, YAML or protobuf); UnsupportedMediaType for anything else."""
    body = await read_body(request, OBJECTS)
    if not isinstance(body, dict):
        raise BadRequest("the body of the request is not an object")
    return body


async def read_body(request: web.Request, accepted: frozenset[str]) -> Any:
    """The decoded body of *request* if its media type is one of *accepted*; None when it is empty."""
    raw = await request.read()
    if not raw:
        return None
    # aiohttp calls a missing type octet-stream; curl sends forms: Kubernetes takes JSON for granted then.
    media = request.content_type if "Content-Type" in request.headers else JSON
    if media not in accepted:
        listed = ", ".join(sorted(accepted))
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {listed}"
        )
    if media == protobuf.MEDIA_TYPE:
        return protobuf.read(raw)
    try:
        return _read_yaml(raw) if media.endswith("yaml") else json.loads(raw)
    except ValueError as cause:
        raise BadRequest(f"error decoding the body: {cause}") from cause


def _read_yaml(raw: bytes) -> Any:
    # Not before the first such body: importing it takes as long as a third of the whole API.
    import yaml

    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError as cause:
        raise BadRequest(f"error decoding the body: {cause}") from cause


def answer(obj: Obj, code: int = 200) -> web.Response:
    """*obj* as a JSON answer."""
    body = json.dumps(obj, separators=(",", ":"), ensure_ascii=False)
    return web.Response(text=body + "\n", status=code, content_type=JSON)


def answer_error(error: ApiError) -> web.Response:
    """The Status of *error* under its code."""
    return answer(error.as_status(), error.code)


def drop_unknown(request: web.Request, obj: Obj) -> list[str]:
    """Take fields that its kind does not have out of *obj*, as `fieldValidation` says; the sentences to warn with.

    BadRequest for Strict when there is one; Warn is the default, Ignore says nothing.
    """
    mode = request.query.get("fieldValidation") or "Warn"
    if mode not in {"Strict", "Warn", "Ignore"}:
        raise BadRequest(f'fieldValidation: Unsupported value: "{mode}": supported values: "Ignore", "Strict", "Warn"')
    sentences = [f'unknown field "{path}"' for path in prune(obj)]
    if mode == "Strict" and sentences:
        kind, version = obj.get("kind"), str(obj.get("apiVersion", "")).rpartition("/")[2]
        where = f'{kind} in version "{version}" cannot be handled as a {kind}'
        raise BadRequest(f"{where}: strict decoding error: {', '.join(sentences)}")
    return sentences if mode == "Warn" else []


def with_warnings(response: web.Response, sentences: Iterable[str]) -> web.Response:
    """*response* with a Warning header for each of *sentences*, which kubectl prints."""
    for sentence in sentences:
        quoted = sentence.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


def field_manager(request: web.Request) -> str:
    """Who writes: the fieldManager parameter, else the first word of the User-Agent."""
    agent = request.headers.get("User-Agent", "").split("/", 1)[0]
    return request.query.get("fieldManager") or agent or "unknown"


def is_dry_run(request: web.Request) -> bool:
    """Whether nothing may be kept; BadRequest for a dryRun other than All."""
    values = request.query.getall("dryRun", [])
    if any(value not in {"All", ""} for value in values):
        raise BadRequest(f"invalid dryRun: {values}: supported values: All")
    return "All" in values


def flag(request: web.Request, name: str) -> bool:
    """A boolean query parameter; present without a value counts as true."""
    return request.query.get(name, "false").lower() in {"", "1", "true", "t"}


def number(request: web.Request, name: str) -> int | None:
    """A whole-number query parameter, None when absent; BadRequest when it is no number or negative."""
    text = request.query.get(name, "")
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f"invalid {name}: {text!r} is no whole number of at least 0")
    return int(text)
