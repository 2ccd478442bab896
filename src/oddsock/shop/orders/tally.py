"""What orders counts for whoever watches the shop: orders created, paid, failed, entries into a status, durations.

The original counts requests only. The counters begin at 0 with each start of the process, as Prometheus has it.
"""

from oddsock.shop.exposition import Counter, Histogram
from oddsock.shop.orders.status import Status


class Tally:
    """The business metrics of one orders process."""

    def __init__(self) -> None:
        self._created = Counter("shop_orders_created_total", "Orders that were stored.", ())
        self._paid = Counter("shop_orders_paid_total", "Orders that became PAID, by checkout or by a retry.", ())
        self._failed = Counter(
            "shop_orders_failed_total", "Orders that became PAYMENT_FAILED; attempts left without an order.", ()
        )
        self._statuses = Counter("shop_orders_by_status_total", "Entries of orders into a status.", ("status",))
        self._duration = Histogram(
            "shop_order_duration_seconds", "From an order's request to its answer, in seconds.", ("outcome",)
        )
        self.metrics: list[Counter | Histogram] = [
            self._created,
            self._paid,
            self._failed,
            self._statuses,
            self._duration,
        ]

    def stored(self, status: Status) -> None:
        """A new order was stored in *status*."""
        self._created.add()
        self.entered(status)

    def entered(self, status: Status) -> None:
        """An order came into *status*."""
        self._statuses.add((status.value,))
        if status is Status.PAID:
            self._paid.add()
        elif status is Status.PAYMENT_FAILED:
            self._failed.add()

    def lost(self) -> None:
        """An attempt ended without any order: profile `upstream` stores nothing of a failure."""
        self._failed.add()

    def answered(self, is_placed: bool, duration_s: float) -> None:
        """An order's request was answered, with the order or with an error, after *duration_s* wall seconds."""
        self._duration.observe(("ok" if is_placed else "error",), duration_s)
