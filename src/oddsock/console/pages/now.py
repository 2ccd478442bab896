"""Now: what runs and can be broken, what is broken by whom, the flow of orders, odd socks, key figures.

    GET  /              the page          GET /now.json   its document      GET /now/stream   the same after each look
    POST /faults        {type, target, replicas, settings, csrf, confirmed} ─▶ 201 {case}, or on to / for a form
    POST /faults/{case}/heal                                                ─▶ 200 {healed}, or on to /

A form that breaks something and is not confirmed is answered with a page that asks; a module asks in a dialog instead.
"""

from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web

from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import FORMS, HEADERS, Page, answer, plain, render
from oddsock.console.watch import Watch
from oddsock.drill.case import Case, find_case
from oddsock.drill.heal import Healed, heal_case, unhealed_cases
from oddsock.drill.running import run_to_its_end
from oddsock.drill.standing import FaultOrder, write_plan
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import UsageError

DOES = {
    "scale": "It is scaled, and scaled back when the fault is healed.",
    "kill-pods": "Its processes are killed where they stand. Kubernetes starts them again.",
    "freeze-pods": "Its processes stand still: connections are taken, and answers come when the fault is healed.",
    "delete-pods": "Its pods are deleted. Kubernetes makes new ones.",
}
"""What a person is told before a button does what it says."""


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """The page, its twin and its stream, and what can be done on it."""
    watch = Watch(desk)
    desk.at_end(watch.close)
    changes = _Changes(desk, watch)

    async def read(request: web.Request) -> dict[str, Any]:
        return {**await watch.look(), "does": DOES}

    async def stream(request: web.Request) -> web.StreamResponse:
        async with aclosing(watch.follow()) as events:
            return await followers.stream(request, events)

    return [
        *Page("/", "Now", "now.html", read, scripts=("now.js",), styles=("now.css",)).routes(),
        web.get("/now/stream", stream),
        web.post("/faults", changes.begin),
        web.post("/faults/{case}/heal", changes.heal),
    ]


class _Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /faults."""

    type: str
    target: str
    replicas: int | None = None
    settings: dict[str, Any] = {}


class _Changes:
    """What can be done on the page."""

    def __init__(self, desk: Desk, watch: Watch) -> None:
        self._desk = desk
        self._watch = watch

    async def begin(self, request: web.Request) -> web.Response:
        """POST /faults: break something, as a plan of one fault."""
        if request.content_type in FORMS:
            return await self._begin_by_form(request)
        try:
            wish = msgspec.json.decode(await request.read(), type=_Wish)
        except msgspec.DecodeError as cause:
            raise UsageError(
                f"The request is no fault: {cause}.", "Send type, target, and replicas to scale."
            ) from cause
        case = await self._begin(wish)
        return answer({"case": case.name, "path": f"/cases/{case.name}"}, 201)

    async def heal(self, request: web.Request) -> web.Response:
        """POST /faults/{case}/heal: put back what the faults of a case changed."""
        healed = await self._heal(request.match_info["case"])
        self._watch.forget()
        if request.content_type in FORMS:
            return _on_to_the_page()
        return answer({"healed": [{**plain(one), "sentence": one.sentence} for one in healed]})

    async def _begin_by_form(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        # One form has all the buttons of a deployment; the number is for one of them.
        replicas = fields.get("replicas", "").strip() if fields.get("type") == "scale" else ""
        if replicas and not replicas.isdecimal():
            raise UsageError(f"replicas cannot be {replicas!r}.", "It is a whole number.")
        wish = _Wish(
            type=fields.get("type", ""),
            target=fields.get("target", ""),
            replicas=int(replicas) if replicas else None,
        )
        plan = write_plan(_order(wish), self._desk.settings.namespace)
        if fields.get("confirmed") != "yes":
            asked = {"wish": plain(wish), "does": DOES.get(wish.type, ""), "title": plan.title}
            text = render(request, "confirm.html", title="Break it?", page=asked)
            return web.Response(text=text, content_type="text/html", headers=HEADERS)
        await self._begin(wish)
        return _on_to_the_page()

    async def _begin(self, wish: _Wish) -> Case:
        faults = await self._desk.faults()
        try:
            return await faults.begin(_order(wish))
        finally:
            self._watch.forget()

    async def _heal(self, name: str) -> list[Healed]:
        faults = await self._desk.faults()
        if name in faults.names:
            return await faults.end(name)
        path = find_case(self._desk.home, name).path
        left = next((one for one in unhealed_cases(self._desk.home, with_kept=True) if one.path == path), None)
        if left is None:
            raise UsageError(f"Case {name} has nothing to heal, or its drill is still running.", "See its page.")
        return await run_to_its_end(heal_case(left, await self._desk.cluster(), SystemClock(left.meta.speed)))


def _order(wish: _Wish) -> FaultOrder:
    replicas = {"replicas": wish.replicas} if wish.replicas is not None else {}
    return FaultOrder(type=wish.type, target=wish.target, settings={**wish.settings, **replicas})


def _on_to_the_page() -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": "/"})
