"""Nothing sleeps or reads the clock outside kit/clock, so that every wait has a deadline and a speed."""

import ast
from collections.abc import Iterator
from typing import Protocol

CLOCK = "oddsock.kit.clock"
IDS = "oddsock.kit.ids"

READS_OR_SLEEPS = {
    "time": {"time", "time_ns", "sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "asyncio": {"sleep"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


class Source(Protocol):
    """What these tests need of a file."""

    shown: str
    module: str
    tree: ast.Module


def _uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).rpartition(".")[2]
            if node.attr in READS_OR_SLEEPS.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in READS_OR_SLEEPS.get(node.module or "", ()):
                    yield node.lineno, f"{node.module}.{alias.name}"


def test_the_rule_sees_a_sleep_however_it_is_written() -> None:
    tree = ast.parse(
        "import time\ntime.sleep(1)\nfrom asyncio import sleep\nimport datetime\ndatetime.datetime.now()\n"
    )
    assert {use for _, use in _uses(tree)} == {"time.sleep", "asyncio.sleep", "datetime.now"}


def test_only_the_clock_sleeps_or_asks_for_the_hour(product: list[Source]) -> None:
    allowed = {CLOCK: {"time.monotonic", "time.sleep", "asyncio.sleep", "datetime.now"}, IDS: {"time.time"}}
    found = [
        f"{source.shown}:{line} {use}"
        for source in product
        for line, use in _uses(source.tree)
        if use not in allowed.get(source.module, ())
    ]
    assert found == []
