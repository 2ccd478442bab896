"""Charts as inline SVG of our own: no script, no network; colours are CSS classes, so dark and print work."""

from html import escape

from oddsock.drill.report.document import Report
from oddsock.drill.report.plots import draw_plot
from oddsock.drill.report.swimlanes import draw_swimlanes
from oddsock.kit.money import dollars

WIDTH = 960
BAR_HEIGHT = 34


def draw_charts(report: Report) -> dict[str, str]:
    """Every chart of the report by name; an empty text where there is nothing to draw."""
    return {
        "lanes": draw_swimlanes(report, WIDTH),
        "money": draw_money(report),
        "odd": draw_odd(report),
        "plots": "".join(draw_plot(plot) for plot in report.plots),
    }


def svg(name: str, title: str, description: str, height: float, body: list[str]) -> str:
    """One chart with what a screen reader says of it."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
        + "".join(body)
        + "</svg>"
    )


def text(x: float, y: float, words: str, css: str = "label", anchor: str = "start") -> str:
    """A text at its baseline."""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, css: str, title: str = "") -> str:
    """A rectangle with what it says when pointed at."""
    inner = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"'
    return f'<rect class="{css}" {place} rx="3">{inner}</rect>'


def draw_money(report: Report) -> str:
    """Money at risk as one bar: collected, declined, still open."""
    at_risk = report.impact.at_risk_cents
    if not at_risk:
        return ""
    recovery = report.recovery
    left = at_risk - recovery.collected_cents - recovery.declined_cents
    parts = [
        ("collected", recovery.collected_cents, "good", recovery.paid),
        ("declined", recovery.declined_cents, "warn", recovery.declined),
        ("still open", left, "bad", recovery.left),
    ]
    parts = [part for part in parts if part[1] > 0]
    body = [text(0, 16, f"{dollars(at_risk)} at risk", "label strong")]
    x = 0.0
    for name, cents, css, orders in parts:
        width = WIDTH * cents / at_risk
        body.append(box(x, 26, width - 2, BAR_HEIGHT, f"fill-{css}", f"{name}: {dollars(cents)}, {orders} orders"))
        body.append(text(x + 10, 26 + BAR_HEIGHT / 2 + 5, dollars(cents), "on-fill strong"))
        body.append(text(x + 2, 26 + BAR_HEIGHT + 18, f"{name} ({orders})", "label"))
        x += width
    said = ", ".join(f"{name} {dollars(cents)}" for name, cents, _, _ in parts)
    return svg("money", "What became of the money at risk", said, 26 + BAR_HEIGHT + 28, body)


def draw_odd(report: Report) -> str:
    """Odd orders by class, after the heal and after the mend, side by side."""
    odd = report.odd
    names = sorted({*odd.before, *odd.after}, key=lambda name: (-odd.before.get(name, 0), name))
    if not names:
        return ""
    most = max([*odd.before.values(), *odd.after.values()])
    left, row = 230.0, 44.0
    scale = (WIDTH - left - 170) / most
    body = []
    for n, name in enumerate(names):
        y = n * row
        before, after = odd.before.get(name, 0), odd.after.get(name, 0)
        body.append(text(left - 14, y + 24, name, "label", "end"))
        body.append(box(left, y + 4, before * scale, 14, "fill-bad", f"{name} after the heal: {before}"))
        body.append(text(left + before * scale + 8, y + 16, f"{before} after the heal", "small"))
        if odd.after_taken:
            body.append(box(left, y + 22, max(after * scale, 2), 14, "fill-good", f"{name} after the mend: {after}"))
            body.append(text(left + after * scale + 10, y + 34, f"{after} after the mend", "small"))
    said = "; ".join(f"{name} {odd.before.get(name, 0)} to {odd.after.get(name, 0)}" for name in names)
    return svg("odd", "Odd orders by class", said, len(names) * row + 4, body)
