"""Rendering: the same Report as Markdown, as one HTML file and as JSON; the same report always gives the same bytes."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from oddsock.drill.report.document import Report
from oddsock.drill.report.folder import spell_phase
from oddsock.drill.report.rows import OrderRow
from oddsock.kit.mask import mask_cards
from oddsock.kit.money import dollars

if TYPE_CHECKING:
    from jinja2 import Environment

MARKDOWN, HTML = "report.md.j2", "report.html.j2"

# What Markdown would take for a mark of its own inside a table cell.
_CELL = re.compile(r"([\\|`*<\[\]]|(?<![^\W_])_|_(?![^\W_]))")


def render_json(report: Report) -> str:
    """report.json: indented, keys in the order of the schema, cards masked."""
    return mask_cards(msgspec.json.format(msgspec.json.encode(report), indent=2).decode()) + "\n"


def render_markdown(report: Report) -> str:
    """report.md, cards masked."""
    text = _environment(False).get_template(MARKDOWN).render(_words(report))
    return mask_cards(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")


def render_html(report: Report) -> str:
    """report.html: one file with its style and charts inside; needs no network and no script. Cards masked."""
    from oddsock.drill.report.charts import draw_charts  # charts are needed for this format only

    text = _environment(True).get_template(HTML).render(_words(report), charts=draw_charts(report))
    return mask_cards("\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n")


@cache
def _environment(escape: bool) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # heavy, and only a written report needs it

    environment = Environment(
        loader=PackageLoader("oddsock.drill.report"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        dollars=dollars,
        cell=escape_cell,
        clock=spell_clock,
        day=spell_day,
        offset=spell_offset,
        short=shorten_id,
        phase=spell_phase,
    )
    return environment


def _words(report: Report) -> dict[str, Any]:
    numbered = {row.id: n for n, row in enumerate((row for row in report.orders if row.failed), start=1)}
    return {
        "r": report,
        "number_of": numbered,
        "failed": [row for row in report.orders if row.failed],
        "others": [row for row in report.orders if not row.failed],
        "classes": _classes(report),
        "status_of": _status,
    }


def _classes(report: Report) -> list[tuple[str, int, int, int]]:
    names = sorted({*report.odd.before, *report.odd.after, *report.odd.carried_over})
    odd = report.odd
    return [(name, odd.before.get(name, 0), odd.after.get(name, 0), odd.carried_over.get(name, 0)) for name in names]


def _status(row: OrderRow) -> str:
    return row.status_after or row.status_before


def escape_cell(text: object) -> str:
    """Text for a cell of a Markdown table.

    >>> escape_cell("a|b PAYMENT_FAILED _x")
    'a\\\\|b PAYMENT_FAILED \\\\_x'
    """
    return _CELL.sub(r"\\\1", str(text)).replace("\n", " ")


def spell_clock(at: str) -> str:
    """The time of day of an instant, with milliseconds.

    >>> spell_clock("2025-10-30T08:24:46.328Z"), spell_clock("")
    ('08:24:46.328', '-')
    """
    return at[11:23].rstrip("Z") if len(at) > 11 else "-"


def spell_day(at: str) -> str:
    """Day and time of an instant, in UTC.

    >>> spell_day("2025-10-30T08:24:46.328Z")
    '2025-10-30 08:24:46 UTC'
    """
    return f"{at[:10]} {at[11:19]} UTC" if len(at) > 18 else "-"


def spell_offset(plan_s: float | None) -> str:
    """Plan seconds since the fault as +m:ss.

    >>> spell_offset(46.3), spell_offset(-61), spell_offset(None)
    ('+0:46', '-1:01', '')
    """
    if plan_s is None:
        return ""
    minutes, seconds = divmod(int(abs(plan_s)), 60)
    return f"{'-' if plan_s < 0 else '+'}{minutes}:{seconds:02d}"


def shorten_id(order_id: str) -> str:
    """An order's id as a person tells it apart: its last eight digits.

    >>> shorten_id("690320cee2c84800016ceb4a")
    '...016ceb4a'
    """
    return f"...{order_id[-8:]}" if len(order_id) > 12 else order_id
