"""The timeline as a chart: a lane for the broken service, one a customer, one for recovery; time in both clocks."""

from html import escape
from math import ceil

from oddsock.drill.report.document import Report
from oddsock.drill.report.rows import OrderRow
from oddsock.drill.timeline import TimelineRow
from oddsock.kit.clock import instant
from oddsock.kit.money import dollars

LEFT, TOP, LANE = 150.0, 18.0, 46.0
DIGIT_WIDTH = 7.2
"""Pixels a character of a small label takes at most."""

TICKS = 8
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


class _Axis:
    """Instants to pixels."""

    def __init__(self, first: float, last: float, width: int) -> None:
        self.first, self.last = first, max(last, first + 0.001)
        self.width = width - LEFT - 20

    def x(self, at: str) -> float:
        return self.at(instant(at).timestamp())

    def at(self, stamp: float) -> float:
        share = (stamp - self.first) / (self.last - self.first)
        return LEFT + min(1.0, max(0.0, share)) * self.width


def draw_swimlanes(report: Report, width: int) -> str:
    """The chart, or an empty text for a case without a fault."""
    header = report.header
    if not header.window_from_at:
        return ""
    main = [row for row in report.timeline if row.main]
    stamps = [instant(row.at).timestamp() for row in main] + [instant(header.window_from_at).timestamp()]
    margin = (max(stamps) - min(stamps)) * 0.02 + 0.05
    axis = _Axis(min(stamps) - margin, max(stamps) + margin, width)
    customers = list(dict.fromkeys(row.customer for row in report.orders if row.customer and row.group != "synthetic"))
    lanes = [_target(report), *customers, "recovery"]
    height = TOP + LANE * len(lanes) + 62
    body = [*_background(report, axis, lanes), *_service(report, axis, main)]
    by_id = {row.id: row for row in report.orders}
    for n, customer in enumerate(customers, start=1):
        body += _attempts([row for row in main if row.kind == "attempt" and row.customer == customer], by_id, axis, n)
    body += _steps(main, by_id, axis, len(lanes) - 1)
    body += _time(report, axis, TOP + LANE * len(lanes))
    said = f"{len(report.impact.customers)} customers, {report.impact.orders_failed} failed orders in the window"
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height:g}" role="img" aria-labelledby="lanes-t lanes-d">'
        f'<title id="lanes-t">Timeline</title><desc id="lanes-d">{escape(said)}</desc>{"".join(body)}</svg>'
    )


def _target(report: Report) -> str:
    row = next((row for row in report.timeline if row.kind == "fault" and row.main), None)
    return row.what.split(" on ")[-1].split(":")[0] if row else "service"


def _y(lane: int) -> float:
    return TOP + LANE * lane + LANE / 2


def _background(report: Report, axis: _Axis, lanes: list[str]) -> list[str]:
    header = report.header
    start = axis.x(header.window_from_at)
    end = axis.x(header.window_to_at) if header.window_to_at else axis.at(axis.last)
    wide = f'x="{start:.1f}" y="{TOP - 12:g}" width="{end - start:.1f}" height="{LANE * len(lanes) + 12:g}"'
    parts = [f'<rect class="window" {wide}><title>the fault was in force</title></rect>']
    for n, name in enumerate(lanes):
        y = _y(n)
        parts.append(f'<line class="lane" x1="{LEFT:g}" x2="{axis.at(axis.last):.1f}" y1="{y:g}" y2="{y:g}"/>')
        parts.append(
            f'<text class="label strong" x="{LEFT - 16:g}" y="{y + 5:g}" text-anchor="end">{escape(name)}</text>'
        )
    return parts


def _service(report: Report, axis: _Axis, main: list[TimelineRow]) -> list[str]:
    """The target's lane: up, away, up; each fault and its heal as the history has them."""
    y, x = _y(0), axis.at(axis.first)
    parts: list[str] = []
    up = True
    for row in main:
        if row.kind not in ("fault", "heal") or not row.source.startswith("history"):
            continue
        here = axis.x(row.at)
        parts.append(_band(x, here, y, up))
        x, up = here, row.kind == "heal"
    parts.append(_band(x, axis.at(axis.last), y, up))
    return parts


def _band(start: float, end: float, y: float, up: bool) -> str:
    css, word = ("fill-good", "up") if up else ("fill-bad", "away")
    wide = max(1.0, end - start)
    place = f'x="{start:.1f}" y="{y - 8:g}" width="{wide:.1f}" height="16"'
    shown = f'<text class="on-fill small" x="{start + wide / 2:.1f}" y="{y + 4:g}" text-anchor="middle">{word}</text>'
    return f'<rect class="{css}" {place}><title>{word}</title></rect>{shown if wide > 34 else ""}'


def _attempts(rows: list[TimelineRow], by_id: dict[str, OrderRow], axis: _Axis, lane: int) -> list[str]:
    parts: list[str] = []
    free = {-12: -1000.0, 22: -1000.0}  # where the next label above or below its mark may begin
    for row in rows:
        x, y = axis.x(row.at), _y(lane)
        order = by_id.get(row.order_id)
        ended = (order.status_after or order.status_before) if order else ""
        amount = dollars(row.cents) if row.cents is not None else ""
        says = f"{row.customer} {amount}: {row.status or 'no order'}" + (f", in the end {ended}" if ended else "")
        parts.append(_mark(x, y, row.status == "PAID", says))
        half = len(amount) * DIGIT_WIDTH / 2
        drop = next((drop for drop, start in free.items() if x - half >= start), None)
        if drop is not None:
            free[drop] = x + half
            place = f'x="{x:.1f}" y="{y + drop:g}"'
            parts.append(f'<text class="small" {place} text-anchor="middle">{escape(amount)}</text>')
    return parts


def _mark(x: float, y: float, paid: bool, says: str) -> str:
    """A dot for a paid order, a cross for one that failed: told apart without colour."""
    title = f"<title>{escape(says)}</title>"
    if paid:
        return f'<circle class="fill-good" cx="{x:.1f}" cy="{y:g}" r="6">{title}</circle>'
    arms = f"M{x - 5:.1f} {y - 5:g}l10 10M{x + 5:.1f} {y - 5:g}l-10 10"
    return f'<path class="cross" d="{arms}">{title}</path>'


def _steps(main: list[TimelineRow], by_id: dict[str, OrderRow], axis: _Axis, lane: int) -> list[str]:
    parts: list[str] = []
    y, free = _y(lane), -1000.0
    for row in main:
        test = row.kind == "attempt" and row.order_id in by_id and by_id[row.order_id].group == "synthetic"
        if row.kind not in ("step", "status", "money") and not test:
            continue
        x = axis.x(row.at)
        css = "fill-warn" if row.status == "CANCELLED" else "fill-good"
        diamond = f"M{x:.1f} {y - 7:g}l7 7l-7 7l-7 -7z"
        parts.append(f'<path class="{css}" d="{diamond}"><title>{escape(f"{row.at} {row.what}")}</title></path>')
        word = "test order" if test else row.what.split(":")[0].lower()
        word = "mended" if row.kind == "status" else word
        half = len(word) * DIGIT_WIDTH / 2
        if x - half >= free:
            parts.append(f'<text class="small" x="{x:.1f}" y="{y - 12:g}" text-anchor="middle">{escape(word)}</text>')
            free = x + half
    return parts


def _time(report: Report, axis: _Axis, y: float) -> list[str]:
    """Two scales: plan time since the fault, and the wall clock."""
    origin, speed = instant(report.header.window_from_at).timestamp(), report.header.speed or 1.0
    span = (axis.last - axis.first) * speed
    # A fault may stand for days: then a mark every so many of the longest steps.
    longest = _STEPS_S[-1]
    step = next((step for step in _STEPS_S if span / step <= TICKS), ceil(span / TICKS / longest) * longest)
    parts = [
        f'<line class="axis" x1="{LEFT:g}" x2="{axis.at(axis.last):.1f}" y1="{y:g}" y2="{y:g}"/>',
        f'<text class="small" x="{LEFT - 44:g}" y="{y + 20:g}" text-anchor="end">plan time</text>',
        f'<text class="small" x="{LEFT - 44:g}" y="{y + 38:g}" text-anchor="end">UTC</text>',
    ]
    first = int((axis.first - origin) * speed // step + 1)
    last = int((axis.last - origin) * speed // step)
    for n in range(first, last + 1):
        offset = n * step
        x, stamp = axis.at(origin + offset / speed), origin + offset / speed
        minutes, seconds = divmod(abs(offset), 60)
        told = f"{'-' if offset < 0 else '+'}{minutes}:{seconds:02d}"
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y:g}" y2="{y + 5:g}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{y + 20:g}" text-anchor="middle">{told}</text>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{y + 38:g}" text-anchor="middle">{_clock(stamp)}</text>')
    return parts


def _clock(stamp: float) -> str:
    whole, tenths = divmod(round((stamp % 86400) * 10), 10)
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{tenths}"
