"""The calls to user and carts: what an order needs to know of its customer, fetched in parallel.

The four URLs come from the order request's body, as in the original; here they may only name user and carts.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from oddsock.shop.calls import BROKEN, NoAnswer, call
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.gateway import expect
from oddsock.shop.orders.order import Address, Card, Customer, Item

HOSTS = frozenset({"user", "carts"})

T = TypeVar("T")

_LAST_SEGMENT = re.compile(r"[\w-]+$")


@dataclass(frozen=True, slots=True)
class Links:
    """The four URLs of an order request."""

    customer: str
    address: str
    card: str
    items: str

    @property
    def customer_id(self) -> str:
        """The last segment of the customer's URL."""
        found = _LAST_SEGMENT.search(self.customer)
        return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Basket:
    """What the links led to."""

    customer_id: str
    customer: Customer
    address: Address
    card: Card
    items: list[Item]
    email: str = ""


class _Known(Customer):
    """The customer as user tells it, with where mail goes."""

    email: str = ""


class Baskets:
    """Fetches a basket over HTTP."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """The basket behind *links*; NoAnswer when one of the four gives none."""
        customer, address, card, items = await asyncio.gather(
            self._get(links.customer, _Known, by),
            self._get(links.address, Address, by),
            self._get(links.card, Card, by),
            self._get(links.items, list[Item], by),
        )
        copied = Customer(customer.first_name, customer.last_name, customer.username)
        return Basket(links.customer_id, copied, address, card, items, customer.email)

    async def _get(self, url: str, shape: type[T], by: Correlation) -> T:
        host = urlsplit(url).hostname or ""
        if host not in HOSTS:
            raise NoAnswer(BROKEN, f"{url} does not belong to this shop")
        return expect(await call(self._client, "GET", url, by.onward()), host, 200).read(shape)
