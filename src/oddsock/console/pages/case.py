"""/cases/{case}: one case in tabs, each with an address of its own; its files; and the stream that follows it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web

from oddsock.console.asked import choice, number
from oddsock.console.cases.chart import HistoryChart
from oddsock.console.cases.reading import choose_phase
from oddsock.console.cases.room import CaseRoom
from oddsock.console.cases.shelf import name_of
from oddsock.console.cases.tail import Tail
from oddsock.console.live import Event, Followers
from oddsock.console.page import HEADERS, Document, Page, answer
from oddsock.drill.case import Case, read_kept_plan
from oddsock.drill.mend_action import MendOptions
from oddsock.drill.mend_plan import plan_mend
from oddsock.drill.plan_fields import Replay
from oddsock.drill.report.folder import read_json_lines
from oddsock.kit.clock import instant, iso
from oddsock.kit.errors import OddsockError, UsageError

ROWS = 100
CUSTOMERS = 25
REPLAYS: dict[str, Replay] = {"ask": "ask", "all": "all", "latest": "latest"}
KINDS = ("any", "main", "fault", "heal", "attempt", "answer", "status", "money", "parcel", "notice", "event", "step")
AFTER = ("after-heal", "after-mend")
STILL_LIVE_EVERY = 4
"""Polls of a history between two looks at whether somebody still writes it."""

SCRIPTS = ("case_timeline.js", "case.js")
STYLES = ("cases.css",)

FILES = {
    "report.html": "text/html",
    "report.md": "text/plain",
    "report.json": "application/json",
    "report.xml": "text/plain",
    "plan.yaml": "text/plain",
    "history.jsonl": "text/plain",
    "undo.jsonl": "text/plain",
    "mend.jsonl": "text/plain",
    "case.json": "application/json",
}
"""The files of a case that are given out, and as what; XML as text, because a browser would run what it styles."""

REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""A report is one file with its style inside: it may do nothing but be looked at."""


def routes(room: CaseRoom, followers: Followers) -> list[web.RouteDef]:
    """Every tab, the files, the stream and the mend."""
    tabs = _Tabs(room)

    async def follow(request: web.Request) -> web.StreamResponse:
        return await followers.stream(request, follow_case(room, room.case_of(request)))

    async def give_file(request: web.Request) -> web.FileResponse:
        return give(room.case_of(request), request.match_info["file"])

    async def mend(request: web.Request) -> web.Response:
        return await begin_mend(room, request)

    def tab(path: str, title: str, template: str, read: Any) -> list[web.RouteDef]:
        page = Page(f"/cases/{{case}}{path}", title, template, read, scripts=SCRIPTS, styles=STYLES)
        return page.routes()

    return [
        *tab("/timeline", "Timeline", "case_timeline.html", tabs.timeline),
        *tab("/customers", "Customers", "case_customers.html", tabs.customers),
        *tab("/mend", "Mend", "case_mend.html", tabs.mend),
        *tab("/telemetry", "Telemetry", "case_telemetry.html", tabs.telemetry),
        *tab("/report", "Report", "case_report.html", tabs.report),
        web.post("/cases/{case}/mend", mend),
        web.get("/cases/{case}/stream", follow),
        web.get("/cases/{case}/files/{file}", give_file),
        *tab("", "Case", "case.html", tabs.verdicts),
    ]


class _Tabs:
    """What each tab shows."""

    def __init__(self, room: CaseRoom) -> None:
        self._room = room

    async def verdicts(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        report, problem = await self._room.report(case)
        shown = {**self._room.head(case, ""), "problem": problem, "report": None, **await self._live(case)}
        if report is None:
            return shown
        parts = (
            "header", "summary", "verdicts", "impact", "attempts", "odd", "invariants", "closure", "detection",
            "recovery",
        )  # fmt: skip
        kept = {name: getattr(report, name) for name in parts}
        odd = msgspec.structs.replace(report.odd, findings=[])
        return {**shown, "report": {**kept, "odd": odd}}

    async def _live(self, case: Case) -> Document:
        """Counts, lines and the chart of a case that still runs; nothing of one that does not."""
        if not self._room.is_live(case, case.meta):
            return {"live": None}
        drawn = HistoryChart(case.meta.speed)
        drawn.take(await self._room.reader.history(case))
        return {"live": {"counts": drawn.counts, "lines": drawn.lines[::-1], "chart": drawn.chart()}}

    async def timeline(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        report, problem = await self._room.report(case)
        query = request.query
        span = _span(query.get("from", ""), query.get("to", ""))
        chart = await self._room.chart(case, report, span)
        kind, text = choice(query, "kind", "any", KINDS), query.get("q", "").strip()
        rows = [row for row in report.timeline if _is_in(row, span, kind, text.lower())] if report else []
        page, pages = _page(request, len(rows), ROWS)
        return {
            **self._room.head(case, "timeline"),
            "problem": problem,
            **await self._live(case),
            "from": span[0],
            "to": span[1],
            "kind": kind,
            "kinds": KINDS,
            "q": text,
            "chart": chart,
            "rows": rows[(page - 1) * ROWS : page * ROWS],
            "found": len(rows),
            "page": page,
            "pages": pages,
            "moves": _moves(chart.from_at, chart.to_at),
        }

    async def customers(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        report, problem = await self._room.report(case)
        text = request.query.get("q", "").strip()
        found = [one for one in report.customers if text.lower() in one.username.lower()] if report else []
        page, pages = _page(request, len(found), CUSTOMERS)
        return {
            **self._room.head(case, "customers"),
            "problem": problem,
            "q": text,
            "found": len(found),
            "page": page,
            "pages": pages,
            "customers": found[(page - 1) * CUSTOMERS : page * CUSTOMERS],
        }

    async def mend(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        planned = read_kept_plan(case.path).get("recovery") or {}
        default = str((planned.get("mend") or {}).get("replay") or "ask")
        replay = choice(request.query, "replay", default if default in REPLAYS else "ask", tuple(REPLAYS))
        carried_over = request.query.get("carried_over", "") == "1"
        live = self._room.is_live(case, case.meta)
        plan, phase, problem = None, "", ""
        if not live:
            try:
                phase, _ = choose_phase(case, "")
                if phase in AFTER:
                    reckoned = await self._room.reader.books(case, phase)
                    options = MendOptions(replay=REPLAYS[replay], carried_over=carried_over)
                    plan = await self._room.reader.run(
                        lambda: plan_mend(reckoned.account, reckoned.books.ledger, options)
                    )
            except OddsockError as cause:
                problem = str(cause)
        done = await self._room.reader.run(lambda: read_json_lines(case.path / "mend.jsonl"))
        return {
            **self._room.head(case, "mend"),
            **await self._live(case),
            "problem": problem,
            "phase": phase,
            "replay": replay,
            "replays": tuple(REPLAYS),
            "carried_over": carried_over,
            "plan": plan,
            "texts": [action.text for action in plan.actions] if plan else [],
            "questions": [question.text for question in plan.questions] if plan else [],
            "left": [each.text for each in plan.left] if plan else [],
            "why_not": "" if live else await self._room.runs.why_not(case),
            "done": [
                {name: str(one.get(name) or "") for name in ("at", "action", "result", "sentence", "key")}
                for one in done
                if one.get("kind") == "result"
            ][-ROWS:],
        }

    async def telemetry(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        report, problem = await self._room.report(case)
        groups: dict[str, list[Any]] = {}
        for row in report.evidence if report else []:
            groups.setdefault(row.group, []).append(row)
        verdicts = [row.verdict for row in report.evidence] if report else []
        return {
            **self._room.head(case, "telemetry"),
            "problem": problem,
            "counts": {name: verdicts.count(name) for name in ("seen", "not seen", "no evidence")},
            "groups": [{"name": name, "rows": rows} for name, rows in groups.items()],
        }

    async def report(self, request: web.Request) -> Document:
        case = self._room.case_of(request)
        files = [
            {"name": name, "bytes": (case.path / name).stat().st_size, "href": f"/cases/{name_of(case)}/files/{name}"}
            for name in FILES
            if (case.path / name).is_file()
        ]
        return {**self._room.head(case, "report"), "files": files, "has_report": (case.path / "report.html").is_file()}


def give(case: Case, name: str) -> web.FileResponse:
    """The file *name* of *case*, one of FILES; HTTPNotFound when there is no such file."""
    path = case.path / name
    if name not in FILES or not path.is_file() or path.is_symlink():
        raise web.HTTPNotFound(text=f"This case has no file {name} to give out.")
    policy = REPORT_POLICY if name == "report.html" else "sandbox; default-src 'none'"
    kind = FILES[name]
    headers = {**HEADERS, "Content-Security-Policy": policy, "Content-Type": f"{kind}; charset=utf-8"}
    if name != "report.html":
        headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.FileResponse(path, headers=headers)


async def begin_mend(room: CaseRoom, request: web.Request) -> web.Response:
    """POST {replay, carried_over}, as JSON (202 with the run) or as a form (303 back to the tab)."""
    case = room.case_of(request)
    is_json = request.content_type == "application/json"
    told: Any = await _json(request) if is_json else await request.post()
    replay = choice({"replay": str(told.get("replay", ""))}, "replay", "ask", tuple(REPLAYS))
    run = await room.runs.begin(case, replay, told.get("carried_over") in (True, "1", "on"))
    if is_json:
        return answer(run, 202)
    return web.Response(status=303, headers={**HEADERS, "Location": f"/cases/{name_of(case)}/mend"})


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.DecodeError as cause:
        raise UsageError(f"The body is no JSON object: {cause}.") from cause


async def follow_case(room: CaseRoom, case: Case) -> AsyncIterator[Event]:
    """What is written into the history of *case* until nobody writes it: `lines`, and `over` at the end."""
    clock, poll_s = room.desk.clock, room.desk.settings.case_poll_s
    tail, drawn, polls = Tail(case.path / "history.jsonl"), HistoryChart(case.meta.speed), 0
    while True:
        live = polls % STILL_LIVE_EVERY != 0 or await asyncio.to_thread(lambda: room.is_live(case, case.meta))
        polls += 1
        entries = await asyncio.to_thread(tail.read_new)
        if entries:
            marks, lines = drawn.take(entries)
            yield (
                "lines",
                {
                    "marks": marks[-1000:],
                    "bands": list(drawn.bands.values()),
                    "counts": drawn.counts,
                    "lines": lines,
                    "origin_at": drawn.chart().origin_at,
                },
            )
        elif not live:
            yield "over", {"run": room.runs.of(name_of(case))}
            return
        if not entries or tail.is_at_end:
            await clock.sleep(poll_s * clock.speed)


def _span(from_at: str, to_at: str) -> tuple[str, str]:
    """Both instants of the address as the chart has them; UsageError for one that is none."""
    try:
        first, last = (iso(instant(at.strip())) if at.strip() else "" for at in (from_at, to_at))
    except ValueError as cause:
        raise UsageError(
            f"from and to cannot be {from_at!r} and {to_at!r}.", "Each is an instant such as 2026-01-31T08:30:00Z."
        ) from cause
    return first, last


def _is_in(row: Any, span: tuple[str, str], kind: str, text: str) -> bool:
    if (kind == "main" and not row.main) or (kind not in ("any", "main") and row.kind != kind):
        return False
    if (span[0] and instant(row.at) < instant(span[0])) or (span[1] and instant(row.at) > instant(span[1])):
        return False
    return not text or text in f"{row.what} {row.order_id} {row.customer} {row.source}".lower()


def _moves(from_at: str, to_at: str) -> dict[str, dict[str, str]]:
    """Spans that are closer, farther, earlier and later than the one that is shown."""
    if not from_at or not to_at:
        return {}
    first, last = instant(from_at), instant(to_at)
    width = last - first
    spans = {
        "closer": (first + width / 4, last - width / 4),
        "farther": (first - width / 2, last + width / 2),
        "earlier": (first - width / 2, last - width / 2),
        "later": (first + width / 2, last + width / 2),
    }
    return {name: {"from": iso(begin), "to": iso(end)} for name, (begin, end) in spans.items()}


def _page(request: web.Request, found: int, rows: int) -> tuple[int, int]:
    pages = max(1, -(-found // rows))
    return min(number(request.query, "page", 1, 1, 1_000_000), pages), pages
