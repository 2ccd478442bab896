"""/cases/{case}/orders: the ledger with the books side by side, and one of its rows with all that the books hold."""

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from oddsock.console.asked import number
from oddsock.console.cases.order_rows import OUTCOMES, choose, find_log_lines, find_order, list_order_lines, trace_of
from oddsock.console.cases.reading import choose_phase
from oddsock.console.cases.room import CaseRoom
from oddsock.console.page import Document, Page
from oddsock.kit.errors import OddsockError

PAGE_ROWS = 50
LOG_MARGIN_S = 5

BESIDE = ("status", "captured_cents", "refunded_cents", "parcels", "notices", "shown")


def routes(room: CaseRoom) -> list[web.RouteDef]:
    """The ledger and the page of one row, each with its twin."""

    async def read_ledger(request: web.Request) -> Document:
        return await show_ledger(room, request)

    async def read_order(request: web.Request) -> Document:
        return await show_order(room, request)

    pages = (
        Page("/cases/{case}/orders/{order}", "Order", "case_order.html", read_order, styles=("cases.css",)),
        Page("/cases/{case}/orders", "Orders", "case_orders.html", read_ledger, styles=("cases.css",)),
    )
    return [route for page in pages for route in page.routes()]


async def show_ledger(room: CaseRoom, request: web.Request) -> Document:
    """The rows of one phase that the address asks for, with what each outcome and class counts over all."""
    case = room.case_of(request)
    query = request.query
    phase, taken = choose_phase(case, query.get("phase", "").strip())
    asked = {name: query.get(name, "").strip() for name in ("outcome", "class", "q")}
    shown: dict[str, Any] = {
        **room.head(case, "orders"),
        **asked,
        "phase": phase,
        "taken": taken,
        "outcomes": OUTCOMES,
        "problem": "",
        "sums": None,
        "classes": {},
        "counts": {},
        "missing": {},
        "rows": [],
        "found": 0,
        "page": 1,
        "pages": 1,
    }
    if not phase:
        return shown
    try:
        reckoned = await room.reader.books(case, phase)
        lines = await room.reader.run(lambda: list_order_lines(reckoned))
    except OddsockError as cause:
        return {**shown, "problem": str(cause)}
    found = choose(lines, asked["outcome"], asked["class"], asked["q"])
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(number(query, "page", 1, 1, 1_000_000), pages)
    account = reckoned.account
    sums = ("attempts", "balanced", "odd", "not_placed", "indeterminate", "carried_over", "taken_at")
    return {
        **shown,
        "sums": {name: getattr(account, name) for name in sums},
        "classes": account.odd_by_class,
        "counts": dict(Counter(line.outcome for line in lines)),
        "missing": reckoned.books.ledger.missing,
        "rows": found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        "found": len(found),
        "page": page,
        "pages": pages,
    }


async def show_order(room: CaseRoom, request: web.Request) -> Document:
    """Everything of one row in one phase, beside what the earlier phases had of it."""
    case = room.case_of(request)
    ref = request.match_info["order"]
    phase, taken = choose_phase(case, request.query.get("phase", "").strip())
    reckoned = await room.reader.books(case, phase) if phase else None
    found = find_order(reckoned, ref) if reckoned else None
    if found is None:
        raise web.HTTPNotFound(
            text=f"The books of this case, {phase or 'of which none were kept'}, hold no order {ref}."
        )
    words = [found.line.order_id, *(attempt.request_id for attempt in found.line.attempts)]
    lines = await room.reader.run(lambda: find_log_lines(case, words))
    earlier = []
    for other in taken:
        page = find_order(await room.reader.books(case, other), ref) if other != phase else found
        if page is not None:
            line = page.line
            earlier.append({"phase": other, "outcome": line.outcome, "headline": line.headline}
                           | {name: getattr(line, name) for name in BESIDE})  # fmt: skip
    traces = list(dict.fromkeys(filter(None, (trace_of(attempt) for attempt in found.line.attempts))))
    return {
        **room.head(case, "orders"),
        "phase": phase,
        "ref": ref,
        "order": found,
        "beside": earlier,
        "lines": lines,
        "logs": link_logs(found.line.order_id or ref, found.span),
        "traces": [{"id": trace, "href": link_logs(trace, found.span)} for trace in traces],
    }


def link_logs(words: str, span: tuple[str, str]) -> str:
    """The page Logs for *words* over *span*.

    >>> link_logs("6b06", ("2026-01-31T08:30:00.000Z", ""))
    '/logs?query=6b06'
    """
    first, last = span
    times = {"from": first, "to": last} if first and last else {}
    return f"/logs?{urlencode({'query': words, **times})}"
