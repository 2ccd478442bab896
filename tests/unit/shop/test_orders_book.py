"""Status, journal and totals: what may follow what, what never changes, what an order costs and looks like."""

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.shop.correlation import Correlation
from oddsock.shop.orders import hal
from oddsock.shop.orders.order import Item, payment_request_text, total_of
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.status import NEXT, PAYABLE, IllegalTransition, Status, check_transition

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other


@given(st.sampled_from(list(Status)), st.sampled_from(list(Status)))
def test_only_the_arrows_of_the_diagram_can_be_taken(before: Status, after: Status) -> None:
    if after in NEXT[before]:
        check_transition(before, after)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(before, after)


def test_an_order_begins_created_and_ends_for_good() -> None:
    check_transition(None, Status.CREATED)
    for status in set(Status) - {Status.CREATED}:
        with pytest.raises(IllegalTransition):
            check_transition(None, status)
    assert {status for status, following in NEXT.items() if not following} == {Status.CANCELLED, Status.DELIVERED}
    assert Status.PAID not in PAYABLE


async def test_an_illegal_move_leaves_row_and_journal_as_they_were(shop: Shop) -> None:
    order = await shop.place()
    with pytest.raises(IllegalTransition):
        await shop.bring_to(order, Status.PAID)
    assert await shop.book.order(order.id) == order
    assert await shop.statuses(order.id) == ["CREATED"]


async def test_the_journal_cannot_be_rewritten(shop: Shop) -> None:
    order = await shop.place()
    rows = shop.book.store._rows
    for statement in ("UPDATE journal SET status='PAID'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            rows.execute(statement)
    assert await shop.statuses(order.id) == ["CREATED"]


async def test_the_row_of_an_order_always_agrees_with_its_last_line_in_the_journal(shop: Shop) -> None:
    order = await shop.place()
    for status in (Status.PENDING, Status.PAYMENT_FAILED, Status.PENDING, Status.PAID, Status.CANCELLED):
        order = await shop.book.move(
            order, status, Step("test", Correlation(request_id="r", idempotency_key="k")), "why"
        )
        last = (await shop.book.journal(0, 100, order.id))[-1]
        assert (last.status, last.cause, last.request_id, last.idempotency_key) == (status, "why", "r", "k")
        assert (await shop.book.order(order.id)).status is status


async def test_an_order_survives_the_death_of_its_process(shop: Shop) -> None:
    order = await shop.bring_to(await shop.place(), Status.PENDING)
    await shop.restart()
    assert await shop.book.order(order.id) == order
    assert await shop.statuses(order.id) == ["CREATED", "PENDING"]


@pytest.mark.parametrize(
    ("lines", "wire", "cents"),
    [
        ([(1, 99.99)], 104.979996, 10498),
        ([(1, 15.0)], 19.99, 1999),
        ([(1, 99.99), (1, 17.15)], 122.13, 12213),
        ([(1, 17.15)], 22.14, 2214),
        ([], 4.99, 499),
    ],
)
def test_totals_are_float32_on_the_legacy_wire_and_whole_cents_inside(
    lines: list[tuple[int, float]], wire: float, cents: int
) -> None:
    items = [Item("i", "s", quantity, price) for quantity, price in lines]
    assert total_of(items, float32_totals=True) == (wire, cents)
    assert total_of(items, float32_totals=False) == (cents / 100, cents)


async def test_a_read_leaves_every_id_out_but_the_shipments(shop: Shop) -> None:
    order = await shop.book.ship(await shop.place(), "parcel-7", Step("test", Correlation()))
    shown: dict[str, Any] = hal.resource(order, "http://orders")
    assert shown["_links"]["self"]["href"] == f"http://orders/orders/{order.id}"
    assert shown["shipment"] == {"id": "parcel-7", "name": "customer-1"}
    shown.pop("shipment")
    assert '"id"' not in json.dumps(shown)
    assert "id" in hal.resource(order, "http://orders", with_ids=True)


async def test_a_posted_order_has_its_id_and_null_ids_of_what_it_copied(shop: Shop) -> None:
    body: dict[str, Any] = hal.plain(await shop.place())
    assert body["id"] == "690320eae2c84800016ceb4b"
    assert [body[part]["id"] for part in ("customer", "address", "card")] == [None, None, None]
    assert (body["shipment"], body["status"], body["reason"]) == (None, "CREATED", None)


def test_a_page_counts_elements_and_pages(shop: Shop) -> None:
    page: dict[str, Any] = hal.order_list([], "http://orders", page=1, size=20, total=41)
    assert page["page"] == {"size": 20, "totalElements": 41, "totalPages": 3, "number": 1}


async def test_the_payment_request_of_the_log_has_the_card_in_clear_and_no_amount(shop: Shop) -> None:
    text = payment_request_text(await shop.place())
    assert "card=Card{id='null', longNum='5953580604169678', expires='', ccv='678'}" in text
    assert "19.99" not in text
