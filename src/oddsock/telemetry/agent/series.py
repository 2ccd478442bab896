"""Points and service checks as they are sent: bodies of POST /api/v2/series and POST /api/v1/check_run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

COUNT, GAUGE = 1, 3
"""Datadog's numbers of the two types."""


@dataclass(slots=True)
class Findings:
    """What one reading found: *series* rows and *checks* rows, all at *at_s* (wall seconds since 1970)."""

    at_s: int
    series: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def gauge(self, metric: str, value: float, tags: Iterable[str], host: str = "") -> None:
        """*metric* stood at *value*."""
        self._add(metric, GAUGE, value, tags, host)

    def count(self, metric: str, value: float, tags: Iterable[str], interval_s: float, host: str = "") -> None:
        """*metric* happened *value* times in the *interval_s* wall seconds before."""
        self._add(metric, COUNT, value, tags, host)["interval"] = max(1, round(interval_s))

    def check(self, name: str, status: int, tags: Iterable[str], host: str, message: str = "") -> None:
        """Service check *name* stands at *status*: 0 OK, 1 warning, 2 critical, 3 unknown."""
        row = {"check": name, "status": status, "timestamp": self.at_s, "host_name": host, "tags": list(tags)}
        self.checks.append({**row, **({"message": message} if message else {})})

    def _add(self, metric: str, kind: int, value: float, tags: Iterable[str], host: str) -> dict[str, Any]:
        row: dict[str, Any] = {
            "metric": metric,
            "type": kind,
            "points": [{"timestamp": self.at_s, "value": value}],
            "tags": list(dict.fromkeys(tags)),
        }
        if host:
            row["resources"] = [{"type": "host", "name": host}]
        self.series.append(row)
        return row
