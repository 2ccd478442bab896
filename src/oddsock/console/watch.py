"""The shop as it is now, looked at for everybody who follows: one poller, which stops when nobody does.

    every look       deployments, pods, faults, what is broken, the services' counters ──▶ the graph
    beside           odd socks · key figures of telemetry         each at a poll of its own, never waited for

Who only loads the page gets the last look if it is fresh, else one of their own, within the page's budget.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Deployment, FaultObject, Pod
from oddsock.clients.sockshop.counters import Sample
from oddsock.clients.sockshop.shop import Shop
from oddsock.console.beside import Beside
from oddsock.console.broken import OpenFaults, find_strangers
from oddsock.console.desk import Desk
from oddsock.console.figures import Figures, read_figures
from oddsock.console.flow import COUNTED, OPTIONAL, Counts, draw
from oddsock.console.live import Event
from oddsock.console.odd import OddCount, count_odd
from oddsock.kit.clock import iso
from oddsock.kit.errors import OddsockError

FRESH_LOOKS = 2.0
"""A look is fresh for so many polls."""


class Watch:
    """Looks at the shop of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        told = desk.settings
        self._counts = Counts()
        self._open_faults = OpenFaults(desk.home)
        self._odd: Beside[OddCount] = Beside(self._count_odd, told.odd_poll_s, desk.clock)
        self._figures: Beside[Figures] = Beside(self._read_figures, told.figures_poll_s, desk.clock)
        self._document: dict[str, Any] = {}
        self._looked_s = float("-inf")
        self._version = 0
        self._news = asyncio.Condition()
        self._looking = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self._asked: Shop | None = None
        self._books: Shop | None = None
        self.followers = 0
        self.is_polling = False

    async def look(self) -> dict[str, Any]:
        """The shop now: the last look if it is fresh, else a new one with all that the page's budget allows."""
        async with self._looking:
            fresh_s = FRESH_LOOKS * self._desk.settings.now_poll_s
            if self._document and self._desk.clock.monotonic() - self._looked_s < fresh_s:
                return self._document
            return await self._look(self._desk.settings.page_s_max)

    def forget(self) -> None:
        """Something was changed: the next look is a new one."""
        self._looked_s = float("-inf")

    async def follow(self) -> AsyncGenerator[Event, None]:
        """The event `now` with the whole document after each look, until the follower goes."""
        self.followers += 1
        if self._poller is None or not self.is_polling:
            self.is_polling = True
            self._poller = asyncio.create_task(self._poll())
        seen = self._version
        try:
            while True:
                async with self._news:
                    while self._version == seen and self.is_polling:
                        await self._news.wait()
                if self._version == seen:
                    # It failed: so does the stream, and the page comes again by itself.
                    await self._poller
                seen = self._version
                yield "now", self._document
        finally:
            self.followers -= 1
            if not self.followers:
                await self._stop()

    async def _stop(self) -> None:
        poller, self._poller, self.is_polling = self._poller, None, False
        if poller is not None:
            poller.cancel()
            await asyncio.gather(poller, return_exceptions=True)

    async def close(self) -> None:
        """Look no more."""
        await self._stop()
        for beside in (self._odd, self._figures):
            await beside.close()
        for shop in (self._asked, self._books):
            if shop is not None:
                await shop.close()

    async def _poll(self) -> None:
        try:
            while True:
                async with self._looking:
                    await self._look(0.0)
                await self._desk.clock.sleep(self._desk.settings.now_poll_s)
        finally:
            self.is_polling = False
            async with self._news:
                self._news.notify_all()

    async def _look(self, wall_s: float) -> dict[str, Any]:
        """One look; what is read beside is waited for within *wall_s*."""
        began_s = self._desk.clock.monotonic()
        try:
            document = await self._look_at(await self._desk.cluster())
            await (await self._desk.faults()).finish_healed()
        except OddsockError as cause:
            document = _nothing(cause)
        else:
            for beside in (self._odd, self._figures):
                beside.begin()
            left_s = max(0.0, wall_s - (self._desk.clock.monotonic() - began_s))
            if wall_s:
                await asyncio.gather(self._odd.wait(left_s), self._figures.wait(left_s))
        document |= {
            "looked_at": iso(self._desk.clock.now()),
            "odd": self._odd.value,
            "figures": self._figures.value,
            "storefront": self._desk.settings.storefront,
        }
        self._document, self._looked_s = document, self._desk.clock.monotonic()
        self._version += 1
        async with self._news:
            self._news.notify_all()
        return document

    async def _look_at(self, cluster: ClusterDoor) -> dict[str, Any]:
        deployments, pods, faults = await asyncio.gather(cluster.deployments(), cluster.pods(), cluster.faults())
        standing = await self._desk.faults()
        ending = [name for name in standing.names if standing.is_ending(name)]
        open_faults, silent = await asyncio.gather(
            asyncio.to_thread(self._open_faults.read, cluster.server, cluster.namespace, ending),
            self._ask_counters(deployments),
        )
        here = [one for one in open_faults if one.state != "far"]
        strangers = await find_strangers(cluster, deployments, faults, here, OPTIONAL)
        flow = draw(deployments, faults, silent, [one.target for one in here], self._counts)
        return {
            "away": "",
            "hint": "",
            "namespace": cluster.namespace,
            "server": cluster.server,
            "deployments": [_row(one, pods, faults) for one in deployments],
            "broken": open_faults,
            "strangers": strangers,
            "flow": flow,
        }

    async def _ask_counters(self, deployments: Sequence[Deployment]) -> dict[str, str]:
        """Take in what the services count; answers those that should have answered and did not, with the reason."""
        if self._asked is None:
            self._asked = Shop(await self._desk.shop(), self._desk.settings.answer_s_max)
        asked = [one.name for one in deployments if one.name in COUNTED and one.available]
        silent: dict[str, str] = {}
        counters: dict[str, Sequence[Sample] | None] = {}

        async def ask(shop: Shop, name: str) -> None:
            try:
                counters[name] = await shop.counters(name)
            except OddsockError as error:
                counters[name] = None
                silent[name] = error.sentence

        await asyncio.gather(*(ask(self._asked, name) for name in asked))
        self._counts.add(self._desk.clock.monotonic(), counters)
        return silent

    async def _count_odd(self) -> OddCount:
        if self._books is None:
            self._books = Shop(await self._desk.shop(), self._desk.settings.page_s_max)
        cluster = await self._desk.cluster()
        open_faults = await asyncio.to_thread(self._open_faults.read, cluster.server, cluster.namespace)
        is_broken = any(one.state != "far" for one in open_faults)
        return await count_odd(self._books, self._desk.plan_clock, self._desk.settings.page_s_max, is_broken)

    async def _read_figures(self) -> Figures:
        now = self._desk.clock.now()
        try:
            door = self._desk.telemetry()
        except OddsockError as error:
            return Figures(looked_at=iso(now), away=str(error))
        return await read_figures(door, self._desk.settings.namespace, now, self._desk.settings.page_s_max)


def _nothing(cause: OddsockError) -> dict[str, Any]:
    return {
        "away": cause.sentence,
        "hint": cause.hint,
        "namespace": "",
        "server": "",
        "deployments": [],
        "broken": [],
        "strangers": [],
        "flow": None,
    }


def _row(one: Deployment, pods: Sequence[Pod], faults: Sequence[FaultObject]) -> dict[str, Any]:
    return {
        "name": one.name,
        "replicas": one.replicas,
        "ready": one.ready,
        "available": one.available,
        "image": one.image,
        "faults": [fault.type for fault in faults if fault.target == one.name and fault.state == "Active"],
        "pods": [
            {
                "name": pod.name,
                "phase": "Terminating" if pod.deleted_at else pod.phase,
                "ready": pod.ready,
                "restarts": pod.restarts,
                "reason": pod.reason,
                "started_at": pod.started_at,
            }
            for pod in pods
            if pod.deployment == one.name
        ],
    }
