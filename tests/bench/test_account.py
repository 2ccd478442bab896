"""Orders a second that the account judges, from the case folder on disk to verdicts, every invariant on.

The folder is a made one: customers with a hundred orders each, most of them bought, every fiftieth in some other way:
declined, failed and never told, charged and refunded, charged twice. Beside it the plain decoding of the same files.
`ACCOUNT_ORDERS` sets the number; `ACCOUNT_CASES` is a folder to keep the case in, which a second run takes again.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill.case import Case
from oddsock.drill.row_files import read_blocks, read_line_blocks, write_rows
from oddsock.drill.sieve.attempts import decode_entries
from oddsock.drill.sieve.blocks import lean_blocks
from oddsock.drill.sieve.lean import LeanChange, LeanCharge, LeanNotice, LeanOrder, LeanParcel, LeanShown
from oddsock.kit.clock import iso

pytestmark = pytest.mark.bench

ORDERS = int(os.environ.get("ACCOUNT_ORDERS", "100000"))
AIM = 50_000
"""Orders a second that the house aims at."""

FLOOR = 8_000
"""Orders a second of CPU below which something has become quadratic again, or the sieve lets nothing pass."""

KIB_MAX = 1.5
"""KiB an order that the house allows, beside what the process needs anyway."""

BASE_KIB = 100 * 1024
"""KiB of a process that has judged nothing, amply."""

LEAN = {
    "orders": LeanOrder, "journal": LeanChange, "charges": LeanCharge, "shipments": LeanParcel, "shown": LeanShown,
    "notices": LeanNotice,
}  # fmt: skip

EACH = 100
"""Orders a customer."""

START = datetime(2025, 10, 30, 8, 0, tzinfo=UTC)
UNIT, TOTAL = 1500, 1999
BOOKS = ("orders", "journal", "charges", "shipments", "notices", "shown", "carts", "customers", "catalogue")
KINDS = ("declined", "failed", "refunded", "charged twice")

JUDGE = """
import json, resource, sys, time
from pathlib import Path
from oddsock.drill.account import account
from oddsock.drill.case import Case
case = Case.open(Path(sys.argv[1]))
began, cpu = time.monotonic(), time.process_time()
judged = account(case, "after-heal")
print(json.dumps({
    "wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu, "balanced": judged.balanced,
    "odd": judged.odd, "indeterminate": judged.indeterminate, "attempts": judged.attempts,
    "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "classes": judged.odd_by_class,
    "crashed": [c.reason for c in judged.checks if "the check itself failed" in c.reason],
}))
"""


def at(number: int, after_s: float = 0.0) -> str:
    """When order *number* was placed, ten a second, and so many seconds later."""
    return iso(START + timedelta(seconds=60 + number / 10 + after_s))


def kind_of(number: int) -> str:
    """How order *number* ended: bought, but every fiftieth."""
    return KINDS[number // 50 % len(KINDS)] if number % 50 == 0 else "bought"


def write_case(folder: Path, orders: int) -> Case:
    """A case of *orders* orders in *folder*, with one whole phase of evidence; no more than one order in memory."""
    case = Case.create(folder, "bench")
    spools = {name: (folder / name).open("w+b") for name in BOOKS}
    with (case.path / "history.jsonl").open("wb") as history:
        for n in range(orders):
            for line in history_lines(n):
                history.write(msgspec.json.encode(line) + b"\n")
            books: dict[str, list[Any]] = {name: [] for name in BOOKS}
            post(books, n)
            if n % EACH == 0:
                c = n // EACH
                books["customers"].append({"id": f"c{c}", "username": f"u{c}", "email": f"u{c}@x.test"})
            for name, rows in books.items():
                spools[name].writelines(msgspec.json.encode(row) + b"\n" for row in rows)
    kept = case.path / "evidence" / "after-heal"
    kept.mkdir(parents=True, exist_ok=True)
    for name, spool in spools.items():
        head = {"book": name, "phase": "after-heal", "taken_at": at(orders, 100), "source": "made", "missing": None}
        spool.seek(0)
        with spool:
            write_rows(kept / f"{name}.json", head, (msgspec.Raw(line[:-1]) for line in spool))
        (folder / name).unlink()
    case.unlock()
    return case


def kept_case(tmp_path: Path) -> Case:
    """The case of an earlier run where one is kept, else a new one."""
    home = Path(os.environ.get("ACCOUNT_CASES", tmp_path)) / str(ORDERS)
    found = sorted(home.glob("cases/*/evidence/after-heal/customers.json"))
    if found:
        return Case.open(found[0].parents[2])
    home.mkdir(parents=True, exist_ok=True)
    return write_case(home, ORDERS)


def history_lines(n: int) -> Iterator[dict[str, Any]]:
    """Order *n*'s checkout as the history has it: begun and ended."""
    user, kind = n // EACH, kind_of(n)
    line = {"item_id": "sock", "quantity": 1, "unit_cents": UNIT, "name": "sock"}
    shape = {"phase": "main", "plan_s": n / 10, "actor": f"customer:u{user}", "operation": f"a{n}", "verb": "checkout"}
    ids = {"request_id": f"r{n}", "traceparent": f"00-{n + 1:032x}-{n + 1:016x}-01"}
    wanted = {"username": f"u{user}", "customer_id": f"c{user}", "lines": [line], "total_cents": TOTAL, **ids}
    yield {"n": 2 * n + 1, "at": at(n), "kind": "invoke", "value": wanted, **shape}
    good = {"http_status": 201, "told": "confirmation", "order_id": f"o{n}", "cart_after": []}
    bad = {"http_status": 406 if kind == "declined" else 500, "told": "error" if kind == "declined" else "nothing"}
    failed = kind in ("declined", "failed")
    end = {**bad, "cart_after": [line]} if failed else good
    yield {
        "n": 2 * n + 2, "at": at(n, 0.9), "kind": ("fail" if kind == "declined" else "unknown") if failed else "ok",
        "value": end, **shape,
    }  # fmt: skip


def post(books: dict[str, list[Any]], n: int) -> None:
    """Order *n* into every book of the shop."""
    kind, order_id, customer_id = kind_of(n), f"o{n}", f"c{n // EACH}"
    ends = {"declined": "PAYMENT_FAILED", "failed": "PAYMENT_FAILED", "refunded": "CANCELLED"}
    statuses = ["CREATED", "PENDING", "PAID"] if kind not in ("declined", "failed") else ["CREATED", "PENDING"]
    statuses += [ends[kind]] if kind in ends else ["SHIPPED"]
    ids = {"order_id": order_id, "request_id": f"r{n}", "traceparent": f"00-{n + 1:032x}-{n + 1:016x}-01"}
    for step, status in enumerate(statuses):
        cause = "payment declined" if kind == "declined" and status == ends["declined"] else ""
        books["journal"].append({"seq": 10 * n + step, "status": status, "at": at(n, step / 5), "cause": cause, **ids})
    money = {"bought": "authorisation capture", "refunded": "authorisation capture refund", "declined": "decline"}
    names = "xy" if kind == "charged twice" else "x"
    charges = [(name, money["bought" if kind == "charged twice" else kind]) for name in names if kind != "failed"]
    for charge, lines in charges:
        for step, word in enumerate(lines.split()):
            seq = 10 * n + step + 5 * (charge == "y")
            named = {"seq": seq, "id": f"l{seq}", "charge_id": f"{charge}{n}", "kind": word, "amount_cents": TOTAL}
            books["charges"].append({**named, "at": at(n, 0.3), "customer_id": customer_id, **ids})
    events = ["accepted", "queued", "dispatched"] if "PAID" in statuses else []
    events += ["recalled"] if kind == "refunded" else []
    for step, event in enumerate(events):
        parcel = {"seq": 10 * n + step, "shipment_id": f"s{n}", "event": event, "at": at(n, 0.5)}
        books["shipments"].append({**parcel, "customer_id": customer_id, **ids})
    if kind == "refunded":
        mail = {"message_id": f"<{n}>", "to": f"u{n // EACH}@x.test", "subject": "", "event": "refunded"}
        books["notices"].append({"seq": n, "order_id": order_id, "at": at(n, 5), **mail})
    label = {"PAYMENT_FAILED": "Payment failed", "CANCELLED": "Cancelled"}.get(statuses[-1], "Shipped")
    shown = {"order_id": order_id, "customer_id": customer_id, "label": label, "at": at(n, 30), "amount_cents": TOTAL}
    books["shown"].append(shown)
    books["orders"].append({
        "id": order_id, "customer_id": customer_id, "username": f"u{n // EACH}", "status": statuses[-1],
        "total_cents": TOTAL, "total_wire": TOTAL / 100, "shipment_id": f"s{n}" if events else None,
        "lines": [{"item_id": "sock", "quantity": 1, "unit_cents": UNIT}], "placed_at": at(n, 0.1),
    })  # fmt: skip


def decode_seconds(case: Case) -> float:
    """CPU seconds that the standard library's json takes for all that accounting reads, block by block."""
    began = time.process_time()
    for name in LEAN:
        for block in read_blocks(case.path / "evidence" / "after-heal" / f"{name}.json"):
            json.loads(bytes(block.text))
    for block in read_line_blocks(case.path / "history.jsonl"):
        json.loads(b"[" + bytes(block.text)[:-1].replace(b"\n", b",") + b"]")
    return time.process_time() - began


def lean_seconds(case: Case) -> float:
    """CPU seconds that it takes to decode those lines into what the sieve looks at, and nothing else."""
    began = time.process_time()
    for name, row in LEAN.items():
        for _ in lean_blocks(case.path / "evidence" / "after-heal" / f"{name}.json", row):
            pass
    for block in read_line_blocks(case.path / "history.jsonl"):
        decode_entries(block.text)
    return time.process_time() - began


def test_a_case_folder_is_judged_in_time_that_grows_with_its_orders(tmp_path: Path) -> None:
    case = kept_case(tmp_path)
    decoding_s, lean_s = decode_seconds(case), lean_seconds(case)
    run = subprocess.run([sys.executable, "-c", JUDGE, str(case.path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    rate = ORDERS / told["cpu_s"]
    print(f"\n{told}")
    print(
        f"accounting: {rate:,.0f} orders/s of CPU ({rate / AIM:.0%} of the aim), {ORDERS / told['wall_s']:,.0f} by wall"
    )
    print(f"decoding alone, orders/s of CPU: by json {ORDERS / decoding_s:,.0f}, lean {ORDERS / lean_s:,.0f}")
    print(f"load: {os.getloadavg()[0]:.1f}")
    print(f"peak memory: {told['peak_kib'] / 1024:,.0f} MiB")
    odd = sum(kind_of(n) in ("failed", "charged twice") for n in range(ORDERS))
    assert (told["crashed"], told["attempts"], told["odd"], told["indeterminate"]) == ([], ORDERS, odd, 0)
    assert rate > FLOOR and told["peak_kib"] < KIB_MAX * ORDERS + BASE_KIB
