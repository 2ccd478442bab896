"""One page: what it reads, shown as HTML and as its `.json` twin; what is refused, told in the same frame.

A page is a row: its path, its template, and a function that reads a document from a request. The document is what the
twin shows and what the template is filled with, so that neither can say what the other does not.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from oddsock.clients.datadog.errors import QueryRefused
from oddsock.console.access import CSRF_FIELD, csrf_of
from oddsock.console.magnitude import write_magnitude
from oddsock.kit.errors import Forbidden, OddsockError, QueryError, Unreachable, UsageError
from oddsock.kit.money import dollars

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere."""

PLOT_STYLES = ("vendor/uPlot.min.css", "plot.css")
"""The style sheets of a page that has charts; its script imports `plot` from plot.js."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

NAVIGATION = (
    ("/", "Now"),
    ("/cases", "Cases"),
    ("/logs", "Logs"),
    ("/metrics", "Metrics"),
    ("/events", "Events"),
    ("/infrastructure", "Infrastructure"),
    ("/dashboards", "Dashboards"),
    ("/monitors", "Monitors"),
    ("/matrix", "Matrix"),
)

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
"""How a browser without JavaScript sends a change."""

Document = Mapping[str, Any]
Read = Callable[[web.Request], Awaitable[Document]]


@dataclass(frozen=True)
class Page:
    """One page: *read* gives the document; *scripts* and *styles* are files of static/ besides the frame's own.

    *path* may hold parameters such as `{case}`; its twin is the same path with `.json` behind it, `/now.json` for `/`.
    """

    path: str
    title: str
    template: str
    read: Read
    scripts: Sequence[str] = ()
    styles: Sequence[str] = ()

    @property
    def twin(self) -> str:
        """The path of the `.json` twin."""
        return "/now.json" if self.path == "/" else f"{self.path}.json"

    def routes(self) -> list[web.RouteDef]:
        """The twin before the page: `{case}` would take its name otherwise."""
        return [web.get(self.twin, self._tell), web.get(self.path, self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        document = await self.read(request)
        text = render(
            request, self.template, title=self.title, scripts=self.scripts, styles=self.styles, page=plain(document)
        )
        # A page that shows what was wrong with the question, so that it can be put right, says so by its status too.
        status = 400 if document.get("refused") else 200
        return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)

    async def _tell(self, request: web.Request) -> web.Response:
        return answer(await self.read(request))


def answer(document: object, status: int = 200) -> web.Response:
    """*document* as JSON."""
    return web.Response(
        body=msgspec.json.encode(document), status=status, content_type="application/json", headers=HEADERS
    )


def plain(document: object) -> Any:
    """*document* as dictionaries, lists, strings and numbers only, as JSON would have it."""
    return msgspec.to_builtins(document, str_keys=True)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["dollars"] = dollars
    made.filters["magnitude"] = write_magnitude
    made.filters["data_block"] = data_block
    return made


def data_block(document: object) -> Markup:
    """*document* as JSON that can stand inside `<script type="application/json">`, whatever its strings hold.

    >>> data_block({"a": "</script>"})
    Markup('{"a":"\\\\u003c/script>"}')
    """
    return Markup(msgspec.json.encode(document).decode().replace("<", "\\u003c"))


def render(request: web.Request, template: str, **values: object) -> str:
    """The page *template* filled with *values*, escaped, in the frame."""
    shelf = request.path.replace("/compare", "/cases")
    here = next((path for path, _ in NAVIGATION[1:] if shelf.startswith(path)), "/")
    twin = f"/now.json{_question(request)}" if request.path == "/" else f"{request.path}.json{_question(request)}"
    frame: dict[str, object] = {
        "here": here,
        "twin": twin,
        "navigation": NAVIGATION,
        "csrf": csrf_of(request),
        "csrf_field": CSRF_FIELD,
        "scripts": (),
        "styles": (),
    }
    return _templates().get_template(template).render(**{**frame, **values})


def _question(request: web.Request) -> str:
    return f"?{request.query_string}" if request.query_string else ""


def refusals() -> Middleware:
    """Turns the house's errors into a page, or JSON where JSON was asked for: 400, 403, 404, 409, 502."""

    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (QueryRefused, QueryError) as refused:
            return refuse(request, 400, refused.sentence, refused.hint, refused.column)
        except OddsockError as cause:
            return refuse(request, _status(cause), cause.sentence, cause.hint)
        except web.HTTPException as cause:
            if cause.status < 400 or cause.status in (401,):
                raise
            return refuse(request, cause.status, cause.text or cause.reason, "")

    return tell


def _status(cause: OddsockError) -> int:
    if isinstance(cause, UsageError):
        return 400
    if isinstance(cause, Forbidden):
        return 403
    return 502 if isinstance(cause, Unreachable) else 409


def refuse(request: web.Request, status: int, sentence: str, hint: str, column: int | None = None) -> web.Response:
    """The refusal {"error": {sentence, hint, column}}, as a page or as JSON."""
    is_form = request.content_type in FORMS and "html" in request.headers.get("Accept", "")
    is_change = request.method != "GET" and not is_form
    if request.path.endswith(".json") or is_change or "json" in request.headers.get("Accept", ""):
        return answer({"error": {"sentence": sentence, "hint": hint, "column": column}}, status)
    text = render(request, "refusal.html", title="Not possible", sentence=sentence, hint=hint, status=status)
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
