"""A customer without a browser, who buys over the storefront's API."""

import json
from typing import Any

from oddsock.kit import http, ids


class Customer:
    """Someone at the storefront, with cookies of their own."""

    def __init__(self, storefront: str) -> None:
        self.storefront = storefront.rstrip("/")
        self.client = http.session(20.0, cookies=True)

    async def close(self) -> None:
        """Leave."""
        await self.client.close()

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        async with self.client.request(method, self.storefront + path, json=body) as got:
            text = await got.text()
            return got.status, json.loads(text) if text.startswith(("[", "{")) else text

    async def begin(self) -> None:
        """Register, with an address and a card."""
        name = f"customer-{ids.object_id()}"
        person = {"username": name, "password": "secret-1", "email": "a@b.example", "firstName": "A", "lastName": "B"}
        assert (await self.ask("POST", "/register", person))[0] == 200
        address = {"number": "1", "street": "Road", "city": "Town", "postcode": "P1", "country": "UK"}
        assert (await self.ask("POST", "/addresses", address))[0] == 200
        card = {"longNum": "5953580604169678", "expires": "08/19", "ccv": "678"}
        assert (await self.ask("POST", "/cards", card))[0] == 200

    async def buy(self) -> int:
        """The status of a checkout of one pair of socks."""
        return (await self.order())[0]

    async def order(self) -> tuple[int, Any]:
        """Status and JSON of a checkout of one pair of socks."""
        socks = (await self.ask("GET", "/catalogue?size=100"))[1]
        sock = min(socks, key=lambda one: float(one["price"]))
        assert (await self.ask("POST", "/cart", {"id": sock["id"]}))[0] == 201
        answer = await self.ask("POST", "/orders", {})
        # The original's page empties the cart, no service does.
        await self.ask("DELETE", "/cart")
        return answer
