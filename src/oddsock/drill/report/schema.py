"""Writes the JSON Schema of report.json; `python -m oddsock.drill.report.schema PATH` after the types changed."""

import sys
from pathlib import Path

import msgspec

from oddsock.drill.report.document import schema_of_report


def render_schema() -> str:
    """The schema's text as it is checked in."""
    return msgspec.json.format(msgspec.json.encode(schema_of_report()), indent=2).decode() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render_schema(), encoding="utf-8")
