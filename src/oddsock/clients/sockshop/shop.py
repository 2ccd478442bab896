"""What an operator asks of the shop's services: their books, their health, and the few things that mend an order."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from oddsock.clients.sockshop import hal
from oddsock.clients.sockshop.books import (
    CartLine,
    Charge,
    Customer,
    Notice,
    Order,
    OrderEvent,
    Owner,
    Shipment,
    Sock,
    StatusChange,
    with_journal_status,
)
from oddsock.clients.sockshop.counters import Sample, read_samples
from oddsock.clients.sockshop.doors import CALL_S_MAX, Answer, Caller, Doors
from oddsock.kit.errors import Unreachable
from oddsock.kit.http import IDEMPOTENCY_KEY

PAGE_ROWS = 500
"""Rows asked for at once."""

PAGES_MAX = 2000
"""Pages after which a list is not believed to end."""

Row = TypeVar("Row")


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """One component of a service as its /health says it: OK or err."""

    service: str
    status: str
    at: str = ""


class Shop:
    """The shop behind *doors*. Every reader raises Unreachable when its service is away or has no such book."""

    def __init__(self, doors: Doors, call_s_max: float = CALL_S_MAX) -> None:
        self._caller = Caller(doors, call_s_max)

    async def close(self) -> None:
        """Let every connection go."""
        await self._caller.close()

    async def orders(self) -> list[Order]:
        """Every order as it is now, in the order the service lists them."""
        rows: list[Order] = []
        for page in range(PAGES_MAX):
            answer = await self._get("orders", "/orders", {"page": str(page), "size": str(PAGE_ROWS)})
            with _reading(answer):
                rows += [hal.read_order(one) for one in hal.embedded(answer.document, "customerOrders")]
                if page + 1 >= hal.total_pages(answer.document):
                    return rows
        raise _endless("orders", answer)

    async def journal(self) -> list[StatusChange]:
        """Every status that any order ever had."""
        return await self._book("orders", "/journal", "changes", StatusChange)

    async def known_orders(self) -> list[Order]:
        """Every order, with the status that its journal tells where the orders themselves show none."""
        orders = await self.orders()
        if all(order.status for order in orders):
            return orders
        try:
            return with_journal_status(orders, await self.journal())
        except Unreachable:
            return orders

    async def charges(self) -> list[Charge]:
        """Every line of payment's book."""
        return await self._book("payment", "/charges", "charges", Charge)

    async def shipments(self) -> list[Shipment]:
        """Every line of shipping's book."""
        return await self._book("shipping", "/shipments", "shipments", Shipment)

    async def notices(self) -> list[Notice]:
        """Every mail in the mailbox."""
        return await self._book("mailbox", "/notices", "notices", Notice)

    async def waiting_notices(self) -> int:
        """How many notices orders still has to send; none where it sends none itself."""
        answer = await self._caller.call("orders", "GET", "/outbox")
        if answer.status in (404, 405):
            return 0
        with _reading(answer):
            return int(answer.document["waiting"])

    async def carts(self, customer_ids: Iterable[str]) -> list[CartLine]:
        """What stands in the carts of *customer_ids*."""
        rows: list[CartLine] = []
        for customer_id in customer_ids:
            answer = await self._get("carts", f"/carts/{quote(customer_id, safe='')}/items")
            with _reading(answer):
                rows += [hal.read_cart_line(customer_id, item) for item in answer.document]
        return rows

    async def customers(self) -> list[Customer]:
        """Every customer."""
        answer = await self._get("user", "/customers")
        with _reading(answer):
            return [hal.read_customer(one) for one in hal.embedded(answer.document, "customer")]

    async def owners(self) -> list[Owner]:
        """Every card and address with whose it is: by its own id, else asked for customer by customer."""
        known = {customer.id for customer in await self.customers()}
        rows: list[Owner] = []
        for relation, path, read in (("card", "cards", hal.read_card), ("address", "addresses", hal.read_address)):
            answer = await self._get("user", f"/{path}")
            with _reading(answer):
                listed = hal.embedded(answer.document, relation)
                # In the original's later dialect a customer has one of each, under the customer's own id.
                if all(hal.id_of(one) in known for one in listed):
                    rows += [read(hal.id_of(one), one) for one in listed]
                    continue
            for customer_id in sorted(known):
                answer = await self._get("user", f"/customers/{_part(customer_id)}/{path}")
                with _reading(answer):
                    rows += [read(customer_id, one) for one in hal.embedded(answer.document, relation)]
        return rows

    async def events(self) -> list[OrderEvent]:
        """The events of all orders, oldest first; Unreachable with HTTP 404 where none are kept."""
        try:
            return await self._book("orders", "/events", "events", OrderEvent)
        except Unreachable as error:
            if not str(error).endswith("HTTP 404."):
                raise
            what = "the events of orders (kept while event sourcing is switched on)"
            raise Unreachable(what, error.address, "HTTP 404") from error

    async def catalogue(self) -> list[Sock]:
        """Every sock; an older catalogue may list less than was asked for, so pages are read until one brings none."""
        rows: dict[str, Sock] = {}
        for page in range(1, PAGES_MAX):
            answer = await self._get("catalogue", "/catalogue", {"page": str(page), "size": str(PAGE_ROWS)})
            with _reading(answer):
                fresh = {sock.id: sock for sock in map(hal.read_sock, answer.document or []) if sock.id not in rows}
            if not fresh:
                return list(rows.values())
            rows |= fresh
        raise _endless("catalogue", answer)

    async def health(self, service: str) -> list[Health]:
        """What *service* says of itself and its store; the front-end has no /health, its page is asked for instead."""
        if service == "front-end":
            await self._get(service, "/")
            return [Health(service=service, status="OK")]
        answer = await self._get(service, "/health")
        with _reading(answer):
            # The gateway variant of payment answers a bare list.
            entries = answer.document["health"] if isinstance(answer.document, dict) else answer.document
            return [
                Health(service=one["service"], status=one["status"], at=str(one.get("time") or one.get("date") or ""))
                for one in entries
            ]

    async def counters(self, service: str) -> list[Sample]:
        """What *service* counts at its /metrics since its process began."""
        answer = await self._get(service, "/metrics")
        return list(read_samples(answer.body.decode(errors="replace")))

    async def supports_retry(self) -> bool:
        """Whether this shop's orders can be retried under an idempotency key; the original's cannot."""
        answer = await self._caller.call("orders", "OPTIONS", "/orders/any/retry")
        # The original answers OPTIONS of anything it does not know with 404 or 405.
        return answer.status == 204

    async def retry_order(self, order_id: str, key: str) -> Answer:
        """Ask orders to finish the order under *key*: 200, 404 unknown, 409 wrong state, 503 payment away."""
        return await self._post("orders", f"/orders/{_part(order_id)}/retry", None, key)

    async def cancel_order(self, order_id: str, reason: str, key: str) -> Answer:
        """Ask orders to cancel the order: parcel recalled, money refunded."""
        return await self._post("orders", f"/orders/{_part(order_id)}/cancel", {"reason": reason}, key)

    async def refund(self, charge_id: str, amount_cents: int, reason: str, key: str) -> Answer:
        """Give *amount_cents* of a charge back: 201, 200 when *key* did it before, 409 when it is more than is left."""
        document = {"charge_id": charge_id, "amount_cents": amount_cents, "reason": reason}
        return await self._post("payment", "/refunds", document, key)

    async def recall(self, shipment_id: str, key: str) -> Answer:
        """Call a parcel back; 200, also when it was called back before."""
        return await self._post("shipping", f"/shipments/{_part(shipment_id)}/recall", None, key)

    async def remove_cart_line(self, customer_id: str, item_id: str) -> Answer:
        """Take a sock out of a customer's cart; 202, and 500 when it is not in it."""
        path = f"/carts/{_part(customer_id)}/items/{_part(item_id)}"
        return await self._caller.call("carts", "DELETE", path)

    async def _post(self, service: str, path: str, document: object, key: str) -> Answer:
        return await self._caller.call(service, "POST", path, document=document, headers={IDEMPOTENCY_KEY: key})

    async def _get(self, service: str, path: str, query: dict[str, str] | None = None) -> Answer:
        answer = await self._caller.call(service, "GET", path, query=query)
        if answer.status != 200:
            raise Unreachable(f"{path.lstrip('/') or 'the page'} of {service}", answer.url, f"HTTP {answer.status}")
        return answer

    async def _book(self, service: str, path: str, name: str, row: type[Row]) -> list[Row]:
        rows: list[Row] = []
        after = 0
        for _ in range(PAGES_MAX):
            answer = await self._get(service, path, {"after": str(after), "limit": str(PAGE_ROWS)})
            with _reading(answer):
                rows += msgspec.convert(answer.document[name], list[row])  # type: ignore[valid-type]  # a type held in a variable
                follows = answer.document.get("next")
            if follows is None:
                return rows
            if not isinstance(follows, int) or follows <= after:
                break
            after = follows
        raise _endless(service, answer)


@contextmanager
def _reading(answer: Answer) -> Iterator[None]:
    # A document that cannot be read is no evidence; a book with rows missing would be a false one.
    try:
        yield
    except (msgspec.ValidationError, LookupError, TypeError, ValueError, AttributeError) as cause:
        reason = f"its answer cannot be read ({type(cause).__name__}: {cause})"
        raise Unreachable("the shop's book", answer.url, reason) from cause


def _endless(service: str, answer: Answer) -> Unreachable:
    return Unreachable(f"the book of {service}", answer.url, f"its pages do not end after {PAGES_MAX}")


def _part(text: str) -> str:
    return quote(text, safe="")
