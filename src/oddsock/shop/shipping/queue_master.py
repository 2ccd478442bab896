"""queue-master's part: takes parcels out of the queue, one by one, and says so."""

import asyncio

from oddsock.shop.log_lines import SpringLog
from oddsock.shop.shipping.book import ShippingBook

PARCELS_A_TURN = 100


class QueueMaster:
    """The consumer of the queue; `call` wakes it, `work` runs until it is cancelled."""

    def __init__(self, book: ShippingBook, log: SpringLog) -> None:
        self._book = book
        self._log = log
        self._called = asyncio.Event()
        self._called.set()

    def call(self) -> None:
        """There is something in the queue."""
        self._called.set()

    def empty_queue(self) -> int:
        """Dispatch everything that waits; answers how many parcels."""
        count = 0
        while parcels := self._book.queued(PARCELS_A_TURN):
            for parcel in parcels:
                self._book.dispatch(parcel)
                self._log.bare(f"Received shipment task: {parcel.customer_id}")
                count += 1
        return count

    async def work(self) -> None:
        """Empty the queue at every call; the first turn takes what a dead predecessor left."""
        while True:
            await self._called.wait()
            self._called.clear()
            self.empty_queue()
