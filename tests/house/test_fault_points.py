"""The drill may not import the shop, so it knows the shop's fault points from a file; the two are the same."""

from oddsock.drill.faults.fault_point import shop_points
from oddsock.shop.fault_points.points import POINTS


def test_the_drill_knows_every_fault_point_of_the_shop() -> None:
    assert shop_points() == [point.name for point in POINTS]
