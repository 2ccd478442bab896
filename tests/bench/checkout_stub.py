"""payment and shipping as a bench needs them: `python -m tests.bench.checkout_stub PORT`.

payment keeps a charge a key, takes 20 ms a call when told so, answers 503 above 64 calls under way, and counts.
"""

import asyncio
import sys
import uuid

from aiohttp import web

from oddsock.kit.clock import SystemClock

AT_ONCE_MAX = 64
SLOW_S = 0.02


class Stub:
    """What was asked of payment."""

    def __init__(self) -> None:
        self.takes_s = 0.0
        self.under_way = 0
        self.most = 0
        self.calls = 0
        self.refused = 0
        self.charges: dict[str, int] = {}
        self._clock = SystemClock()

    async def authorise(self, request: web.Request) -> web.Response:
        """POST /paymentAuth."""
        self.calls += 1
        if self.takes_s and self.under_way >= AT_ONCE_MAX:
            self.refused += 1
            return web.json_response({"error": "too busy"}, status=503)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.takes_s:
                await self._clock.sleep(self.takes_s)
        finally:
            self.under_way -= 1
        # Without a key each call is a charge, under an order or without one.
        order = request.headers.get("X-Order-Id", "")
        if not request.headers.get("Idempotency-Key") or order not in self.charges:
            self.charges[order] = self.charges.get(order, 0) + 1
        return web.json_response({"authorised": True, "message": "Payment authorised"})

    async def ship(self, _request: web.Request) -> web.Response:
        """POST /shipping."""
        return web.json_response({"id": str(uuid.uuid4()), "name": "c"}, status=201)

    async def slow(self, _request: web.Request) -> web.Response:
        """POST /slow: from now on a charge takes its time, and the counts begin anew."""
        self.takes_s, self.calls, self.refused, self.most, self.charges = SLOW_S, 0, 0, 0, {}
        return web.json_response({})

    async def counts(self, _request: web.Request) -> web.Response:
        """GET /counts."""
        double = sum(1 for count in self.charges.values() if count > 1)
        return web.json_response(
            {
                "calls": self.calls,
                "refused": self.refused,
                "most": self.most,
                "charged": len(self.charges),
                "double": double,
            }
        )


async def serve(port: int) -> None:
    """Serve until the process is killed."""
    stub = Stub()
    app = web.Application()
    app.add_routes(
        [
            web.post("/paymentAuth", stub.authorise),
            web.post("/shipping", stub.ship),
            web.post("/slow", stub.slow),
            web.get("/counts", stub.counts),
            web.get("/shipments", lambda _request: _page("shipments")),
            web.get("/charges", lambda _request: _page("charges")),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


async def _page(name: str) -> web.Response:
    return web.json_response({name: [], "next": None})


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
