"""Metrics as small line charts, own SVG: one a question of the plan, with the fault's window as a band."""

from collections.abc import Callable, Sequence
from html import escape

from oddsock.drill.report.context import Context
from oddsock.drill.report.rows import Plot
from oddsock.drill.report.telemetry_probes import read_asked
from oddsock.drill.telemetry_files import Answer
from oddsock.drill.telemetry_span import read_span
from oddsock.kit.clock import instant

WIDTH, HEIGHT = 460, 132
LEFT, TOP, BOTTOM = 56, 26, 22

Point = tuple[float, float | None]
"""Seconds since the fault, and the value there; None is a gap."""

Scale = Callable[[float], float]


def list_plots(context: Context) -> list[Plot]:
    """The first series of every metric that the plan asks for and that has any point."""
    span = read_span(context.files.history)
    if span is None:
        return []
    begin = instant(span.from_at).timestamp()
    held_s = instant(span.to_at).timestamp() - begin
    plots = []
    for question in read_asked(context.files.plan).metrics:
        answer = context.files.answers.get(f"{question.id}-run")
        points = _points(answer, begin)
        if answer is None or not any(value is not None for _, value in points):
            continue
        series = answer.rows[0]
        plots.append(
            Plot(
                id=question.id,
                name=question.name or question.id,
                query=answer.asked,
                unit=str(series.get("unit") or ""),
                interval_s=float(series.get("interval_s") or 0),
                held_s=round(held_s, 3),
                points=points,
            )
        )
    return plots


def _points(answer: Answer | None, begin: float) -> list[tuple[float, float | None]]:
    if answer is None or not answer.rows:
        return []
    return [(round(at_ms / 1000 - begin, 3), value) for at_ms, value in answer.rows[0].get("points") or []]


def draw_plot(plot: Plot) -> str:
    """The chart of one metric: a gap in the series is a gap in the line, never a zero."""
    known = [value for _, value in plot.points if value is not None]
    first, last = plot.points[0][0], max(plot.points[-1][0] + plot.interval_s, plot.points[0][0] + 1)
    top = max(known) if max(known) > 0 else 1.0

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (min(max(at_s, first), last) - first) / (last - first)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - max(0.0, value) / top)

    band = x(plot.held_s) - x(0)
    body = [
        f'<rect class="window" x="{x(0):.1f}" y="{TOP}" width="{band:.1f}" height="{HEIGHT - TOP - BOTTOM}"/>',
        f'<line class="axis" x1="{LEFT}" y1="{y(0):.1f}" x2="{WIDTH - 8}" y2="{y(0):.1f}"/>',
        _text(0, 14, plot.name, "label strong"),
        _text(LEFT - 6, y(top) + 4, _spell(top, plot.unit), "small", "end"),
        _text(LEFT - 6, y(0) + 4, "0", "small", "end"),
        _text(x(0), HEIGHT - 6, "fault", "small"),
        _text(x(plot.held_s), HEIGHT - 6, "healed", "small"),
    ]
    body += [_line(run, plot.interval_s, x, y) for run in _runs(plot.points)]
    said = f"{plot.query}: {len(known)} points, from {_spell(min(known), plot.unit)} to {_spell(max(known), plot.unit)}"
    return (
        f'<svg class="chart plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{plot.id}-t {plot.id}-d">'
        f'<title id="{plot.id}-t">{escape(plot.name)}</title><desc id="{plot.id}-d">{escape(said)}</desc>'
        + "".join(body)
        + "</svg>"
    )


def _runs(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """The stretches of *points* without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at_s, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at_s, value))
    return [run for run in runs if run]


def _line(run: Sequence[tuple[float, float]], interval_s: float, x: Scale, y: Scale) -> str:
    # A point holds for its interval, so a step, and one point alone is still to be seen.
    places = [place for at, value in run for place in ((x(at), y(value)), (x(at + interval_s), y(value)))]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    return f'<polyline class="series" points="{path}"/>'


def _text(x: float, y: float, words: str, css: str, anchor: str = "start") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _spell(value: float, unit: str) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}{unit and ' ' + unit}"
    return f"{value:.3g}{unit and ' ' + unit}"
