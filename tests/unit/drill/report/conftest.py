"""A whole incident-3 case made by hand: two customers, an earlier outage, five refused orders, a mend, four phases."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill.case import Case, CaseMeta, ClusterMeta
from oddsock.drill.report import write_report
from oddsock.drill.report.document import Report
from oddsock.kit.clock import iso
from oddsock.kit.money import wire_total

SPEED = 30.0
START = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
FAULT_S = 60.0  # plan seconds from the first line to the main fault
HEAL_S = 300.0  # plan seconds of the main clock
HOLY, COLOURFUL, CROSSED = "sock-holy", "sock-colourful", "sock-crossed"
PRICES = {HOLY: 9999, COLOURFUL: 1500, CROSSED: 1715}
NAMES = {HOLY: "Holy Cringle Socks", COLOURFUL: "Colourful Socks", CROSSED: "Crossed Socks"}
CUSTOMERS = {
    "Rayaan": "6902f3f39c10d30001a04809",
    "parvaiz": "690321149c10d30001a0480a",
    "oddsock-test-order": "690321149c10d30001a0480b",
}
CATALOGUE = [
    *({"id": item, "name": NAMES[item], "price_cents": PRICES[item]} for item in PRICES),
    {"id": "a", "name": "Holy", "price_cents": 9999},
    {"id": "b", "name": "Colourful", "price_cents": 1800},
    {"id": "c", "name": "Crossed", "price_cents": 1732},
    {"id": "d", "name": "Weave special", "price_cents": 1715},
    {"id": "e", "name": "SuperSport XL", "price_cents": 1500},
    {"id": "f", "name": "Cat socks", "price_cents": 1500},
]
SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox")
CARD = "5953580604169678"
PLAN = """\
name: incident-3
title: Payment transaction failure
incident: INCIDENT-3-PAYMENT-FAILURE
severity: P1
owner: parvaiz
runbook: INCIDENT-3-PAYMENT-FAILURE.md
faults:
  - {id: payment-away, fault: scale-to-zero, target: payment, from: 0, until: 5m}
expectations:
  - impact.orders_failed == 5
  - impact.at_risk_cents == 37422
  - recovery.collected_cents == 25209
  - impact.money_lost == 0
  - impact.orders_failed == 5 unless payment_queue
  - impact.orders_failed == 0 with payment_queue
"""


class Incident:
    """Plays the incident into a case, book by book; times are plan seconds after the main fault."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.books: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("orders", "journal", "charges", "shipments", "notices", "shown", "carts", "events")
        }
        self.books["catalogue"] = [dict(row) for row in CATALOGUE]
        self.books["customers"] = [
            {"id": customer_id, "username": name, "email": f"{name}@customers.invalid"}
            for name, customer_id in CUSTOMERS.items()
        ]
        self.lines: list[dict[str, Any]] = []
        self.logs: dict[str, list[str]] = {
            "orders-7f74f9b69c-k7vh5": [],
            "front-end-56bf6b64b7-fkb6b": [],
            "payment-6bb8fcd48d-rfljt": [f"ts={self.at(-59)} caller=main.go:1 transport=HTTP port=8080"],
        }
        self.label: Callable[[dict[str, Any]], str] = lambda order: "Shipped"
        self.payment_up = True

    def at(self, plan_s: float) -> str:
        return iso(START + timedelta(seconds=(FAULT_S + plan_s) / SPEED))

    def note(self, plan_s: float, kind: str, verb: str, actor: str, value: dict[str, Any], **more: str) -> None:
        self.lines.append(
            {
                "n": len(self.lines),
                "at": self.at(plan_s),
                "plan_s": plan_s,
                "phase": more.get("phase", "main" if plan_s >= 0 else "lead"),
                "kind": kind,
                "actor": actor,
                "operation": more.get("operation", f"a{len(self.lines):04d}"),
                "verb": verb,
                "value": value,
            }
        )

    def log(self, plan_s: float, level: str, message: str) -> None:
        stamp = self.at(plan_s).replace("T", " ").rstrip("Z")
        row = f"{stamp} {level:>5} [orders,,,] 1 --- [p-nio-80-exec-1] w.w.s.o.controllers.OrdersController     : "
        self.logs["orders-7f74f9b69c-k7vh5"].append(row + message)

    def change(self, plan_s: float, order: dict[str, Any], status: str, cause: str = "", key: str = "") -> None:
        order["status"] = status
        self.books["journal"].append(
            {
                "seq": len(self.books["journal"]) + 1,
                "order_id": order["id"],
                "status": status,
                "at": self.at(plan_s),
                "cause": cause,
                "actor": "orders",
                "request_id": order["_request_id"] if not key else "",
                "idempotency_key": key,
            }
        )

    def charge(self, plan_s: float, order: dict[str, Any], kind: str, key: str = "") -> None:
        seq = len(self.books["charges"]) + 1
        self.books["charges"].append(
            {
                "seq": seq,
                "id": f"line-{seq}",
                "charge_id": f"ch-{order['id'][-4:]}",
                "kind": kind,
                "amount_cents": order["total_cents"],
                "at": self.at(plan_s),
                "customer_id": order["customer_id"],
                "order_id": order["id"],
                "request_id": order["_request_id"],
                "idempotency_key": key,
            }
        )

    def ship(self, plan_s: float, order: dict[str, Any], event: str = "accepted") -> None:
        order["shipment_id"] = order["shipment_id"] or f"ship-{order['id'][-4:]}"
        for name in (event, "queued", "dispatched") if event == "accepted" else (event,):
            self.books["shipments"].append(
                {
                    "seq": len(self.books["shipments"]) + 1,
                    "shipment_id": order["shipment_id"],
                    "event": name,
                    "at": self.at(plan_s),
                    "customer_id": order["customer_id"],
                    "order_id": order["id"],
                    "request_id": order["_request_id"],
                }
            )

    def mail(self, plan_s: float, order: dict[str, Any], event: str) -> None:
        self.books["notices"].append(
            {
                "seq": len(self.books["notices"]) + 1,
                "message_id": f"<{order['id']}.{event}@oddsock>",
                "to": f"{order['username']}@customers.invalid",
                "subject": f"Your order was {event}",
                "event": event,
                "order_id": order["id"],
                "at": self.at(plan_s),
            }
        )

    def order(self, plan_s: float, order_id: str, name: str, *socks: str, synthetic: bool = False) -> dict[str, Any]:
        """One checkout from click to answer, with payment up or away."""
        lines = [{"item_id": sock, "quantity": 1, "unit_cents": PRICES[sock]} for sock in socks]
        total = sum(PRICES[sock] for sock in socks) + 499
        operation, request = f"op-{order_id[-4:]}", f"req-{order_id[-4:]}"
        named = [{**line, "name": NAMES[str(line["item_id"])]} for line in lines]
        phase = "recovery" if synthetic else "main" if plan_s >= 0 else "lead"
        invoke = {"username": name, "customer_id": CUSTOMERS[name], "lines": named, "total_cents": total}
        invoke |= {"request_id": request, "traceparent": "", "synthetic": synthetic}
        more = {"operation": operation, "phase": phase}
        self.note(plan_s, "invoke", "checkout", f"customer:{name}", invoke, **more)
        row = {
            "id": order_id, "customer_id": CUSTOMERS[name], "username": name, "status": "CREATED",
            "total_cents": total, "total_wire": wire_total([(1, PRICES[sock] / 100) for sock in socks]),
            "lines": lines, "shipment_id": None, "placed_at": self.at(plan_s + 0.3), "card_last_four": CARD[-4:],
            "_request_id": request,
        }  # fmt: skip
        self.books["orders"].append(row)
        self.change(plan_s + 0.3, row, "CREATED")
        self.log(plan_s + 0.3, "INFO", f"Order created with ID: {order_id} and status: Created")
        self.change(plan_s + 0.6, row, "PENDING")
        self.log(plan_s + 0.6, "INFO", f"Order {order_id} status updated to PENDING")
        card = f"PaymentRequest{{card=Card{{longNum={CARD}, expires=08/29, ccv=958}}}}"
        self.log(plan_s + 0.9, "INFO", f"Sending payment request for order {order_id}: {card}")
        end = {"order_id": order_id, "total_wire": row["total_wire"], "duration_ms": 21.0}
        if self.payment_up:
            self._paid(plan_s, row)
            done = {**end, "http_status": 201, "told": "confirmation", "message": "Order placed", "cart_after": []}
            self.note(plan_s + 3, "ok", "checkout", f"customer:{name}", done, **more)
        else:
            self._refused(plan_s, row)
            done = {**end, "http_status": 500, "told": "nothing", "message": "", "cart_after": named}
            self.note(plan_s + 3, "unknown", "checkout", f"customer:{name}", done, **more)
        return row

    def _paid(self, plan_s: float, row: dict[str, Any]) -> None:
        self.charge(plan_s + 1.2, row, "authorisation")
        self.charge(plan_s + 1.2, row, "capture")
        self.change(plan_s + 1.5, row, "PAID")
        self.log(plan_s + 1.5, "INFO", f"Order {row['id']} payment successful, status updated to PAID")
        self.ship(plan_s + 1.8, row)
        self.logs["front-end-56bf6b64b7-fkb6b"].append("\x1b[0mPOST /orders \x1b[32m201 \x1b[0m21.2 ms - -\x1b[0m")

    def _refused(self, plan_s: float, row: dict[str, Any]) -> None:
        refused = "java.net.ConnectException: Connection refused (Connection refused)"
        self.log(plan_s + 1.8, "ERROR", f"Payment failed for order {row['id']}: {refused}")
        self.change(plan_s + 2.1, row, "PAYMENT_FAILED", "Connection refused")
        because = "due to: Connection refused"
        self.log(plan_s + 2.1, "WARN", f"Order {row['id']} status updated to PAYMENT_FAILED {because}")
        self.logs["front-end-56bf6b64b7-fkb6b"].append("\x1b[0mPOST /orders \x1b[31m500 \x1b[0m- ms - -\x1b[0m")

    def fault(self, plan_s: float, fault_id: str) -> None:
        value = {"fault": "scale-to-zero", "target": "payment", "was": {"replicas": 1}, "now": {"replicas": 0}}
        change = {"object": "Deployment/payment", "path": "spec.replicas", "was": 1, "injected": 0}
        undo = {"kind": "undo", "id": fault_id, "fault": "scale-to-zero", "at": self.at(plan_s - 0.6)}
        self._journal({**undo, "namespace": "sock-shop", "changes": [change]})
        self.note(plan_s - 0.3, "invoke", "inject", f"fault:{fault_id}", value, operation=f"f-{fault_id}", phase="main")
        phase = "lead" if plan_s < 0 else "main"
        value["window_from_at"] = self.at(plan_s)
        self.lines[-1]["phase"] = phase
        self.note(plan_s, "ok", "inject", f"fault:{fault_id}", value, operation=f"f-{fault_id}", phase=phase)
        self.event(plan_s, "ScalingReplicaSet", "Scaled down replica set payment-6bb8fcd48d from 1 to 0")
        self.payment_up = False

    def heal(self, plan_s: float, fault_id: str) -> None:
        phase = "lead" if plan_s < 0 else "main"
        value = {"fault": "scale-to-zero", "target": "payment", "was": {"replicas": 0}, "now": {"replicas": 1}}
        self.note(plan_s - 2, "invoke", "heal", f"fault:{fault_id}", {}, operation=f"h-{fault_id}", phase=phase)
        self.note(plan_s, "ok", "heal", f"fault:{fault_id}", value, operation=f"h-{fault_id}", phase=phase)
        self._journal({"kind": "healed", "id": fault_id, "at": self.at(plan_s), "result": "restored", "left": []})
        self.event(plan_s, "ScalingReplicaSet", "Scaled up replica set payment-6bb8fcd48d from 0 to 1")
        self.logs["payment-6bb8fcd48d-kwd4k"] = [f"ts={self.at(plan_s - 1)} caller=main.go:1 transport=HTTP port=8080"]
        self.payment_up = True

    def event(self, plan_s: float, reason: str, message: str) -> None:
        self.books["events"].append(
            {"reason": reason, "message": message, "kind": "Deployment", "name": "payment", "at": self.at(plan_s),
             "first_at": self.at(plan_s), "count": 1, "type": "Normal", "source": "deployment-controller"}
        )  # fmt: skip

    def _journal(self, row: dict[str, Any]) -> None:
        with (self.case.path / "undo.jsonl").open("ab") as out:
            out.write(msgspec.json.encode(row) + b"\n")

    def keep(self, phase: str, plan_s: float) -> None:
        """Take the evidence of a phase."""
        up = 1 if self.payment_up else 0
        live = {service: (up if service == "payment" else 1) for service in SERVICES}
        self.books["shown"] = [
            {"order_id": row["id"], "customer_id": row["customer_id"], "label": self.label(row),
             "amount_cents": row["total_cents"], "at": self.at(plan_s)}
            for row in self.books["orders"] if row["username"] != "oddsock-test-order"
        ]  # fmt: skip
        state: dict[str, list[dict[str, Any]]] = {
            "pods": [
                {"name": f"{name}-6bb8fcd48d-rfljt", "deployment": name, "phase": "Running", "ready": True,
                 "restarts": 0}
                for name, n in live.items() if n
            ],
            "deployments": [{"name": n, "replicas": r, "ready": r, "available": r} for n, r in live.items()],
            "services": [{"name": name, "cluster_ip": "10.96.100.12"} for name in live],
            "endpoints": [{"name": n, "addresses": ["127.0.0.1:4000"] * r} for n, r in live.items()],
            "nodes": [{"name": "sockshop-control-plane", "ready": True}, {"name": "sockshop-worker", "ready": True}],
        }  # fmt: skip
        folder = self.case.evidence_dir(phase)
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        for name, rows in {**self.books, **state}.items():
            clean = [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]
            document = {"book": name, "phase": phase, "taken_at": self.at(plan_s), "source": name, "missing": None}
            (folder / f"{name}.json").write_bytes(msgspec.json.encode({**document, "rows": clean}))
        for pod, texts in self.logs.items():
            if self.payment_up or not pod.startswith("payment"):
                (folder / "logs" / f"{pod}.log").write_text("\n".join(texts) + "\n", encoding="utf-8")

    def retry(self, plan_s: float, row: dict[str, Any]) -> None:
        """Mend one failed order through orders' retry."""
        key = f"mend-{row['id']}"
        self._mended({"kind": "intent", "key": key, "action": "retry", "order_id": row["id"], "at": self.at(plan_s)})
        self.change(plan_s, row, "PENDING", "retry", key)
        if row["total_cents"] > 10500:
            self.charge(plan_s + 1, row, "decline", key)
            row["reason"] = "payment_declined"
            self.change(plan_s + 1, row, "CANCELLED", "payment_declined", key)
            self.mail(plan_s + 2, row, "declined")
        else:
            self.charge(plan_s + 1, row, "authorisation", key)
            self.charge(plan_s + 1, row, "capture", key)
            self.change(plan_s + 1, row, "PAID", "", key)
            self.ship(plan_s + 1.2, row)
            self.mail(plan_s + 2, row, "paid")
        self._mended({"kind": "result", "key": key, "order_id": row["id"], "result": "done", "at": self.at(plan_s + 2)})
        self.note(plan_s + 2, "ok", "mend", "mend", {"order_id": row["id"]}, phase="mend")

    def _mended(self, row: dict[str, Any]) -> None:
        with (self.case.path / "mend.jsonl").open("ab") as out:
            out.write(msgspec.json.encode(row) + b"\n")

    def finish(self) -> Case:
        with (self.case.path / "history.jsonl").open("wb") as out:
            for line in self.lines:
                out.write(msgspec.json.encode(line) + b"\n")
        self.case.unlock()
        return self.case

    def begin(self) -> None:
        """The lead: two paid orders and one that failed in a real earlier outage."""
        (self.case.path / "plan.yaml").write_text(PLAN, encoding="utf-8")
        self.note(-59, "ok", "register", "customer:Rayaan", {"customer_id": CUSTOMERS["Rayaan"]})
        self.order(-55, "69031f00e2c84800016ceb47", "Rayaan", CROSSED)
        self.order(-48, "69031f10e2c84800016ceb48", "Rayaan", COLOURFUL)
        self.fault(-40, "earlier-outage")
        self.order(-34, "69031f20e2c84800016ceb49", "Rayaan", HOLY)
        self.note(-30, "ok", "clear", "customer:Rayaan", {})
        self.heal(-26, "earlier-outage")
        self.keep("before", -5)

    def outage(self) -> list[dict[str, Any]]:
        """Payment away, five orders, evidence while it holds."""
        self.fault(0, "payment-away")
        failed = [self.order(46.328, "690320cee2c84800016ceb4a", "Rayaan", HOLY)]
        self.note(60, "ok", "clear", "customer:Rayaan", {})
        failed += [self.order(74.525, "690320eae2c84800016ceb4b", "Rayaan", COLOURFUL)]
        self.note(116, "ok", "register", "customer:parvaiz", {"customer_id": CUSTOMERS["parvaiz"]})
        failed += [self.order(160.964, "69032142e2c84800016ceb4c", "parvaiz", HOLY)]
        failed += [self.order(259.933, "690321a3e2c84800016ceb4d", "parvaiz", HOLY, CROSSED)]
        failed += [self.order(272.045, "690321b0e2c84800016ceb4e", "parvaiz", CROSSED)]
        self.keep("during", 280)
        return failed

    def recover(self, failed: list[dict[str, Any]]) -> None:
        """Heal, health, evidence, test order, mend, evidence."""
        self.heal(HEAL_S, "payment-away")
        self.note(330, "ok", "health", "runner", {"service": "payment", "status": "OK"}, phase="recovery")
        self.keep("after-heal", 345)
        test = self.order(360, "69032200e2c84800016ceb4f", "oddsock-test-order", CROSSED, synthetic=True)
        self.ship(365, test, "recalled")
        self.charge(366, test, "refund")
        test["reason"] = "test_order"
        self.change(367, test, "CANCELLED", "test order", "test-cancel")
        self._mended({"kind": "plan", "replay": "all", "at": self.at(380)})
        for n, row in enumerate(failed):
            self.retry(390 + 6 * n, row)
        self.label = lambda order: {
            "PAID": "Shipped", "CANCELLED": "Cancelled", "PAYMENT_FAILED": "Payment failed"
        }[order["status"]]  # fmt: skip
        self.keep("after-mend", 450)


def create(home: Path) -> Incident:
    """An incident whose case is still empty."""
    case = Case.create(home, "incident-3")
    case.write_meta(
        CaseMeta(
            name="20261124-100000-incident-3",
            plan="incident-3",
            started_at=iso(START),
            state="completed",
            ended_how="all parts of the plan were done",
            ended_at=iso(START + timedelta(seconds=25)),
            seed=3,
            speed=SPEED,
            cluster=ClusterMeta(server="https://127.0.0.1:6443", own=True),
            operator="parvaiz",
            mode="ports",
            version="0.1.0",
            python="3.11.9",
        )
    )
    return Incident(case)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of incident 3 from its lead to the evidence after the mend, with its report; nobody changes it."""
    incident = create(tmp_path_factory.mktemp("home"))
    incident.begin()
    incident.recover(incident.outage())
    case = incident.finish()
    write_report(case)
    return case.path


@pytest.fixture(scope="session")
def whole_report(made_once: Path) -> Report:
    """What report.json of the whole incident says."""
    return msgspec.json.decode((made_once / "report.json").read_bytes(), type=Report)


@pytest.fixture
def whole_case(made_once: Path, tmp_path: Path) -> Case:
    """A copy of the whole incident without its report, to be changed."""
    path = tmp_path / made_once.name
    shutil.copytree(made_once, path, ignore=shutil.ignore_patterns("report.*", "exports"))
    return Case(path)


@pytest.fixture
def reported_case(made_once: Path, tmp_path: Path) -> Case:
    """A copy of the whole incident with its report and exports, to be changed."""
    path = tmp_path / made_once.name
    shutil.copytree(made_once, path)
    return Case(path)


@pytest.fixture
def killed_case(tmp_path: Path) -> Case:
    """Incident 3, killed while payment was away, before any evidence of the fault was taken."""
    incident = create(tmp_path)
    incident.begin()
    incident.fault(0, "payment-away")
    incident.order(46.328, "690320cee2c84800016ceb4a", "Rayaan", HOLY)
    incident.case.change_meta(state="interrupted", ended_how="the drill was killed before it could end", ended_at="")
    return incident.finish()


@pytest.fixture
def clean_case(tmp_path: Path) -> Case:
    """A run without a fault: two orders, both paid."""
    incident = create(tmp_path)
    (incident.case.path / "plan.yaml").write_text("name: clean\ntitle: Clean run\n", encoding="utf-8")
    incident.case.change_meta(plan="clean")
    incident.note(-59, "ok", "register", "customer:Rayaan", {})
    incident.order(5, "69031f00e2c84800016ceb47", "Rayaan", CROSSED)
    incident.keep("before", 1)
    incident.label = lambda order: "Shipped"
    incident.keep("after-heal", 60)
    return incident.finish()
