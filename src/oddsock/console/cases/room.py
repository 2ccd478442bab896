"""What the pages of cases work with, and what all tabs of one case begin with."""

import asyncio
from collections import OrderedDict
from typing import Any

import msgspec
from aiohttp import web

from oddsock.console.cases.chart import Chart, HistoryChart, chart_of
from oddsock.console.cases.mend_runs import MendRuns
from oddsock.console.cases.reading import Reader, Stamp, stamp_of
from oddsock.console.cases.shelf import Shelf, is_live, name_of, state_of
from oddsock.console.cases.tally import Tally, tally
from oddsock.console.desk import Desk
from oddsock.drill.case import Case, CaseMeta
from oddsock.drill.evidence_files import phases_taken
from oddsock.drill.report.document import Report
from oddsock.drill.telemetry_files import ORDERS_LINES, TARGET_LINES, load_answers
from oddsock.kit.errors import OddsockError

TABS = (
    ("", "Verdicts"),
    ("timeline", "Timeline"),
    ("orders", "Orders"),
    ("customers", "Customers"),
    ("mend", "Mend"),
    ("telemetry", "Telemetry"),
    ("report", "Report"),
)

TALLIES_MAX = 2000
"""How many of the newest cases a list looks at."""


class CaseRoom:
    """Shelf, reader and mends of one console."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.shelf = Shelf(desk.home)
        self.reader = Reader()
        self.runs = MendRuns(desk)
        self._tallies: OrderedDict[str, tuple[Stamp, Tally]] = OrderedDict()
        desk.at_end(self.close)

    def case_of(self, request: web.Request) -> Case:
        """The case that the address names; HTTPNotFound when there is none."""
        return self.shelf.find(request.match_info["case"])

    def is_live(self, case: Case, meta: CaseMeta) -> bool:
        """Whether *case* changes now: a drill, a fault that stands, a mend."""
        return self.runs.is_running(name_of(case)) or is_live(case, meta)

    def head(self, case: Case, tab: str) -> dict[str, Any]:
        """What every tab of *case* begins with."""
        meta = case.meta
        name = name_of(case)
        live = self.is_live(case, meta)
        return {
            "case": {
                "name": name,
                "plan": meta.plan,
                "state": "running" if live else state_of(case, meta),
                "live": live,
                "started_at": meta.started_at,
                "ended_at": meta.ended_at,
                "ended_how": meta.ended_how,
                "seed": meta.seed,
                "speed": meta.speed,
                "mode": meta.mode,
                "operator": meta.operator,
                "namespace": meta.namespace,
                "server": meta.cluster.server,
            },
            "tab": tab,
            "tabs": [
                {"id": path, "name": title, "href": f"/cases/{name}/{path}" if path else f"/cases/{name}"}
                for path, title in TABS
            ],
            "phases": phases_taken(case),
            "run": self.runs.of(name),
        }

    async def report(self, case: Case) -> tuple[Report | None, str]:
        """The report of *case*, else why there is none: it is still running, damaged, or too large."""
        if self.is_live(case, case.meta):
            return None, "It still runs. Its report is written when it ends, and this page follows it until then."
        try:
            return await self.reader.report(case), ""
        except OddsockError as cause:
            return None, str(cause)

    async def chart(self, case: Case, report: Report | None, span: tuple[str, str] = ("", "")) -> Chart:
        """The timeline of *case*: by its *report*, else by its history so far."""
        history = await self.reader.history(case)
        if report is None:
            drawn = HistoryChart(case.meta.speed)
            drawn.take(history)
            return drawn.chart()
        answers = await self.reader.run(lambda: load_answers(case, ORDERS_LINES, TARGET_LINES))
        return await self.reader.run(lambda: chart_of(report, history, answers, span))

    async def tallies(self) -> list[Tally]:
        """The rows of the newest TALLIES_MAX cases."""
        return await self.reader.run(lambda: [self.tally(case) for case in self.shelf.cases()[:TALLIES_MAX]])

    def tally(self, case: Case) -> Tally:
        """The row of *case*, read again only when its files changed. Not for the loop."""
        key, stamp = str(case.path), stamp_of(case.path / "case.json", case.path / "report.json")
        known = self._tallies.get(key)
        if known is not None and known[0] == stamp and known[1].state not in ("running", "killed"):
            row = known[1]
            # A fault of it may stand again, or a mend may have begun.
            return msgspec.structs.replace(row, state="running") if self.runs.is_running(row.name) else row
        row = tally(case)
        self._tallies[key] = (stamp, row)
        while len(self._tallies) > TALLIES_MAX:
            self._tallies.popitem(last=False)
        return row

    async def close(self) -> None:
        """Interrupt the mends, and read no more."""
        await asyncio.gather(self.runs.close(), self.reader.close())
