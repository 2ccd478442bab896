"""Lines a second of the Spring Boot pipeline, beside one regular expression written by hand for the same lines."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import spring_line
from oddsock.telemetry.pipelines.grok.parser import Grok
from oddsock.telemetry.pipelines.pipeline import Pipelines
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.documents import Documents

pytestmark = pytest.mark.bench

LINES = 20_000
ROUNDS = 5
PIPELINE = Path(__file__).parents[2] / "src" / "oddsock" / "data" / "pipelines" / "spring-boot.json"
BY_HAND = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{3})\s+(\w++)\s+\[([^,\]]*+),([^,\]]*+),([^,\]]*+),([^,\]]*+)\]\s+"
    r"(\d++)\s+---\s+\[\s*([^\]]*+)\]\s+(\S++)\s+:\s?(.*)",
    re.ASCII | re.DOTALL,
)
SHARE_MIN = 0.15
"""The head's grok rule does at least this share of what the expression by hand does."""


def lines() -> list[str]:
    """As many records of orders as the bench takes, a hundred a second."""
    began = datetime(2025, 10, 30, 8, 24, tzinfo=UTC)
    made = []
    for number in range(LINES):
        at, order = began + timedelta(milliseconds=10 * number), f"690320ce{number:016x}"
        by = Correlation(traceparent=f"00-{number + 1:032x}-{number + 1:016x}-01") if number % 3 else Correlation()
        said = (
            f"Order {order} status updated to PENDING",
            f"Sending payment request for order {order}: PaymentRequest{{address=Address{{id='null'}}}}",
            f"Order {order} status updated to PAYMENT_FAILED due to: Connection refused (Connection refused)",
        )[number % 3]
        made.append(spring_line(at, "INFO", "orders", "http-nio-80-exec-1", "w.w.s.o.OrdersController", said, by))
    return made


def by_hand(cached: dict[str, int]) -> Callable[[str], object]:
    """What a person would write for these lines: one expression, the date looked up by its second."""

    def parse(text: str) -> object:
        found = BY_HAND.fullmatch(text)
        if found is None:
            return None
        second, fraction, level, app, trace, span, exportable, pid, thread, logger, msg = found.groups()
        second_ms = cached.get(second)
        if second_ms is None:
            at = datetime.strptime(second, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            second_ms = cached[second] = int(at.timestamp() * 1000)
        return {
            "timestamp": second_ms + int(fraction),
            "level": level,
            "sleuth": {"app": app, "trace_id": trace, "span_id": span, "exportable": exportable},
            "process": {"pid": int(pid)},
            "logger": {"thread_name": thread, "name": logger},
            "msg": msg,
        }

    return parse


def lines_a_second(work: Callable[[str], object], texts: list[str]) -> float:
    """The best of ROUNDS, in lines a second of CPU time: other work on the machine counts less so."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for text in texts:
            assert work(text) is not None
        took.append(time.process_time() - began)
    return len(texts) / min(took)


def test_the_spring_boot_pipeline_keeps_up_with_the_intake(tmp_path: Path) -> None:
    texts, body = lines(), json.loads(PIPELINE.read_text())
    rules = body["processors"][0]["grok"]
    head = Grok(rules["match_rules"], rules["support_rules"])
    documents = Documents.open(tmp_path / "meta.sqlite")
    pipelines = Pipelines(documents)
    pipelines.create(body)

    def whole(text: str) -> object:
        done = pipelines.process(Log(at_ms=1_761_812_686_328, message=text, service="sock-shop-orders"))
        return done.attributes.get("level")

    rates = {
        "by hand: one expression": lines_a_second(by_hand({}), texts),
        "grok: the same head": lines_a_second(head.parse, texts),
        "the whole pipeline (3 grok parsers, 4 steps more)": lines_a_second(whole, texts),
    }
    documents.close()
    print()
    for name, rate in rates.items():
        print(f"{name:52}{rate:>12,.0f} lines/s")
    assert rates["grok: the same head"] > SHARE_MIN * rates["by hand: one expression"]
