"""What is said at the end of a checkout, and what of the money is known."""

from typing import Any

import pytest

from oddsock.shop.customer_texts import Charged
from oddsock.shop.front_end.money_told import ENDED, HARMLESS, Money, money_of
from oddsock.shop.front_end.outcome import outcome_of
from oddsock.shop.front_end.purchases import header_of

ORDER_ID = "690320eae2c84800016ceb4b"
UNAVAILABLE = {"message": f"Payment service unavailable for order {ORDER_ID}"}


def _row(kind: str, amount_cents: int = 1999) -> dict[str, Any]:
    return {"kind": kind, "amount_cents": amount_cents, "order_id": ORDER_ID}


@pytest.mark.parametrize(
    ("rows", "reason", "charged"),
    [
        ([_row("capture")], "Read timed out", Charged.YES),
        ([_row("authorisation"), _row("capture")], "Connection reset", Charged.YES),
        ([_row("capture"), _row("capture"), _row("refund")], "", Charged.YES),
        ([_row("capture"), _row("refund")], "", Charged.REFUNDED),
        ([_row("decline")], "", Charged.NO),
        ([], "Connection refused", Charged.NO),
        ([], "payment answered 500", Charged.NO),
        ([], ENDED, Charged.NO),
        ([], "Read timed out", Charged.UNKNOWN),
        ([], "Connection reset", Charged.UNKNOWN),
        ([], "", Charged.UNKNOWN),
        (None, "Connection refused", Charged.NO),
        (None, "payment answered 500", Charged.UNKNOWN),
        (None, ENDED, Charged.UNKNOWN),
    ],
)
def test_whether_the_card_was_charged_is_said_only_when_it_is_certain(
    rows: list[dict[str, Any]] | None, reason: str, charged: Charged
) -> None:
    assert money_of(rows, reason).charged is charged


def test_a_charge_that_can_no_longer_be_on_its_way_is_no_charge() -> None:
    assert money_of([], "Read timed out", is_settled=True).charged is Charged.NO
    assert money_of(None, "Read timed out", is_settled=True).charged is Charged.UNKNOWN


@pytest.mark.parametrize(
    ("status", "document", "order", "charged", "kind", "words"),
    [
        (201, {"id": ORDER_ID, "total": 19.99, "status": "PAID"}, None, Charged.YES, "placed", "charged $19.99."),
        (202, {"id": ORDER_ID, "total": 19.99}, {"status": "PENDING"}, Charged.NO, "delayed", "not been charged yet"),
        (202, {"id": ORDER_ID}, {"status": "PENDING"}, Charged.UNKNOWN, "delayed", "do not know yet"),
        (
            202,
            {"id": ORDER_ID},
            {"status": "PAID", "total": 19.99, "shipment": {"id": "p"}},
            Charged.YES,
            "placed",
            "placed and paid",
        ),
        (400, {}, None, Charged.NO, "refused", "could not read what your browser sent"),
        (406, {"message": "Payment declined: amount exceeds 105.00"}, None, Charged.NO, "refused", "exceeds 105.00."),
        (406, {"message": "Invalid order request."}, None, Charged.NO, "refused", "needs an address, a card"),
        (409, {}, None, Charged.UNKNOWN, "refused", "charged at most once"),
        (422, {}, None, Charged.NO, "refused", "has placed an order already"),
        (500, UNAVAILABLE, {"status": "PAYMENT_FAILED", "total": 19.99}, Charged.NO, "failed", "was not charged"),
        (500, UNAVAILABLE, {"status": "PAYMENT_FAILED"}, Charged.UNKNOWN, "failed", "do not order again yet"),
        (
            503,
            UNAVAILABLE,
            {"status": "PAYMENT_FAILED"},
            Charged.YES,
            "failed",
            "complete this order or give the money",
        ),
        (500, {}, {"status": "PAID", "shipment": None}, Charged.YES, "unsent", "parcel service has not taken it"),
        (500, {}, {"status": "PAID", "shipment": {"id": "p"}}, Charged.YES, "placed", "placed and paid"),
        (500, "no JSON", None, Charged.UNKNOWN, "failed", "do not know yet whether"),
    ],
)
def test_every_end_of_a_checkout_is_told_in_words(
    status: int, document: object, order: dict[str, Any] | None, charged: Charged, kind: str, words: str
) -> None:
    found = outcome_of(status, document, order, Money(charged))
    assert (found.kind, words in found.text.line) == (kind, True), found.text.line
    assert found.text.charged and found.text.next
    assert header_of(found.text.line) == found.text.line


def test_an_order_that_only_payments_book_names_is_known_by_it() -> None:
    found = outcome_of(500, {"message": "unspecified IO error."}, None, Money(Charged.YES, 1999, ORDER_ID))
    assert found.order_id == ORDER_ID
    assert "Your card was charged $19.99." in found.text.sentences


def test_a_header_is_one_line_of_ascii() -> None:
    assert header_of("naïve\r\nSet-Cookie: a=b") == "na?ve Set-Cookie: a=b"


def test_a_parked_order_whose_card_was_charged_waits_for_its_parcel_and_not_for_payment() -> None:
    parked = {"id": ORDER_ID, "status": "PENDING", "total": 19.99}
    assert "parcel service" in outcome_of(202, parked, None, Money(Charged.YES, 1999)).text.happened
    paid = {**parked, "status": "PAID", "shipment": None}
    assert outcome_of(202, paid, None, Money(Charged.UNKNOWN)).kind == "unsent"
    assert money_of(None, HARMLESS).charged is Charged.NO
