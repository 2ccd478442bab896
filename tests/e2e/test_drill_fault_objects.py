"""The shipped plans whose faults are objects of our cluster, as a user runs them; their expectations prove them."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("plan", "charged"), [("payment-hang", 2), ("payment-reply-lost", 3)])
def test_charges_of_failed_orders_are_found_and_refunded(oddsock: "Oddsock", plan: str, charged: int) -> None:
    ended = oddsock.succeed("drill", plan, "--json").json
    assert (ended["verdicts"]["fault"], ended["verdicts"]["cleanup"]) == ("ok", "ok")
    assert ended["odd"]["before"]["charged but failed"] == charged
    assert ended["odd"]["after_total"] == 0
    oddsock.succeed("report", "--verify")


def test_an_order_whose_service_died_after_the_charge_is_found_stuck_and_mended(oddsock: "Oddsock") -> None:
    ended = oddsock.succeed("drill", "crash-after-charge", "--json").json
    assert (ended["verdicts"]["fault"], ended["verdicts"]["cleanup"]) == ("ok", "ok")
    assert ended["odd"]["before"]["stuck order"] == 1
    assert ended["odd"]["after_total"] == 0
