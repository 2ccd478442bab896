"""The desk: what checkout, the queue, retry and cancel work with."""

from dataclasses import dataclass

from oddsock.kit.clock import Clock
from oddsock.shop.orders.book import OrdersBook
from oddsock.shop.orders.gateway import Payment
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.parcels import Shipping


@dataclass(frozen=True, slots=True)
class Desk:
    """What checkout, retry and cancel work with; *is_keyed*: payment and shipping get each order's own key."""

    book: OrdersBook
    payment: Payment
    shipping: Shipping
    narration: Narration
    clock: Clock
    is_keyed: bool = False
