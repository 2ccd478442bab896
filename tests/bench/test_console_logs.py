"""The console's logs in a real browser: a million lines searched, two thousand lines a second followed.

ODDSOCK_BENCH_LOGS says how many logs (1,000,000 when it does not). A search is measured from the Enter key until lines
and histogram are painted, RUNS times each; a tail by the long tasks that the browser itself reports (over 50 ms).
"""

import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from tests.browser.chromium import Visitor, launched, visiting

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock, sleep_blocking
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs import LogStore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.bench

COUNT = int(os.environ.get("ODDSOCK_BENCH_LOGS", "1000000"))
BATCH = 5000
RUNS = 9
READY_S_MAX = 60.0
SEARCH_MS_MAX = 200.0
LONG_TASK_MS_MAX = 100.0
LINES_PER_S = 2000
POSTS_PER_S = 10
TAIL_S = 12.0
SHARE_MIN = 0.95
"""The part of what was sent that the page must have been told of, counted or as missed."""
ROWS_MAX = 120
CLOCK = SystemClock()
KEYS = {"api_key": "a", "app_key": "b"}
DAY = {"from": "2025-10-30T00:00:00Z", "to": "2025-10-31T00:00:00Z"}

SEARCHES = {
    "everything": "*",
    "query 1": 'kube_namespace:sock-shop service:sock-shop-orders "status updated to PAYMENT_FAILED"',
    "one order's lines": '"690320cee2c84800016ceb4a"',
    "errors": "status:error",
    "one service": "service:sock-shop-carts",
    "a word of query 6": 'kube_namespace:sock-shop service:sock-shop-front-end "order"',
}
BEYOND = {"a range over attributes": "@http.status_code:[500 TO 599]", "all but health": '-"method=Health"'}
"""Told, but without an aim: each line of the day is looked at."""

MEASURE = """
() => new Promise((resolve) => {
  const took = {};
  let begun = 0;
  addEventListener("keydown", (event) => { begun = event.timeStamp; }, { capture: true, once: true });
  for (const id of ["lines", "histogram"]) {
    const place = document.getElementById(id);
    delete place.dataset.shown;
    const observer = new MutationObserver(() => {
      if (place.dataset.shown === undefined) return;
      observer.disconnect();
      // A frame's callback runs before its paint, the task that it leaves runs after.
      requestAnimationFrame(() => setTimeout(() => {
        took[id] = performance.now() - begun;
        if (took.lines && took.histogram) window.measured = took;
      }));
    });
    observer.observe(place, { attributes: true, attributeFilter: ["data-shown"] });
  }
  window.measured = null;
  resolve();
})
"""
OBSERVE = """
() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longTasks.push(one.duration);
  }).observe({ type: "longtask" });
  const count = () => { window.framesSeen = (window.framesSeen ?? 0) + 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}
"""


@dataclass(frozen=True)
class Servers:
    """A telemetry server and a console over it, each a process of its own."""

    telemetry: str
    console: str


@contextmanager
def _serving(root: Path) -> Iterator[Servers]:
    """Both, over the files in *root*/data, until the block ends."""
    ready, tell = os.pipe()
    # The day of the data is long past.
    keeping = {"logs_past_h_max": 1e6, "retention_days": 36_500}
    settings = {"root": str(root / "data"), "ready_fd": tell, **KEYS, **keeping}
    (root / "telemetry.json").write_text(json.dumps(settings))
    listener = socket.create_server(("127.0.0.1", 0))
    started = [_start("oddsock.telemetry.server", root / "telemetry.json", tell)]
    try:
        os.close(tell)
        with os.fdopen(ready, "rb") as told:
            url = told.readline().decode().strip()
        console = {"home": str(root), "key": "k", "first_link": "first", "telemetry": url, **KEYS}
        (root / "console.json").write_text(json.dumps({**console, "listener_fd": listener.fileno()}))
        started.append(_start("oddsock.console.server", root / "console.json", listener.fileno()))
        yield Servers(url, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        listener.close()
        for process in started:
            process.kill()
            process.wait()


def _start(module: str, settings: Path, fd: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", module, str(settings)],
        stderr=subprocess.DEVNULL,
        pass_fds=[fd],
        preexec_fn=processes.die_with_parent,
    )


async def _fill(folder: Path, logs: Iterator[Log]) -> int:
    """Store *logs* in *folder*; how many there were."""
    store = LogStore.open(folder, CLOCK)
    stored, batch = 0, []
    for log in logs:
        batch.append(log)
        if len(batch) == BATCH:
            stored += len(await store.append(batch))
            batch = []
    stored += len(await store.append(batch))
    store.close()
    return stored


def test_a_million_lines_are_searched_and_shown_in_the_blink_of_an_eye(
    tmp_path: Path, shop_logs: Callable[[int], Iterator[Log]]
) -> None:
    stored = asyncio.run(_fill(tmp_path / "data" / "logs", shop_logs(COUNT)))
    with _serving(tmp_path) as servers, launched() as chromium, visiting(Visitor, chromium, servers.console) as person:
        person.go("/enter?link=first")
        person.go(f"/logs?{urlencode({'query': '*', **DAY})}")
        took = {name: _search(person.page, query) for name, query in {**SEARCHES, **BEYOND}.items()}
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {stored} logs")
    for name, runs in took.items():
        lines = statistics.median(run["lines"] for run in runs)
        both = sorted(max(run.values()) for run in runs)
        print(f"| {name} | {lines:.0f} ms | {statistics.median(both):.0f} ms | {both[-1]:.0f} ms |")
    late = {
        name: whole
        for name in SEARCHES
        if (whole := statistics.median(max(run.values()) for run in took[name])) > SEARCH_MS_MAX
    }
    assert late == {}


def _search(page: "Page", query: str) -> list[dict[str, float]]:
    """Milliseconds from Enter until the lines, and until the histogram, were painted; RUNS times."""
    runs = []
    box = page.get_by_label("Search for")
    for _ in range(RUNS):
        box.fill(query)
        page.evaluate(MEASURE)
        box.press("Enter")
        page.wait_for_function("() => window.measured")
        runs.append(page.evaluate("() => window.measured"))
        # The facets come behind the lines; the next search is not to stand beside them.
        page.locator(".facet[data-facet=service] li").first.wait_for()
    return runs


def test_a_tail_of_two_thousand_lines_a_second_leaves_the_page_responsive(tmp_path: Path) -> None:
    with _serving(tmp_path) as servers, launched() as chromium, visiting(Visitor, chromium, servers.console) as person:
        page = person.page
        person.go("/enter?link=first")
        person.go("/logs?query=service:loud")
        page.get_by_role("button", name="Live tail").click()
        page.locator("#live-told", has_text="lines").wait_for()
        page.evaluate(OBSERVE)
        stop = threading.Event()
        sent: list[int] = []
        sending = threading.Thread(target=_send, args=(servers.telemetry, stop, sent))
        sending.start()
        try:
            page.wait_for_timeout(TAIL_S * 1000)
        finally:
            stop.set()
            sending.join()
        told = page.locator("#live-told").inner_text()
        tasks = page.evaluate("() => window.longTasks")
        frames = page.evaluate("() => window.framesSeen")
        rows = page.locator("#lines .line").count()
    seen = _numbers(told)
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{sum(sent)} lines sent in {TAIL_S:.0f} s, the page says: {told}; {rows} rows in the document")
    print(f"{len(tasks)} long tasks, the longest {max(tasks, default=0):.0f} ms; {frames / TAIL_S:.0f} frames a second")
    assert sum(sent) >= SHARE_MIN * LINES_PER_S * TAIL_S
    assert seen >= SHARE_MIN * sum(sent)
    assert rows <= ROWS_MAX
    assert max(tasks, default=0) < LONG_TASK_MS_MAX


def _numbers(told: str) -> int:
    """Lines and missed lines of what the tail says of itself: "23,900 lines · 2,001 a second · 12 missed"."""
    parts = [part.split() for part in told.replace(",", "").split("·")]
    return sum(int(words[0]) for words in parts if words[1] in ("lines", "missed"))


def _send(url: str, stop: threading.Event, sent: list[int]) -> None:
    """LINES_PER_S lines a second into *url*, in POSTS_PER_S posts, until *stop*."""
    headers = {"DD-API-KEY": KEYS["api_key"], "Content-Type": "application/json"}
    tags = "kube_namespace:sock-shop,deployment:loud,pod_name:loud-7f74f9b69c-x1,container_name:loud,env:sockshop"
    begun = CLOCK.monotonic()
    while not stop.is_set():
        count, number = LINES_PER_S // POSTS_PER_S, sum(sent)
        lines: list[dict[str, Any]] = [
            {
                "message": f"ts={number + one} caller=middlewares.go:90 method=List result={one} took={one * 7}µs",
                "service": "loud",
                "status": ("info", "info", "warn", "error")[one % 4],
                "ddtags": tags,
                "http": {"method": "GET", "status_code": 200, "url": "/catalogue"},
            }
            for one in range(count)
        ]
        with urlopen(Request(f"{url}/api/v2/logs", json.dumps(lines).encode(), headers), timeout=READY_S_MAX):
            sent.append(count)
        sleep_blocking(max(0.0, begun + len(sent) / POSTS_PER_S - CLOCK.monotonic()))
