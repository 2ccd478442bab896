"""Event sourcing and notices: an order is the fold of its events, and each event is told once."""

import sqlite3
from typing import Any

import msgspec
import pytest

from oddsock.kit.clock import iso
from oddsock.kit.errors import Unreachable
from oddsock.shop.calls import REFUSED, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders import events, notices
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.checkout import OrderRefused
from oddsock.shop.orders.retry import Retry
from oddsock.shop.orders.status import Status

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links(
    "http://user/customers/c1", "http://user/addresses/c1", "http://user/cards/c1", "http://carts/carts/c1/items"
)
TRACE = "0af7651916cd43dd11111111aaaaaaaa"
BY = Correlation(traceparent=f"00-{TRACE}-b7ad6b7169203331-01", request_id="request-1")
HAND = Correlation(request_id="request-2", idempotency_key="mend-1")
AWAY = NoAnswer(REFUSED, "Connection refused")


async def test_the_row_of_an_order_is_the_fold_of_its_events_through_all_it_can_go_through(shop: Shop) -> None:
    made = shop.assemble(event_sourcing=True, payment_queue=True)
    shop.payment.cause = AWAY
    await made.checkout.place("o1", LINKS, BY)
    shop.payment.cause = None
    await shop.settle(made)
    await Cancel(made.by_hand).run("o1", "changed my mind", HAND)
    rows = await shop.book.store.events(0, 100, "o1")
    assert [row.kind for row in rows] == ["created", "moved", "parked", "moved", "shipped", "moved"]
    order = await shop.book.order("o1")
    assert events.drift(order, rows) == []
    rebuilt = events.fold(rows)
    assert rebuilt is not None and msgspec.structs.replace(rebuilt, revision=order.revision) == order


async def test_an_event_says_why_by_whom_and_in_which_trace_and_shows_no_card(shop: Shop) -> None:
    made = shop.assemble(event_sourcing=True)
    shop.payment.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    shop.payment.cause = None
    await Retry(made.by_hand).run("o1", HAND)
    rows = [events.shown(row) for row in await shop.book.store.events(0, 100, "o1")]
    failed = rows[2]
    assert (failed["cause"], failed["actor"], failed["trace_id"]) == ("Connection refused", "checkout", TRACE)
    assert rows[-1]["actor"] == "retry"
    assert rows[-1]["request_id"] == "request-2"
    said = msgspec.json.encode(rows).decode()
    assert "5953580604169678" not in said and "************9678" in said


async def test_an_order_is_shown_as_it_was_at_an_instant(shop: Shop) -> None:
    made = shop.assemble(event_sourcing=True)
    before = iso(shop.clock.now())
    shop.clock.advance(1.0)
    shop.payment.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    failed_at = iso(shop.clock.now())
    shop.payment.cause = None
    shop.clock.advance(60.0)
    await Retry(made.by_hand).run("o1", HAND)
    rows = await shop.book.store.events(0, 100, "o1")
    assert events.fold_until(rows, before) is None
    then, now = events.fold_until(rows, failed_at), events.fold_until(rows, iso(shop.clock.now()))
    assert then is not None and (then.status, then.shipment_id) == (Status.PAYMENT_FAILED, None)
    assert now is not None and (now.status, now.shipment_id) == (Status.PAID, "parcel-1")


async def test_a_row_changed_behind_its_events_has_drifted_and_an_order_without_events_too(shop: Shop) -> None:
    made = shop.assemble(event_sourcing=True)
    order = await made.checkout.place("o1", LINKS, BY)
    rows = await shop.book.store.events(0, 100, "o1")
    forged = msgspec.structs.replace(order, status=Status.CANCELLED, reason="who knows")
    assert events.drift(forged, rows) == ["status", "reason"]
    assert events.drift(order, []) == ["events"]


async def test_without_the_switch_no_event_is_kept_and_with_it_none_can_be_changed(shop: Shop) -> None:
    await shop.assemble().checkout.place("o1", LINKS, BY)
    assert await shop.book.store.events(0, 100) == []
    await shop.assemble(event_sourcing=True).checkout.place("o2", LINKS, BY)
    for statement in ("UPDATE events SET cause='x'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            shop.book.store._rows.execute(statement)


async def test_a_notice_is_written_with_its_change_and_only_with_the_switch(shop: Shop) -> None:
    await shop.assemble().checkout.place("o1", LINKS, BY)
    assert await shop.book.store.letters_waiting("notice") == 0
    made = shop.assemble(notices=True)
    shop.payment.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o2", LINKS, BY)
    [letter] = await shop.book.store.claim_letters("notice", "me", iso(shop.clock.now()), "", 10)
    mail = notices.read(letter)
    assert (mail.to, mail.event, mail.message_id) == ("rayaan@example.org", "failed", "<failed.o2@oddsock.sock-shop>")
    assert "Your card was not charged." in mail.body


async def test_each_event_of_an_order_is_told_once_however_often_it_happens(shop: Shop) -> None:
    made = shop.assemble(notices=True)
    shop.payment.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    for n in range(3):
        with pytest.raises(Exception, match="Payment service unavailable"):
            await Retry(made.by_hand).run("o1", Correlation(idempotency_key=f"mend-{n}"))
    await shop.settle(made)
    assert [mail.event for mail in shop.mails] == ["failed"]


async def test_a_mail_that_is_not_taken_is_brought_again_and_none_overtakes_it(shop: Shop) -> None:
    made = shop.assemble(notices=True, payment_queue=True)
    shop.payment.cause = AWAY
    await made.checkout.place("o1", LINKS, BY)
    taken, refused = shop.mail, 0

    async def away(mail: object) -> None:
        nonlocal refused
        refused += 1
        raise Unreachable("The mail server", "mailbox:25", "Connection refused")

    made.postman._send = away
    assert await made.postman.turn() == 0
    shop.payment.cause = None
    shop.clock.advance(10.0)
    await made.queue.turn()
    await made.queue.settle()
    shop.clock.advance(60.0)
    assert await made.postman.turn() == 0
    assert refused == 2, "of one order the oldest letter goes first"
    made.postman._send = taken
    await shop.settle(made)
    assert shop.told("o1") == ["delayed", "paid"]


async def test_a_death_between_the_mail_and_its_record_sends_it_again_under_the_same_id(shop: Shop) -> None:
    made = shop.assemble(notices=True)
    await made.checkout.place("o1", LINKS, BY)
    [letter] = await shop.book.store.claim_letters("notice", "me", iso(shop.clock.now()), "", 10)
    await shop.mail(notices.read(letter))
    await shop.restart()
    await shop.settle(shop.assemble(notices=True))
    assert len(shop.mails) == 2
    assert shop.told("o1") == ["paid"]
