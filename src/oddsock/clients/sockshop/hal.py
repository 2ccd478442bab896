"""The original's documents read into rows: HAL lists without ids, float32 totals, dates with +0000.

Spring Data REST leaves every id out of a HAL document; an order's id is the end of its own link. Prices are float32 on
this wire and whole cents from here on; of a card only the last four digits go further.
"""

from typing import Any

from oddsock.clients.sockshop.books import CartLine, Customer, Line, Order, Owner, Sock
from oddsock.kit import money
from oddsock.kit.clock import instant, iso
from oddsock.kit.mask import last_four


def embedded(document: Any, relation: str) -> list[dict[str, Any]]:
    """The rows of a HAL list; empty when the list has none; TypeError when it is no HAL list."""
    if not isinstance(document, dict):
        raise TypeError("the answer is no HAL document")
    rows = (document.get("_embedded") or {}).get(relation) or []
    return [row for row in rows if isinstance(row, dict)]


def total_pages(document: Any) -> int:
    """How many pages a HAL list says it has; 1 when it is not paged."""
    page = document.get("page") if isinstance(document, dict) else None
    return int(page.get("totalPages", 1)) if isinstance(page, dict) else 1


def id_of(document: dict[str, Any]) -> str:
    """An object's id: its own field, or the end of its own link.

    >>> id_of({"_links": {"self": {"href": "http://orders/orders/690320cee2c84800016ceb4a"}}})
    '690320cee2c84800016ceb4a'
    """
    if document.get("id"):
        return str(document["id"])
    href = ((document.get("_links") or {}).get("self") or {}).get("href") or ""
    return str(href).rstrip("/").rpartition("/")[2].partition("{")[0]


def read_order(document: dict[str, Any]) -> Order:
    """An order; a shipment that is there without an id has the id "" (an order without one has None)."""
    customer = document.get("customer") or {}
    address = document.get("address") or {}
    card = document.get("card") or {}
    shipment = document.get("shipment")
    total = float(document.get("total") or 0.0)
    return Order(
        id=id_of(document),
        customer_id=str(document.get("customerId") or ""),
        username=str(customer.get("username") or ""),
        status=str(document.get("status") or ""),
        total_cents=money.cents(total),
        total_wire=total,
        lines=[read_line(item) for item in document.get("items") or []],
        shipment_id=None if shipment is None else id_of(shipment),
        placed_at=_at(document.get("date")),
        reason=str(document.get("reason") or ""),
        card_last_four=last_four(str(card.get("longNum") or "")),
        address=_one_line(address),
    )


def read_line(item: dict[str, Any]) -> Line:
    """A line of a cart or an order."""
    return Line(
        item_id=str(item["itemId"]),
        quantity=int(item.get("quantity", 1)),
        unit_cents=money.cents(float(item.get("unitPrice") or 0.0)),
    )


def read_cart_line(customer_id: str, item: dict[str, Any]) -> CartLine:
    """A line of *customer_id*'s cart."""
    line = read_line(item)
    return CartLine(customer_id=customer_id, item_id=line.item_id, quantity=line.quantity, unit_cents=line.unit_cents)


def read_customer(document: dict[str, Any]) -> Customer:
    """A customer of the user service; the original does not tell the address of mail."""
    return Customer(
        id=id_of(document),
        username=str(document.get("username") or ""),
        first_name=str(document.get("firstName") or ""),
        last_name=str(document.get("lastName") or ""),
        email=str(document.get("email") or ""),
    )


def read_card(customer_id: str, document: dict[str, Any]) -> Owner:
    """A card of *customer_id*."""
    return Owner(customer_id=customer_id, card_last_four=last_four(str(document.get("longNum") or "")))


def read_address(customer_id: str, document: dict[str, Any]) -> Owner:
    """An address of *customer_id*."""
    return Owner(customer_id=customer_id, address=_one_line(document))


def read_sock(document: dict[str, Any]) -> Sock:
    """A sock of the catalogue."""
    return Sock(
        id=str(document["id"]),
        name=str(document.get("name") or ""),
        price_cents=money.cents(float(document.get("price") or 0.0)),
    )


def _at(text: object) -> str:
    if isinstance(text, int | float):
        raise TypeError("an order's date is a number")
    return iso(instant(str(text))) if text else ""


def _one_line(address: dict[str, Any]) -> str:
    street = " ".join(str(address[key]) for key in ("number", "street") if address.get(key))
    town = " ".join(str(address[key]) for key in ("city", "postcode") if address.get(key))
    return ", ".join(part for part in (street, town, str(address.get("country") or "")) if part)
