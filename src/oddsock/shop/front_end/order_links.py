"""The four URLs of an order request, as each dialect comes by them.

`power` builds them from the customer's id. `weave` reads the customer, follows the links to their addresses and cards
and takes the first of each; who has none orders with null, which orders refuses. Source: front-end/api/orders/index.js.
"""

from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.shop.front_end.desk import CARTS, USER, ExpressError, FrontDesk


async def order_links(desk: FrontDesk, request: web.Request) -> dict[str, str | None]:
    """The body of POST /orders for the session's customer; NoAnswer, ExpressError when user's answer has no links."""
    customer = quote(desk.customer_id(request), safe="")
    items = f"{CARTS}/{customer}/items"
    if not desk.is_weave:
        return {
            "customer": f"{USER}/customers/{customer}",
            "address": f"{USER}/addresses/{customer}",
            "card": f"{USER}/cards/{customer}",
            "items": items,
        }
    found = (await desk.call(request, "GET", f"{USER}/customers/{customer}")).read(dict[str, Any])
    addresses = await desk.call(request, "GET", _href(found, "addresses"))
    cards = await desk.call(request, "GET", _href(found, "cards"))
    return {
        "customer": _href(found, "customer"),
        "address": _first(addresses.read(dict[str, Any]), "address"),
        "card": _first(cards.read(dict[str, Any]), "card"),
        "items": items,
    }


def _href(entity: dict[str, Any], name: str) -> str:
    links = entity.get("_links")
    link = links.get(name) if isinstance(links, dict) else None
    href = str(link.get("href") or "") if isinstance(link, dict) else ""
    # A link that leads elsewhere is not followed: it came in a body.
    if not href.startswith(f"{USER}/"):
        raise ExpressError(f"Cannot read property 'href' of {name}")
    return href


def _first(document: dict[str, Any], kind: str) -> str | None:
    embedded = document.get("_embedded")
    rows = embedded.get(kind) if isinstance(embedded, dict) else None
    return _href(rows[0], "self") if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
