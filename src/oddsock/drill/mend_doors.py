"""What a mend asks of the outside: of the cluster to see that the shop is restored, of the shop to read and mend it."""

from typing import Protocol

from oddsock.clients.kubernetes.objects import Deployment
from oddsock.clients.sockshop.books import CartLine, Customer, Notice, Order
from oddsock.clients.sockshop.doors import Answer
from oddsock.clients.sockshop.shop import Health


class MendCluster(Protocol):
    """What a mend asks of the cluster."""

    async def deployment(self, name: str) -> Deployment | None:
        """Deployment *name*, None when there is none."""
        ...

    async def env(self, name: str) -> dict[str, str]:
        """The variables of its first container."""
        ...

    async def set_env(self, name: str, values: dict[str, str | None]) -> None:
        """Set variables of its first container."""
        ...


class MendShop(Protocol):
    """What a mend asks of the shop; clients/sockshop Shop is one."""

    async def health(self, service: str) -> list[Health]:
        """What *service* says of itself."""
        ...

    async def known_orders(self) -> list[Order]:
        """Every order."""
        ...

    async def notices(self) -> list[Notice]:
        """Every mail."""
        ...

    async def customers(self) -> list[Customer]:
        """Every customer."""
        ...

    async def carts(self, customer_ids: list[str]) -> list[CartLine]:
        """What stands in some carts."""
        ...

    async def supports_retry(self) -> bool:
        """Whether orders can be tried again under a key."""
        ...

    async def retry_order(self, order_id: str, key: str) -> Answer:
        """Try an order again."""
        ...

    async def cancel_order(self, order_id: str, reason: str, key: str) -> Answer:
        """Cancel an order: parcel recalled, money refunded."""
        ...

    async def refund(self, charge_id: str, amount_cents: int, reason: str, key: str) -> Answer:
        """Give money back."""
        ...

    async def recall(self, shipment_id: str, key: str) -> Answer:
        """Call a parcel back."""
        ...

    async def remove_cart_line(self, customer_id: str, item_id: str) -> Answer:
        """Take a sock out of a cart."""
        ...
