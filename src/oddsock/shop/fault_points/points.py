"""The table of fault points: where a plan may put a fault inside a transaction, and how things stand there."""

from typing import NamedTuple


class Point(NamedTuple):
    """A place called *name* in the code of *services*; *stands* says what is done by then and what is not."""

    name: str
    services: tuple[str, ...]
    stands: str


POINTS = (
    Point("before-authorise", ("orders",), "the order is saved, payment is not asked yet"),
    Point("after-authorise", ("orders",), "payment has answered, the answer is not looked at yet"),
    Point("after-charge-before-save", ("orders", "payment"), "the card is charged, and no row of this service says so"),
    Point("after-save-before-ship", ("orders",), "the order is saved as paid, shipping is not asked yet"),
    Point("after-ship-before-confirm", ("orders",), "the parcel is booked, the order does not carry it yet"),
    Point("consumer-holds-lease", ("orders",), "an errand of the queue is leased, nothing is done for it yet"),
    Point("reply-dropped-after-charge", ("payment",), "the charge is in the book, the caller has no answer yet"),
    Point("webhook-duplicate", ("payment",), "the other side took the webhook, the outbox does not know it yet"),
)
"""Every point that some service reaches, in the order in which an order comes by."""
