"""/cases and /compare: every case as a row, and two of them side by side."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from oddsock.console.asked import choice, number
from oddsock.console.cases.room import CaseRoom
from oddsock.console.cases.tally import Tally
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import Page
from oddsock.console.pages import case, case_orders
from oddsock.drill.report.document import Report

PAGE_ROWS = 25
STATES = ("any", "running", "completed", "interrupted", "aborted", "failed", "killed", "damaged")
ODD = ("any", "left", "none", "unknown")


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """The list, the comparison, and every page of one case."""
    room = CaseRoom(desk)

    async def read_list(request: web.Request) -> dict[str, Any]:
        return show_list(await room.tallies(), request)

    async def read_comparison(request: web.Request) -> dict[str, Any]:
        names = {key: request.query.get(key, "").strip() for key in ("a", "b")}
        sides = [await _side(room, names[key]) for key in names if names[key]]
        rows = await room.tallies()
        return {"a": names["a"], "b": names["b"], "names": [row.name for row in rows], "sides": sides, **_rows(sides)}

    listed = Page("/cases", "Cases", "cases.html", read_list, styles=("cases.css",))
    compared = Page(
        "/compare",
        "Two cases side by side",
        "compare.html",
        read_comparison,
        scripts=("case_timeline.js",),
        styles=("cases.css",),
    )
    return [*listed.routes(), *compared.routes(), *case_orders.routes(room), *case.routes(room, followers)]


def show_list(rows: Iterable[Tally], request: web.Request) -> dict[str, Any]:
    """The page of *rows* that the address asks for: filtered, paged, newest first."""
    query = request.query
    text = query.get("q", "").strip()
    state = choice(query, "state", "any", STATES)
    odd = choice(query, "odd", "any", ODD)
    rows = list(rows)
    found = [row for row in rows if _is_wanted(row, text.lower(), state, odd)]
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(number(query, "page", 1, 1, 1_000_000), pages)
    return {
        "q": text,
        "state": state,
        "odd": odd,
        "states": STATES,
        "odds": ODD,
        "page": page,
        "pages": pages,
        "found": len(found),
        "total": len(rows),
        "rows": found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
    }


def _is_wanted(row: Tally, text: str, state: str, odd: str) -> bool:
    if state not in ("any", row.state):
        return False
    if odd == "unknown" and row.odd_left is not None:
        return False
    if odd in ("left", "none") and (row.odd_left is None or (row.odd_left > 0) != (odd == "left")):
        return False
    return not text or text in f"{row.name} {row.plan} {row.title} {row.ended_how}".lower()


async def _side(room: CaseRoom, name: str) -> dict[str, Any]:
    """One of two cases: its row, and of its report what is compared."""
    found = room.shelf.find(name)
    row = await room.reader.run(lambda: room.tally(found))
    report, problem = await room.report(found)
    chart = await room.chart(found, report)
    return {"tally": row, "problem": problem, "chart": chart, **(_figures(report) if report else {"figures": {}})}


def _figures(report: Report) -> dict[str, Any]:
    impact, recovery = report.impact, report.recovery
    return {
        "figures": {
            "orders attempted in the window": impact.orders_attempted,
            "orders failed": impact.orders_failed,
            "customers affected": impact.customers_affected,
            "at risk": {"cents": impact.at_risk_cents},
            "untold": impact.untold,
            "shown wrong": impact.shown_wrong,
            "odd after the heal": report.odd.before_total,
            "odd after the mend": report.odd.after_total,
            "carried over": report.odd.carried_over_total,
            "mended: paid": recovery.paid,
            "mended: declined": recovery.declined,
            "collected": {"cents": recovery.collected_cents},
            **{span.name: span.duration.text if span.duration else None for span in impact.times},
        },
        "classes": report.odd.before,
        "classes_after": report.odd.after,
        "verdicts": report.verdicts,
    }


def _rows(sides: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures and odd classes as rows of one value a side."""
    names = list(dict.fromkeys(name for side in sides for name in side["figures"]))
    classes = sorted({name for side in sides for name in side.get("classes", {})})
    return {
        "figures": [_row(name, [side["figures"].get(name) for side in sides]) for name in names],
        "classes": [
            {
                "name": name,
                "values": [
                    {
                        "before": side.get("classes", {}).get(name, 0),
                        "after": side.get("classes_after", {}).get(name, 0),
                    }
                    for side in sides
                ],
            }
            for name in classes
        ],
    }


def _row(name: str, values: list[Any]) -> dict[str, Any]:
    return {"name": name, "values": values, "differs": any(value != values[0] for value in values)}
