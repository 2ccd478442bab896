"""Cookies, labels and messages of the front-end."""

from urllib.parse import quote, unquote

import pytest

from oddsock.shop.calls import BROKEN, REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.front_end import sessions
from oddsock.shop.front_end.desk import no_answer
from oddsock.shop.front_end.layout import render
from oddsock.shop.front_end.order_face import face_of
from oddsock.shop.front_end.sessions import SESSION_COOKIE, Sessions
from oddsock.shop.front_end.shown import checkout_message, label_of, order_id_of

PARCEL = {"id": "parcel-1", "name": "c"}


def test_a_signed_cookie_leads_back_to_its_session() -> None:
    kept = Sessions(b"secret")
    session = kept.begin()
    value = kept.cookie(session)
    assert unquote(value).startswith(f"s:{session.id}.")
    assert kept.find({SESSION_COOKIE: value}) is session


@pytest.mark.parametrize("spoil", ["{}x", "x{}", "", "s%3Anonsense", "s%3A."])
def test_a_cookie_that_was_touched_leads_nowhere(spoil: str) -> None:
    kept = Sessions(b"secret")
    value = kept.cookie(kept.begin())
    assert kept.find({SESSION_COOKIE: spoil.format(value)}) is None


def test_a_cookie_of_another_process_leads_nowhere() -> None:
    session = Sessions(b"one").begin()
    assert Sessions(b"two").find({SESSION_COOKIE: Sessions(b"one").cookie(session)}) is None
    assert Sessions().find({SESSION_COOKIE: quote(f"s:{session.id}.é")}) is None


def test_the_oldest_session_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 2)
    kept = Sessions(b"secret")
    first, *others = [kept.begin() for _ in range(3)]
    assert kept.find({SESSION_COOKIE: kept.cookie(first)}) is None
    assert all(kept.find({SESSION_COOKIE: kept.cookie(one)}) is one for one in others)


@pytest.mark.parametrize(
    ("status", "shipment", "live", "label"),
    [
        ("CREATED", None, set(), "Created"),
        ("PENDING", None, set(), "Pending"),
        ("PAYMENT_FAILED", None, set(), "Payment failed"),
        ("PAID", None, set(), "Paid"),
        ("PAID", PARCEL, {"parcel-1"}, "Shipped"),
        ("PAID", PARCEL, set(), "Paid"),
        ("PAID", PARCEL, None, "Shipped"),
        ("CANCELLED", PARCEL, {"parcel-1"}, "Cancelled"),
    ],
)
def test_what_is_shown_is_true_when_the_switch_says_order_and_shipped_when_it_says_label(
    status: str, shipment: object, live: set[str] | None, label: str
) -> None:
    order = {"status": status, "shipment": shipment}
    assert label_of(order, live, "order") == label
    assert label_of(order, live, "label") == "Shipped"


@pytest.mark.parametrize(
    ("status", "silent", "said"),
    [
        (201, True, "Order placed."),
        (406, True, "Error placing order. Why."),
        (500, True, ""),
        (503, True, ""),
        (500, False, "Payment processing failed. Why."),
    ],
)
def test_the_checkout_page_speaks_as_client_js_does_unless_it_is_mended(status: int, silent: bool, said: str) -> None:
    assert checkout_message(status, {"message": "Why."}, silent) == said


def test_an_orders_id_is_the_end_of_its_own_link() -> None:
    assert order_id_of({"_links": {"self": {"href": "http://orders/orders/690320ce"}}}) == "690320ce"
    assert order_id_of({}) == ""


def test_a_page_escapes_what_it_shows() -> None:
    row = {"id": "<b>", "date": "", "amount": "1.00", "shown": "Paid", "face": face_of("<b>", "PAID", "Paid")}
    page = render("customer-orders.html", rows=[row], message="", is_legacy=False, stream="")
    assert "<b>" not in page and "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        (REFUSED, "connect ECONNREFUSED orders:80", "ECONNREFUSED"),
        (TIMED_OUT, "connect ETIMEDOUT orders:80", "ETIMEDOUT"),
    ],
)
def test_a_service_without_an_answer_is_a_500_in_nodes_words(kind: str, message: str, code: str) -> None:
    answer = no_answer(NoAnswer(kind, "x", "orders", 80))
    assert answer.status == 500
    assert isinstance(answer.body, bytes) and message.encode() in answer.body and code.encode() in answer.body


def test_an_unreadable_answer_is_named_as_it_is() -> None:
    answer = no_answer(NoAnswer(BROKEN, "unreadable answer"))
    assert answer.body == b'{"message":"unreadable answer","error":{}}'
