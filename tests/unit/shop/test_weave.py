"""Dialect weave: lists of addresses and cards with ids of their own, links that are followed, steps at DEBUG."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web

from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.calls import Answer
from oddsock.shop.correlation import Correlation
from oddsock.shop.front_end.desk import ExpressError, FrontDesk
from oddsock.shop.front_end.order_links import order_links
from oddsock.shop.front_end.shown import label_of
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.orders.narration import Narration
from oddsock.shop.user.book import SCHEMA, NotFound, UserBook
from oddsock.shop.user.entities import Address, Card

BY = Correlation(traceparent="00-0af7651916cd43dd11111111aaaaaaaa-b7ad6b7169203331-01")
CUSTOMER = {
    "id": "c1",
    "_links": {
        "addresses": {"href": "http://user/customers/c1/addresses"},
        "cards": {"href": "http://user/customers/c1/cards"},
        "customer": {"href": "http://user/customers/c1"},
    },
}


@pytest.fixture
def book(tmp_path: Path) -> UserBook:
    """An empty book of customers."""
    return UserBook(Book.open(tmp_path / "user.sqlite", SCHEMA))


def _register(book: UserBook, name: str = "Rayaan") -> str:
    return book.register(name, "p", "", "", "")


def test_every_address_and_card_has_an_id_of_its_own_in_its_customers_list(book: UserBook) -> None:
    mine, theirs = _register(book), _register(book, "parvaiz")
    first = book.add("cards", mine, Card(long_num="4539000000001012"))
    second = book.add("cards", mine, Card(long_num="4539000000002028"))
    book.add("cards", theirs, Card(long_num="4539000000003036"))
    assert len({mine, first, second}) == 3 and len(second) == 24
    assert [identity for identity, _ in book.every("cards", Card, mine)] == [first, second]
    assert book.get("cards", second, Card).long_num == "4539000000002028"
    assert len(book.every("cards", Card)) == 3
    book.close()


def test_what_belongs_to_nobody_is_stored_and_in_nobodys_list(book: UserBook) -> None:
    mine = _register(book)
    nobodys = book.add("addresses", "", Address(street="Road"))
    assert book.every("addresses", Address, mine) == []
    assert book.get("addresses", nobodys, Address).street == "Road"
    book.close()


def test_an_address_of_a_customer_who_is_not_there_is_not_stored(book: UserBook) -> None:
    with pytest.raises(NotFound):
        book.add("addresses", "57a98d98e4b00679b4a830af", Address())
    assert book.every("addresses", Address) == []
    book.close()


def test_what_power_stored_under_the_customers_id_is_in_the_list_too(book: UserBook) -> None:
    mine = _register(book)
    book.put("addresses", mine, Address(street="Old"))
    book.add("addresses", mine, Address(street="New"))
    assert [address.street for _, address in book.every("addresses", Address, mine)] == ["Old", "New"]
    book.close()


def test_a_customer_goes_with_all_that_is_theirs(book: UserBook) -> None:
    mine = _register(book)
    book.add("cards", mine, Card())
    kept = book.add("cards", "", Card())
    book.delete("customers", mine)
    assert [identity for identity, _ in book.every("cards", Card)] == [kept]
    book.delete("cards", kept)
    assert book.every("cards", Card) == []
    book.close()


def test_the_originals_customers_have_the_originals_ids(book: UserBook) -> None:
    book.seed(own_ids=True)
    ((address_id, _),) = book.every("addresses", Address, "57a98d98e4b00679b4a830af")
    ((card_id, card),) = book.every("cards", Card, "57a98d98e4b00679b4a830af")
    assert (address_id, card_id) == ("57a98d98e4b00679b4a830ad", "57a98d98e4b00679b4a830ae")
    assert card.long_num == "5953580604169678"
    book.close()


class Desk:
    """A front desk whose user service answers from a table, and which remembers what was asked."""

    def __init__(self, answers: dict[str, object], is_weave: bool = True) -> None:
        self.is_weave = is_weave
        self.answers = answers
        self.asked: list[str] = []

    def customer_id(self, _request: object) -> str:
        """Always the same customer."""
        return "c1"

    async def call(self, _request: object, _method: str, url: str) -> Answer:
        """The table's answer."""
        self.asked.append(url)
        return Answer(200, msgspec.json.encode(self.answers[url]))


def _user(addresses: list[object], cards: list[object]) -> dict[str, object]:
    return {
        "http://user/customers/c1": CUSTOMER,
        "http://user/customers/c1/addresses": {"_embedded": {"address": addresses}},
        "http://user/customers/c1/cards": {"_embedded": {"card": cards}},
    }


def _self(path: str) -> object:
    return {"_links": {"self": {"href": f"http://user/{path}"}}}


async def _links(desk: Desk) -> dict[str, str | None]:
    return await order_links(cast(FrontDesk, desk), cast(web.Request, None))


async def test_the_links_of_an_order_are_followed_and_the_first_of_each_is_taken() -> None:
    desk = Desk(_user([_self("addresses/a1"), _self("addresses/a2")], [_self("cards/k1")]))
    assert await _links(desk) == {
        "customer": "http://user/customers/c1",
        "address": "http://user/addresses/a1",
        "card": "http://user/cards/k1",
        "items": "http://carts/carts/c1/items",
    }


async def test_who_has_no_address_or_card_orders_with_null() -> None:
    found = await _links(Desk(_user([], [])))
    assert (found["address"], found["card"]) == (None, None)


async def test_power_builds_the_links_and_asks_nobody() -> None:
    desk = Desk({}, is_weave=False)
    assert (await _links(desk))["card"] == "http://user/cards/c1"
    assert desk.asked == []


@pytest.mark.parametrize("href", ["http://payment/charges", "http://user.example/x", "", None])
async def test_a_link_that_leads_out_of_user_is_not_followed(href: str | None) -> None:
    links: dict[str, Any] = {**CUSTOMER["_links"], "cards": {"href": href}}  # type: ignore[dict-item]  # a document
    desk = Desk({**_user([], []), "http://user/customers/c1": {"_links": links}})
    with pytest.raises(ExpressError):
        await _links(desk)
    assert href not in desk.asked


def test_the_steps_of_an_order_are_debug_and_what_fails_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    told = Narration(SpringLog("orders", 8080, ManualClock()), at_debug=True)
    told.fetching(BY)
    told.fetched(BY)
    told.received(False, "no", BY)
    told.threw("E", "message", None, BY)
    levels = [line.split()[2] for line in capfd.readouterr().out.splitlines()]
    assert levels == ["DEBUG", "DEBUG", "DEBUG", "ERROR"]


def test_power_says_nothing_of_its_calls(capfd: pytest.CaptureFixture[str]) -> None:
    told = Narration(SpringLog("orders", 8080, ManualClock()))
    told.fetching(BY)
    told.fetched(BY)
    assert capfd.readouterr().out == ""


def test_an_order_without_a_status_is_shown_by_its_shipment() -> None:
    order = {"shipment": {"id": "p1"}}
    assert label_of(order, {"p1"}, "order") == "Shipped"
    assert label_of(order, set(), "order") == "Not shipped"
    assert label_of(order, set(), "label") == "Shipped"
