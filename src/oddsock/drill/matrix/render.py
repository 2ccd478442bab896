"""A matrix as Markdown and as one HTML heat map with its style inside, light and dark."""

from html import escape

from oddsock.drill.matrix.table import AWAITED, BAD, COLUMNS, Line, Table, spell

STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--line:#d5d5dd;--bad:200,40,40;--good:30,140,80}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ee;--paper:#16161a;--line:#3a3a44;--bad:255,95,95;--good:80,200,130}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse}th,td{border:1px solid var(--line);padding:.25rem .6rem}
td{text-align:right;font-variant-numeric:tabular-nums}th{text-align:left;font-weight:600}
.worth td{text-align:left}a{color:inherit;font-weight:400}
td.bad{background:rgba(var(--bad),var(--heat))}
td.good{background:rgba(var(--good),.18)}
"""

LEGEND = (
    "A range is over the seeds. Times are plan seconds; `never` is no such instant by the end of the cell, `-` is not "
    "measured: only none, all, and the cells of a remedy that watches (alone, and left out) have telemetry."
)


def render_markdown(table: Table) -> str:
    """The table and what each remedy is worth."""
    head = f"Plan `{table.plan}`, seeds {', '.join(map(str, table.seeds))}. {LEGEND}"
    rows = ["| remedies on | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    rows += [f"| {line.cell} | " + " | ".join(_cells(line)) + " |" for line in table.lines if line.seeds]
    failed = [f"- {line.cell} failed: {reason}" for line in table.lines for reason in line.failed]
    worth = ["| remedy | switches | alone, against none | left out, against all |", "|---|---|---|---|"]
    for one in table.worth:
        worth.append(
            f"| {one.remedy} | {table.switched.get(one.remedy, 'all')} | {one.sentence} | {one.left_out or '-'} |"
        )
    return "\n".join([head, "", *rows, "", *failed, *([""] if failed else []), *worth]) + "\n"


def render_html(table: Table) -> str:
    """One file that needs no network and no script; a cell's name leads to its case."""
    heads = "".join(f"<th scope=col>{escape(title)}</th>" for title in ("remedies on", *COLUMNS.values()))
    worst = {column: max(_high(line, column) for line in table.lines) for column in BAD} if table.lines else {}
    rows = "".join(
        f"<tr><th scope=row>{escape(line.cell)}{_links(line)}</th>"
        f"{''.join(_heat(line, column, worst) for column in COLUMNS)}</tr>"
        for line in table.lines
    )
    worth = "".join(
        f"<tr><th scope=row>{escape(one.remedy)}</th><td>{escape(one.sentence)}</td>"
        f"<td>{escape(one.left_out or '-')}</td></tr>"
        for one in table.worth
    )
    failed = "".join(
        f"<li>{escape(line.cell)} failed, {escape(reason)}</li>" for line in table.lines for reason in line.failed
    )
    title = f"Remedy matrix of {escape(table.plan)}"
    legend = escape(LEGEND.replace("`", ""))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>Seeds {', '.join(map(str, table.seeds))}; judged by the books. {legend}</p>"
        f'<div class="scroll"><table><tr>{heads}</tr>{rows}</table></div>{f"<ul>{failed}</ul>" if failed else ""}'
        f'<h2>What each is worth</h2><div class="scroll"><table class="worth"><tr><th>remedy</th>'
        f"<th>alone, against none</th><th>left out, against all</th></tr>{worth}</table></div></html>\n"
    )


def _cells(line: Line) -> list[str]:
    return [spell(column, line.values[column]) for column in COLUMNS]


def _high(line: Line, column: str) -> float:
    span = line.values[column]
    return (span[1] or 0.0) if span else 0.0


def _links(line: Line) -> str:
    """A link to the case under each seed."""
    return "".join(f' <a href="{escape(one.case)}/">{one.seed}</a>' for one in line.results if one.case)


def _heat(line: Line, column: str, worst: dict[str, float]) -> str:
    span = line.values[column]
    text = escape(spell(column, span))
    if column in AWAITED and span is not None:
        return f'<td class="{"good" if span[1] is not None else "bad"}" style="--heat:.3">{text}</td>'
    if column not in BAD or span is None:
        return f"<td>{text}</td>"
    if not span[1]:
        return f'<td class="good">{text}</td>'
    return f'<td class="bad" style="--heat:{0.15 + 0.6 * span[1] / worst[column]:.2f}">{text}</td>'
