"""The table of fault points: where a plan may put a fault inside a transaction, and how things stand there."""

from typing import NamedTuple


class Point(NamedTuple):
    """A place called *name* in the code of *services*; *stands* says what is done by then and what is not."""

    name: str
    services: tuple[str, ...]
    stands: str


POINTS = (
    Point("before-create", ("orders",), "the basket is read; no order is stored yet"),
    Point("before-authorise", ("orders",), "the order is saved; payment is not asked yet"),
    Point("before-book", ("payment",), "it is decided what payment does; its book has no row of it"),
    Point("after-book", ("payment",), "payment's book has the row; the caller has no answer yet"),
    Point("after-authorise", ("orders",), "payment has answered; the answer is not looked at yet"),
    Point("after-hold-before-save", ("orders",), "saga: the money is held; the order does not say so yet"),
    Point("after-charge-before-save", ("orders", "payment"), "the card is charged; no row of this service says so"),
    Point("after-save-before-ship", ("orders",), "the order is saved as paid, or held; shipping is not asked yet"),
    Point("after-book-before-reply", ("shipping",), "the parcel is in shipping's book; the caller has no answer yet"),
    Point("after-ship-before-confirm", ("orders",), "the parcel is booked; the order does not carry it yet"),
    Point("before-capture", ("orders",), "saga: the parcel is booked; the money that is held is not taken yet"),
    Point("consumer-holds-lease", ("orders",), "an errand of the queue is leased; nothing is done for it yet"),
    Point("reply-dropped-after-charge", ("payment",), "the charge is in the book; the caller has no answer yet"),
    Point("webhook-duplicate", ("payment",), "the other side took the webhook; the outbox does not know it yet"),
)
"""Every point that some service reaches, in the order in which an order comes by."""
