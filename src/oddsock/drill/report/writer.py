"""Writing a report into its case and proving it again: exports first, then JSON, Markdown, HTML and JUnit."""

from pathlib import Path
from typing import Any

import msgspec

from oddsock.drill.case import Case
from oddsock.drill.exports import check_exports, export_row, write_exports
from oddsock.drill.report.context import Context, Reckon, build_context
from oddsock.drill.report.document import Report
from oddsock.drill.report.facts import collect_facts, expected_exports
from oddsock.drill.report.folder import HasPath
from oddsock.drill.report.junit import render_junit
from oddsock.drill.report.render import render_html, render_json, render_markdown
from oddsock.drill.verdict import Account
from oddsock.kit.errors import OddsockError
from oddsock.kit.files import explain_disk, write_whole
from oddsock.kit.mask import mask_cards

DIFFERENCES_MAX = 200
"""Differences a verification names; one changed book changes many figures."""


def _account(case: HasPath, phase: str, differences: list[str]) -> Account:
    from oddsock.drill.account import account  # accounting reads far more than a report needs to be looked at

    return account(Case(case.path), phase, differences)


def render_report(report: Report) -> dict[str, str]:
    """Every file of a report by name, as text."""
    return {
        "report.json": render_json(report),
        "report.md": render_markdown(report),
        "report.html": render_html(report),
        "report.xml": mask_cards(render_junit(report)),
    }


def make_exports(context: Context) -> dict[str, list[dict[str, Any]]]:
    """The rows of both exports; none when the orders were never read, because an empty export would be a lie."""
    if not context.last:
        return {}
    before, last = context.orders(context.before), context.orders(context.last)
    rows = {order.id: export_row(order, before.get(order.id)) for order in last.values()}
    ids = expected_exports(context)
    return {name: [rows[order_id] for order_id in sorted(ids[name]) if order_id in rows] for name in ids}


def make_report(case: HasPath, reckon: Reckon = _account) -> Report:
    """The report of *case* as data, from its evidence; writes nothing; CannotRun when a file is damaged."""
    return collect_facts(build_context(case, reckon, []))


def write_report(case: HasPath, reckon: Reckon = _account) -> Path:
    """Write exports and all four formats into the case and return the path of report.md; CannotRun when it cannot.

    What was written is verified at once, and a difference stands in it as G4. A failed export does not stop the report:
    it stands in it as failed, and in JUnit as a failure.
    """
    context = build_context(case, reckon, [])
    if exports := make_exports(context):
        write_exports(case.path / "exports", exports)
    _write(case.path, collect_facts(context))
    if differences := verify_report(case, reckon):
        _write(case.path, collect_facts(build_context(case, reckon, differences)))
    return case.path / "report.md"


def _write(folder: Path, report: Report) -> None:
    try:
        for name, text in render_report(report).items():
            write_whole(folder / name, text)
    except OSError as cause:
        raise explain_disk(cause, folder) from cause


def verify_report(case: HasPath, reckon: Reckon = _account) -> list[str]:
    """Recompute everything from the evidence and name each difference in a line; none means that the report holds."""
    try:
        context = build_context(case, reckon, [])
        report = collect_facts(context)
    except OddsockError as cause:
        return [f"evidence: {cause}"]
    differences: list[str] = []
    kept = case.path / "report.json"
    if kept.exists():
        differences += _compare_json(kept, report)
    expected = expected_exports(context) if context.last else {}
    differences += [check.problem for check in check_exports(case.path / "exports", expected) if check.problem]
    for name, text in render_report(report).items():
        differences += _compare_text(case.path / name, name, text)
    return differences[:DIFFERENCES_MAX]


def _compare_json(path: Path, report: Report) -> list[str]:
    try:
        kept = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as cause:
        return [f"report.json is no JSON: {cause}"]
    now = msgspec.json.decode(render_json(report).encode())
    return list(_walk("", kept, now, report))


def _walk(path: str, kept: Any, now: Any, report: Report) -> list[str]:
    if kept == now:
        return []
    if isinstance(kept, dict) and isinstance(now, dict):
        names = [*now, *(name for name in kept if name not in now)]
        inner = (_walk(_join(path, name), kept.get(name), now.get(name), report) for name in names)
        return [line for lines in inner for line in lines]
    if isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        pairs = zip(kept, now, strict=True)
        return [line for n, (a, b) in enumerate(pairs) for line in _walk(f"{path}[{n}]", a, b, report)]
    if isinstance(kept, list) and isinstance(now, list):
        return [f"report.json {path}: it has {len(kept)} entries, the evidence gives {len(now)}"]
    figure = report.figures.get(path)
    source = f" ({', '.join(figure.source.files)}: {figure.source.rule})" if figure else ""
    return [f"report.json {path}: it says {_brief(kept)}, the evidence gives {_brief(now)}{source}"]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _brief(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def _compare_text(path: Path, name: str, now: str) -> list[str]:
    if not path.exists():
        return [f"{name} is missing"]
    kept = path.read_bytes().decode(errors="replace")
    if kept == now:
        return []
    if name == "report.json":
        return [f"{name} is not the text that was written"] if _same_json(kept, now) else []
    was, is_now = kept.splitlines(), now.splitlines()
    lines = [
        f"{name} line {n}: it says {_brief(a.strip())}, the evidence gives {_brief(b.strip())}"
        for n, (a, b) in enumerate(zip(was, is_now, strict=False), start=1)
        if a != b
    ]
    if len(was) != len(is_now):
        lines.append(f"{name} has {len(was)} lines, the evidence gives {len(is_now)}")
    return lines or [f"{name} differs in its line ends"]


def _same_json(kept: str, now: str) -> bool:
    try:
        return bool(msgspec.json.decode(kept.encode()) == msgspec.json.decode(now.encode()))
    except msgspec.DecodeError:
        return False
