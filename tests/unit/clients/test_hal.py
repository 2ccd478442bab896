"""The original's documents, read into rows."""

from typing import Any

import pytest

from oddsock.clients.sockshop.books import CartLine, Customer, Line, Sock
from oddsock.clients.sockshop.hal import embedded, read_cart_line, read_customer, read_order, read_sock, total_pages

ORDER: dict[str, Any] = {
    "customerId": "6902f3f39c10d30001a04809",
    "customer": {"firstName": "Rayaan", "lastName": "", "username": "Rayaan", "addresses": [], "cards": []},
    "address": {"number": "246", "street": "Whitelees Road", "city": "Glasgow", "postcode": "G67 3DL", "country": "UK"},
    "card": {"longNum": "5953580604169678", "expires": "08/19", "ccv": "678"},
    "items": [{"itemId": "03fef6ac", "quantity": 1, "unitPrice": 99.99}],
    "shipment": None,
    "date": "2025-10-30T08:24:46.328+0000",
    "total": 104.979996,
    "status": "PAYMENT_FAILED",
    "_links": {"self": {"href": "http://orders/orders/690320cee2c84800016ceb4a"}},
}


def test_an_order_without_ids_is_read_by_its_link() -> None:
    order = read_order(ORDER)
    assert (order.id, order.customer_id, order.username) == (
        "690320cee2c84800016ceb4a",
        "6902f3f39c10d30001a04809",
        "Rayaan",
    )
    assert (order.status, order.shipment_id, order.placed_at) == ("PAYMENT_FAILED", None, "2025-10-30T08:24:46.328Z")
    assert order.address == "246 Whitelees Road, Glasgow G67 3DL, UK"


def test_float32_totals_become_whole_cents_and_stay_as_they_were_beside_them() -> None:
    order = read_order(ORDER)
    assert (order.total_cents, order.total_wire) == (10498, 104.979996)
    assert order.lines == [Line(item_id="03fef6ac", quantity=1, unit_cents=9999)]


def test_of_a_card_only_the_last_four_digits_are_read() -> None:
    order = read_order(ORDER)
    assert order.card_last_four == "9678"
    assert "5953580604169678" not in repr(order) and "678'" not in repr(order).replace("9678'", "")


def test_a_shipment_is_told_from_no_shipment_even_without_an_id() -> None:
    assert read_order({**ORDER, "shipment": {"id": "s-1", "name": "c"}}).shipment_id == "s-1"
    assert read_order({**ORDER, "shipment": {"name": "c"}}).shipment_id == ""


def test_an_order_of_the_first_dialect_has_no_status_and_may_lack_an_address() -> None:
    order = read_order({"id": "a", "customerId": "c", "address": None, "card": None, "items": [], "total": 4.99})
    assert (order.id, order.status, order.address, order.card_last_four, order.placed_at) == ("a", "", "", "", "")


def test_a_list_is_its_rows_and_its_pages() -> None:
    document = {"_embedded": {"customerOrders": [ORDER]}, "page": {"totalPages": 3}}
    assert embedded(document, "customerOrders") == [ORDER]
    assert total_pages(document) == 3
    assert embedded({"_links": {}}, "customerOrders") == []
    assert total_pages({"_links": {}}) == 1
    with pytest.raises(TypeError):
        embedded([], "customerOrders")


def test_cart_lines_customers_and_socks_are_read() -> None:
    line = {"id": "l", "itemId": "s", "quantity": 2, "unitPrice": 17.15}
    assert read_cart_line("c", line) == CartLine(customer_id="c", item_id="s", quantity=2, unit_cents=1715)
    assert read_customer({"id": "c", "username": "Rayaan", "firstName": "R"}) == Customer(
        id="c", username="Rayaan", first_name="R"
    )
    assert read_sock({"id": "s", "name": "Holy", "price": 99.99}) == Sock(id="s", name="Holy", price_cents=9999)
