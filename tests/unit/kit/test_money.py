"""Money: whole cents inside, the original's float32 at the wire."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oddsock.kit import money

INCIDENT_3 = [
    ([(1, 99.99)], 10498, 104.979996),
    ([(1, 15.00)], 1999, 19.99),
    ([(1, 99.99)], 10498, 104.979996),
    ([(1, 99.99), (1, 17.15)], 12213, 122.13),
    ([(1, 17.15)], 2214, 22.14),
]


@pytest.mark.parametrize(("lines", "cents", "wire"), INCIDENT_3)
def test_the_wires_total_is_the_originals_float32(lines: list[tuple[int, float]], cents: int, wire: float) -> None:
    assert money.wire_total(lines) == wire
    assert money.cents(wire) == cents


def test_the_five_orders_are_37422_cents_and_the_cut_sum_is_one_less() -> None:
    assert sum(money.cents(wire) for _, _, wire in INCIDENT_3) == 37422
    cut = sum(money.cents_cut(wire) for _, _, wire in INCIDENT_3)
    assert cut < 37422


def test_cents_are_rounded_half_up_and_read_from_text_too() -> None:
    assert money.cents("0.005") == 1
    assert money.cents("22.14") == 2214
    assert money.cents(-1.5) == -150
    assert money.cents(0) == 0


@given(some.integers(min_value=0, max_value=1_000_000))
def test_cents_survive_the_wires_float32(amount: int) -> None:
    # Up to ten thousand dollars a float32 still tells every cent apart.
    assert money.cents(money.shortest_float32(amount / 100)) == amount


@given(some.floats(min_value=0.0078125, max_value=1e6, width=32))
def test_the_shortest_decimal_reads_back_as_the_same_single(value: float) -> None:
    shortest = money.shortest_float32(value)
    assert money.float32(shortest) == value
    assert len(Decimal(str(shortest)).normalize().as_tuple().digits) <= 9


def test_money_is_written_for_a_person() -> None:
    assert [money.dollars(amount) for amount in (0, 5, 37422, 123456789, -1999)] == [
        "$0.00",
        "$0.05",
        "$374.22",
        "$1,234,567.89",
        "-$19.99",
    ]
