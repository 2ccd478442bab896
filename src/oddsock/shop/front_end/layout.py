"""What every page has: the frame, its navigation, the policy of its content, and forms that only our pages can send."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from oddsock.kit.money import dollars
from oddsock.shop.front_end import artwork
from oddsock.shop.front_end.desk import FrontDesk

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere."""

FORM_TOKEN = "form_token"
STALE_FORM = "This page was too old to be sent. Here it is anew; please send it once more."


@cache
def _templates() -> "Environment":
    # Imported with the first page: no start waits for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["dollars"] = dollars
    made.globals["draw"] = artwork.draw
    return made


def render(template: str, **values: object) -> str:
    """The page *template* filled with *values*, escaped."""
    frame: dict[str, object] = {"here": "", "is_logged_in": False, "message": "", "form_token": ""}
    return _templates().get_template(template).render(**{**frame, **values})


class Layout:
    """Makes pages for one desk."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    def page(self, request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
        """The page *template* for whoever asks; *status* is its HTTP status."""
        text = render(template, here=request.path, is_logged_in=self._desk.is_logged_in(request), **values)
        response = web.Response(text=text, status=status, content_type="text/html")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    def form_token(self, request: web.Request) -> str:
        """What the forms of a page carry, so that no other site can send them; begins a session when there is none."""
        return self._desk.sessions.form_token(self._desk.session(request))

    async def form(self, request: web.Request) -> dict[str, str] | None:
        """The fields of a form that one of our pages sent in this session; None for any other."""
        fields = {name: value.strip() for name, value in (await request.post()).items() if isinstance(value, str)}
        session = self._desk.sessions.find(request.cookies)
        if session is None or not self._desk.sessions.is_form_token(session, fields.get(FORM_TOKEN, "")):
            return None
        return fields


def see(path: str) -> web.Response:
    """Go to *path* of this shop after a form was taken (303)."""
    return web.Response(status=303, headers={"Location": path})
