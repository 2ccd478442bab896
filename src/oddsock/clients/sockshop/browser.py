"""A customer's browser: what the original's pages and client.js send, and what the customer then sees.

client.js writes a message for 201 and for 406 only; any other failure leaves the page silent. After a 201 it deletes
the cart. Source: front-end/public/js/client.js of microservices-demo. A front-end that sends X-Customer-Message says
itself what its page shows, and is believed.
"""

from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
import msgspec

from oddsock.clients.answers import explain, read_body
from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.sockshop import hal
from oddsock.clients.sockshop.books import Line, Shown, Sock
from oddsock.clients.sockshop.doors import Answer
from oddsock.clients.sockshop.pages import constant_label, read_rows
from oddsock.kit import http, ids
from oddsock.kit.clock import Clock, SystemClock, iso
from oddsock.kit.errors import Unreachable
from oddsock.kit.mask import mask_cards

CALL_S_MAX = 20.0
"""Wall seconds a customer waits for one answer; orders alone may need 5 s for each of four services."""

SOCKS_MAX = 1000
"""Socks asked of the catalogue at once."""

VANISHED = "the browser vanished before an answer came"
"""What is known of an order whose answer nobody read."""

Outcome = Literal["ok", "fail", "unknown"]
Told = Literal["confirmation", "error", "nothing"]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, and *message*, the text the customer saw; *outcome* is unknown where it may have happened.

    *id* is the new object's id where one was made (customer, address, card, order); *cart_after* is read after a
    checkout and None when it could not be.
    """

    outcome: Outcome
    http_status: int | None = None
    message: str = ""
    told: Told = "nothing"
    id: str = ""
    order_id: str = ""
    total_wire: float | None = None
    cart_after: list[Line] | None = None
    error: str = ""
    duration_ms: float = 0.0
    request_id: str = ""
    traceparent: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's page of orders: its HTML and what it shows."""

    html: str
    shown: list[Shown]


class Browser:
    """One customer's session with the front-end at *door*; verbs answer a Reply, readers raise Unreachable."""

    def __init__(
        self, door: ServiceDoor, username: str, clock: Clock | None = None, call_s_max: float = CALL_S_MAX
    ) -> None:
        self.username = username
        self.customer_id = ""
        self._door = door
        self._clock = clock or SystemClock()
        self._call_s_max = call_s_max
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the browser; its cookies are gone."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def register(self, password: str, first_name: str = "", last_name: str = "", email: str = "") -> Reply:
        """Open an account and be logged in."""
        document = {
            "username": self.username,
            "password": password,
            "email": email,
            "firstName": first_name,
            "lastName": last_name,
        }
        reply, answer = await self._do("POST", "/register", document)
        return self._made(reply, answer, is_customer=True)

    async def login(self, password: str) -> Reply:
        """Log in; whose session it is, is read afterwards, because the original's answer does not say."""
        headers = {"Authorization": aiohttp.encode_basic_auth(self.username, password, "utf-8")}
        if "Authorization" in self._door.headers:
            return Reply(outcome="fail", error="through an API server's proxy its token stands where the password goes")
        reply, _ = await self._do("GET", "/login", headers=headers)
        if reply.outcome == "ok":
            # The front-end ignores the id in this path and answers the session's customer.
            _, answer = await self._do("GET", "/customers/mine")
            document = answer.document if answer and answer.is_ok else None
            if isinstance(document, dict):
                self.customer_id = hal.id_of(document)
        return reply

    async def add_address(self, number: str, street: str, city: str, postcode: str, country: str) -> Reply:
        """Say where parcels go."""
        document = {"number": number, "street": street, "city": city, "postcode": postcode, "country": country}
        return self._made(*await self._do("POST", "/addresses", document))

    async def add_card(self, number: str, expires: str, ccv: str) -> Reply:
        """Say which card pays; nothing of it comes back in the Reply."""
        return self._made(*await self._do("POST", "/cards", {"longNum": number, "expires": expires, "ccv": ccv}))

    async def socks(self) -> list[Sock]:
        """The catalogue as the shop's pages show it."""
        answer = await self._read(f"/catalogue?page=1&size={SOCKS_MAX}")
        if not isinstance(answer.document, list):
            # The front-end answers 200 for whatever the catalogue said.
            raise Unreachable("the catalogue", answer.url, answer.message or "its answer is no list of socks")
        return [hal.read_sock(one) for one in answer.document]

    async def add_to_cart(self, item_id: str, quantity: int = 1) -> Reply:
        """Put a sock into the cart, as the button does: one piece, then its quantity if it is another."""
        reply, _ = await self._do("POST", "/cart", {"id": item_id})
        if reply.outcome == "ok" and quantity != 1:
            reply, _ = await self._do("POST", "/cart/update", {"id": item_id, "quantity": quantity})
        return reply

    async def remove(self, item_id: str) -> Reply:
        """Take a sock out of the cart."""
        reply, _ = await self._do("DELETE", f"/cart/{item_id}")
        return reply

    async def clear_cart(self) -> Reply:
        """Throw the whole cart away."""
        reply, _ = await self._do("DELETE", "/cart")
        return reply

    async def cart(self) -> list[Line]:
        """What stands in the cart."""
        answer = await self._read("/cart")
        if not isinstance(answer.document, list):
            raise Unreachable("the cart", answer.url, "its answer is no list")
        return [hal.read_line(item) for item in answer.document]

    async def checkout(
        self, request_id: str = "", traceparent: str = "", order_token: str = "", vanishes: bool = False
    ) -> Reply:
        """Press "Proceed to checkout"; after a 201, or a 202 of which the page speaks, the cart goes; it is read.

        *order_token* is the form's, which its script sends as the Idempotency-Key of each press. A browser that
        *vanishes* has sent the order, and whatever is answered nobody reads: its page does nothing more.
        """
        if not self._is_logged_in():
            message = "You must be logged in to place an order."
            return Reply(outcome="fail", message=message, told="error", error="not logged in; nothing was sent")
        headers = {http.IDEMPOTENCY_KEY: order_token} if order_token else {}
        reply, answer = await self._do(
            "POST", "/orders", {}, headers=headers, request_id=request_id, traceparent=traceparent
        )
        if vanishes:
            return Reply(outcome="unknown", error=VANISHED, duration_ms=reply.duration_ms)
        reply = _told(reply, answer)
        if reply.http_status == 201 or (reply.http_status == 202 and reply.message):
            await self.clear_cart()
        try:
            cart_after: list[Line] | None = await self.cart()
        except Unreachable:
            cart_after = None
        return msgspec.structs.replace(reply, cart_after=cart_after)

    async def orders_page(self) -> list[Shown]:
        """What the customer's page of orders shows."""
        return (await self.read_orders_page()).shown

    async def read_orders_page(self) -> Page:
        """The customer's page of orders; the original's is made in the browser, with one constant label for all."""
        answer = await self._read("/customer-orders.html")
        html = answer.body.decode(errors="replace")
        at = iso(self._clock.now())
        shown = [
            Shown(
                order_id=row.order_id,
                customer_id=self.customer_id,
                label=row.label,
                at=at,
                amount_cents=row.amount_cents,
            )
            for row in read_rows(html)
        ]
        if not shown and (label := constant_label(html)):
            orders = (await self._read("/orders", accepted=(200, 201))).document
            shown = [
                Shown(
                    order_id=order.id, customer_id=self.customer_id, label=label, at=at, amount_cents=order.total_cents
                )
                for order in map(hal.read_order, orders if isinstance(orders, list) else [])
            ]
        return Page(html=html, shown=shown)

    def _is_logged_in(self) -> bool:
        return self._session is not None and any(cookie.key == "logged_in" for cookie in self._session.cookie_jar)

    def _made(self, reply: Reply, answer: Answer | None, is_customer: bool = False) -> Reply:
        document = answer.document if answer else None
        if reply.outcome != "ok" or not isinstance(document, dict):
            return reply
        if not document.get("id"):
            # The front-end answers 200 here for whatever the user service said.
            return msgspec.structs.replace(reply, outcome="unknown", error=answer.message if answer else "")
        if is_customer:
            self.customer_id = str(document["id"])
        return msgspec.structs.replace(reply, id=str(document["id"]))

    async def _read(self, path: str, accepted: tuple[int, ...] = (200,)) -> Answer:
        reply, answer = await self._do("GET", path)
        if answer is None or answer.status not in accepted:
            raise Unreachable("front-end", self._door.url + path, reply.error or f"HTTP {reply.http_status}")
        return answer

    async def _do(
        self,
        method: str,
        path: str,
        document: object = None,
        headers: Mapping[str, str] | None = None,
        request_id: str = "",
        traceparent: str = "",
    ) -> tuple[Reply, Answer | None]:
        """Send one request and say how it ended; the Answer is None when none came."""
        if self._session is None:
            self._session = http.session(self._call_s_max, cookies=True)
        request_id, traceparent = request_id or ids.request_id(), traceparent or ids.traceparent()
        sent = {http.REQUEST_ID: request_id, http.TRACEPARENT: traceparent, **self._door.headers, **(headers or {})}
        url = self._door.url + path
        began = self._clock.monotonic()
        answer: Answer | None = None
        error = ""
        outcome: Outcome = "unknown"
        try:
            async with self._session.request(
                method, url, json=document, headers=sent, ssl=self._door.tls or True, allow_redirects=method == "GET"
            ) as got:
                answer = Answer(got.status, await read_body(got), url, got.headers.get(http.CUSTOMER_MESSAGE))
            outcome = outcome_of(answer.status)
            error = "" if answer.is_ok else answer.message
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            # Only a connection that was never made is sure not to have carried the request.
            outcome = "fail" if isinstance(cause, aiohttp.ClientConnectorError) else "unknown"
            error = explain(cause)
        reply = Reply(
            outcome=outcome,
            http_status=answer.status if answer else None,
            error=error,
            duration_ms=round((self._clock.monotonic() - began) * 1000, 1),
            request_id=request_id,
            traceparent=traceparent,
        )
        return reply, answer


def outcome_of(status: int) -> Outcome:
    """How an operation with this HTTP status ended: 2xx surely happened, 4xx surely not, anything else may have.

    >>> outcome_of(201), outcome_of(406), outcome_of(500)
    ('ok', 'fail', 'unknown')
    """
    if 200 <= status < 300:
        return "ok"
    return "fail" if 400 <= status < 500 else "unknown"


def _told(reply: Reply, answer: Answer | None) -> Reply:
    document: Any = answer.document if answer else None
    if reply.http_status in (201, 202):
        order = document if isinstance(document, dict) else {}
        total = order.get("total")
        reply = msgspec.structs.replace(
            reply,
            id=hal.id_of(order),
            order_id=hal.id_of(order),
            total_wire=float(total) if isinstance(total, int | float) else None,
        )
        if reply.http_status == 201:
            reply = msgspec.structs.replace(reply, message="Order placed.", told="confirmation")
    elif reply.http_status == 406 and isinstance(document, dict):
        # A body that is no JSON stops client.js before it writes anything.
        message = mask_cards(f"Error placing order. {document.get('message', '')}".rstrip())
        reply = msgspec.structs.replace(reply, message=message, told="error")
    if answer is None or answer.customer_message is None:
        return reply
    message = mask_cards(answer.customer_message.strip())
    shown: Told = "confirmation" if reply.http_status in (201, 202) else "error"
    return msgspec.structs.replace(reply, message=message, told=shown if message else "nothing")
