"""The same checkout on DBOS: `python -m tests.bench.dbos_worker STORE PORT FOLDER`, STORE dbos-sqlite or dbos-postgres.

A workflow with two steps, pay and ship, which is the least there is: DBOS journals its input, the outcome of each step
and its result, and no order is kept beside that. It calls payment and shipping as orders does. SQLite is put into WAL,
which DBOS does not do by itself and which makes it faster; PostgreSQL is at ORDERS_DSN.
"""

import asyncio
import importlib
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from oddsock.kit.ids import object_id
from oddsock.shop.calls import Lines
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.gateway import PaymentOverHttp, keyed
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order
from oddsock.shop.orders.parcels import ShippingOverHttp
from oddsock.shop.orders.status import Status

dbos: Any = importlib.import_module("dbos")


def _order(identity: str) -> Order:
    items = [Item("i", "sock", 1, 15.0)]
    card = Card(long_num="5953580604169678", ccv="678")
    return Order(
        id=identity,
        customer_id="c",
        customer=Customer(first_name="A"),
        address=Address(),
        card=card,
        items=items,
        total=19.99,
        total_cents=1999,
        placed_at="2026-01-01T00:00:00.000+0000",
        status=Status.PENDING,
        email="a@example.org",
    )


def _address(kind: str, folder: Path) -> str:
    if kind == "dbos-postgres":
        return os.environ["ORDERS_DSN"].partition("&search_path")[0]
    file = folder / "dbos.sqlite"
    made = sqlite3.connect(file)
    made.execute("PRAGMA journal_mode=WAL")
    made.close()
    return f"sqlite:///{file}"


async def serve(kind: str, port: int, folder: Path) -> None:
    """Serve checkouts until the process is killed."""
    lines = Lines(5.0)
    payment, shipping = PaymentOverHttp(lines), ShippingOverHttp(lines)

    @dbos.DBOS.step()  # type: ignore[untyped-decorator]  # DBOS is not there when types are checked
    async def pay(identity: str) -> bool:
        order = _order(identity)
        return (await payment.authorise(order, keyed(order, Correlation.begun({})))).authorised

    @dbos.DBOS.step()  # type: ignore[untyped-decorator]  # DBOS is not there when types are checked
    async def ship(identity: str) -> str:
        order = _order(identity)
        return await shipping.ship(order, keyed(order, Correlation.begun({})))

    @dbos.DBOS.workflow()  # type: ignore[untyped-decorator]  # DBOS is not there when types are checked
    async def checkout(identity: str) -> str:
        return str(await ship(identity)) if await pay(identity) else ""

    dbos.DBOS(
        config={
            "name": "checkout",
            "system_database_url": _address(kind, folder),
            "log_level": "ERROR",
            "executor_id": object_id(),
            "application_version": folder.name,
        }
    )
    dbos.DBOS.launch()

    async def place(request: web.Request) -> web.Response:
        identity = object_id()
        with dbos.SetWorkflowID(request.headers["Idempotency-Key"]):
            handle = await dbos.DBOS.start_workflow_async(checkout, identity)
        return web.json_response({"id": identity, "shipment": await handle.get_result()}, status=201)

    app = web.Application()
    app.add_routes([web.post("/orders", place)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
