"""How soon a line can be found after a service wrote it to its stdout: the whole way, asked as a user asks."""

import json
import statistics
import urllib.request
from typing import Any, Protocol

import pytest

from oddsock.kit.clock import SystemClock, instant, sleep_blocking

pytestmark = pytest.mark.bench

LINES = 200
LATE_S_P99_MAX = 1.0
PAUSE_S = 0.03
DEADLINE_S = 60.0
CLOCK = SystemClock()


class Oddsock(Protocol):
    """What the bench uses of the `oddsock` fixture."""

    def succeed(self, *arguments: str) -> Any:
        """Run the command."""
        ...


def _found(variables: dict[str, str]) -> dict[str, float]:
    """The probes that a search finds now, by their words, and when each was written, in seconds since 1970."""
    body = {
        "filter": {"query": "service:sock-shop-front-end catalogue", "from": "now-5m", "to": "now+1m"},
        "page": {"limit": 100},
        "sort": "-timestamp",
    }
    request = urllib.request.Request(
        f"{variables['DD_URL']}/api/v2/logs/events/search",
        data=json.dumps(body).encode(),
        headers={
            "DD-API-KEY": variables["DD_API_KEY"],
            "DD-APPLICATION-KEY": variables["DD_APP_KEY"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        rows = [row["attributes"] for row in json.load(answer)["data"]]
    probes = [(row["message"].partition("tags=")[2][:9], row["timestamp"]) for row in rows]
    return {word: instant(at).timestamp() for word, at in probes if word.startswith("probe")}


def test_a_line_is_findable_within_a_second_of_its_writing(oddsock: Oddsock) -> None:
    oddsock.succeed("up", "--detach", "--speed", "10")
    variables = oddsock.succeed("env", "--json").json
    late_s: dict[str, float] = {}

    def look() -> None:
        found, now = _found(variables), CLOCK.now().timestamp()
        for word, written in found.items():
            late_s.setdefault(word, now - written)

    for number in range(LINES):
        url = f"{variables['ODDSOCK_STOREFRONT']}/catalogue?tags=probe{number:04d}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()
        look()
        sleep_blocking(PAUSE_S)
    end = CLOCK.monotonic() + DEADLINE_S
    while len(late_s) < LINES and CLOCK.monotonic() < end:
        look()
    assert len(late_s) == LINES
    cuts = statistics.quantiles(late_s.values(), n=100)
    print(f"\nfindable after p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, {LINES} lines")
    assert cuts[98] <= LATE_S_P99_MAX
