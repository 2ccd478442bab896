"""Logs as comma-separated values, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from oddsock.clients.datadog.records import Log

COLUMNS = ("at", "status", "service", "host", "pod", "message")


def write_table(rows: Iterable[Log]) -> str:
    """*rows* below a heading, one record a line; a message may have several lines."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.at, row.status, row.service, row.host, row.tag("pod_name"), _plain(row.message)))
    return out.getvalue()


def _plain(text: str) -> str:
    # A spreadsheet takes a cell that begins so for a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
