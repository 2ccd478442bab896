"""Pages whose text comes from the code: `python -m tests.house.generated` lists the stale ones, `--write` renews them.

A generator answers the Markdown between `<!-- generated: NAME -->` and `<!-- end of NAME -->` of its page, or a whole
file when it stands in FILES.
"""

import asyncio
import importlib
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "contract" / "kubernetes" / "kubectl-1.32.jsonl"


def command_line() -> str:
    """The reference of every verb, read from the command's own tree."""
    from oddsock.cli.reference import reference

    return reference()


def kubernetes() -> str:
    """Every kind with its verbs and subresources, and every kubectl command whose recorded requests are replayed."""
    from oddsock.cluster.api.discovery import resource_rows
    from oddsock.cluster.kinds import KINDS

    lines = ["### Kinds", "", "| kind | API | names | verbs | subresources |", "| --- | --- | --- | --- | --- |"]
    for kind in KINDS:
        own, *below = resource_rows(kind)
        names = ", ".join((kind.plural, *kind.short))
        subresources = ", ".join(str(row["name"]).partition("/")[2] for row in below) or "-"
        lines.append(f"| {kind.name} | {kind.api_version} | {names} | {', '.join(own['verbs'])} | {subresources} |")
    commands = sorted({json.loads(line)["command"] for line in RECORDED.read_text().splitlines()})
    lines += ["", "### kubectl commands whose recorded requests are replayed in every test run", ""]
    lines += [f"- `{command}`" for command in commands]
    return "\n".join(lines)


DATADOG_APIS = (
    ("v1", "AuthenticationApi"),
    ("v2", "LogsApi"),
    ("v1", "LogsApi"),
    ("v1", "LogsPipelinesApi"),
    ("v1", "MetricsApi"),
    ("v2", "MetricsApi"),
    ("v1", "EventsApi"),
    ("v2", "EventsApi"),
    ("v1", "ServiceChecksApi"),
    ("v1", "HostsApi"),
    ("v2", "ContainersApi"),
    ("v1", "DashboardsApi"),
    ("v1", "MonitorsApi"),
)
"""The classes of the official client that the store is held against; others it does not answer at all."""


def datadog() -> str:
    """Every operation of the official client's classes, and whether a route of the store's own answers it."""
    from datadog_api_client import ApiClient, Configuration

    routes = asyncio.run(_telemetry_routes())
    lines = []
    with ApiClient(Configuration(host="http://127.0.0.1:9")) as client, warnings.catch_warnings():
        # A docstring of the client has an escape that Python warns of when it compiles it for the first time.
        warnings.simplefilter("ignore")
        for version, name in DATADOG_APIS:
            api = getattr(importlib.import_module(f"datadog_api_client.{version}.apis"), name)(client)
            operations = [one.settings for key, one in vars(api).items() if key.endswith("_endpoint")]
            rows = [
                (one["operation_id"], one["http_method"], one["endpoint_path"])
                for one in sorted(operations, key=lambda one: (one["endpoint_path"], one["http_method"]))
            ]
            found = [row for row in rows if _shape(*row[1:]) in routes]
            lines += ["", f"### {name} {version}: {len(found)} of {len(rows)}", ""]
            lines += ["| operation | call | answered |", "| --- | --- | --- |"]
            for row in rows:
                lines.append(f"| {row[0]} | `{row[1]} {row[2]}` | {'yes' if row in found else '-'} |")
    return "\n".join(lines)


async def _telemetry_routes() -> set[tuple[str, str]]:
    from oddsock.kit.clock import SystemClock
    from oddsock.telemetry.app import build
    from oddsock.telemetry.server import opened
    from oddsock.telemetry.settings import TelemetrySettings

    with tempfile.TemporaryDirectory() as root:
        settings = TelemetrySettings(root=root, api_key="a", app_key="b")
        async with opened(settings, SystemClock()) as telemetry:
            return {
                _shape(route.method, route.resource.canonical)
                for route in build(telemetry).router.routes()
                if route.resource is not None
            }


def _shape(method: str, path: str) -> tuple[str, str]:
    """A call without the names of its placeholders: a word of the path never counts as one."""
    return method, re.sub(r"\{[^}]*\}", "{}", path)


def invariants() -> str:
    """Every check of the catalogue."""
    from oddsock.drill.checks.catalog import CATALOG

    titles = ("id", "class", "what must hold", "kind", "books it needs", "in the field", "not applicable, too, when")
    lines = [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    for check in CATALOG:
        books = ", ".join(f"({book})" if book in check.may_lack else book for book in check.needs) or "-"
        cells = (check.id, check.class_name, check.predicate, check.kind, books, check.known_as, check.moot_when)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def points() -> str:
    """Every fault point of the shop."""
    from oddsock.shop.fault_points.points import POINTS

    rows = [f"| `{point.name}` | {', '.join(point.services)} | {point.stands} |" for point in POINTS]
    return "\n".join(("| point | in | how things stand there |", "| --- | --- | --- |", *rows))


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "commands": ("docs/cli.md", command_line),
    "kubernetes": ("docs/kubernetes.md", kubernetes),
    "datadog": ("docs/datadog.md", datadog),
    "invariants": ("docs/invariants.md", invariants),
    "points": ("docs/faults.md", points),
}
FILES: dict[str, Callable[[], str]] = {}


def _section(page: str, name: str, text: str) -> str:
    pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    renewed, count = pattern.subn(lambda found: f"{found.group(1)}{text.strip()}\n{found.group(2)}", page)
    if count != 1:
        raise LookupError(f"the page has no one section named {name}")
    return renewed


def renewed_pages() -> dict[Path, str]:
    """Every page with something generated in it, as it should read."""
    pages = {ROOT / path: write() for path, write in FILES.items()}
    for name, (path, write) in SECTIONS.items():
        page = ROOT / path
        pages[page] = _section(pages.get(page) or page.read_text(encoding="utf-8"), name, write())
    return pages


def stale_pages() -> list[str]:
    """The pages that do not read as they should."""
    return [
        str(page.relative_to(ROOT))
        for page, text in renewed_pages().items()
        if not page.exists() or page.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write or list the stale pages; 1 when some are stale and were not written."""
    stale = stale_pages()
    if "--write" in arguments:
        for page, text in renewed_pages().items():
            page.write_text(text, encoding="utf-8")
    print(json.dumps({"stale": stale, "written": "--write" in arguments}))
    return int(bool(stale) and "--write" not in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
