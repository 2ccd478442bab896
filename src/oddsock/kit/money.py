"""Money is whole cents. The original's float32 totals exist only here and on its wire.

The original adds float32 line prices in double, casts to float32 and adds 4.99F; what it prints is the shortest decimal
that reads back as the same float32 (Java's Float.toString). Source: OrdersController of microservices-demo/orders.
"""

import struct
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

SHIPPING_CENTS = 499
"""What the original adds to every order."""


def float32(value: float) -> float:
    """*value* rounded to the nearest IEEE 754 single."""
    (single,) = struct.unpack("f", struct.pack("f", value))
    return float(single)


def shortest_float32(value: float) -> float:
    """The shortest decimal that reads back as the same float32, as a Python float that prints so.

    >>> shortest_float32(104.97999572753906), shortest_float32(122.13)
    (104.979996, 122.13)
    """
    single = float32(value)
    for digits in range(6, 10):
        text = f"{single:.{digits}g}"
        if float32(float(text)) == single:
            return float(text)
    return single


def wire_total(lines: Iterable[tuple[int, float]]) -> float:
    """The total the original would print for lines of (quantity, unit price), shipping included.

    >>> wire_total([(1, 99.99)]), wire_total([(1, 15.0)]), wire_total([(1, 99.99), (1, 17.15)])
    (104.979996, 19.99, 122.13)
    """
    double = sum(float32(quantity * float32(price)) for quantity, price in lines)
    return shortest_float32(float32(float32(double) + float32(SHIPPING_CENTS / 100)))


def cents(amount: float | str) -> int:
    """Whole cents of an amount in major units, rounded half up; takes what the wire has.

    >>> cents(104.979996), cents(19.99), cents("22.14")
    (10498, 1999, 2214)
    """
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def cents_cut(amount: float) -> int:
    """Whole cents with the rest cut off: how the hand-written report came to 374.21."""
    return int(amount * 100)


def dollars(amount_cents: int) -> str:
    """Cents as a person reads them.

    >>> dollars(37422), dollars(-5)
    ('$374.22', '-$0.05')
    """
    sign = "-" if amount_cents < 0 else ""
    whole, rest = divmod(abs(amount_cents), 100)
    return f"{sign}${whole:,}.{rest:02d}"
