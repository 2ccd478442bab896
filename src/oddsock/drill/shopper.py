"""Performs one operation of one customer through that customer's own browser, and writes down how it ended.

A shopper never raises: whatever the shop does is an end of the operation, ok, fail or unknown. Only the disk and the
end of the drill itself stop one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Line, Sock
from oddsock.clients.sockshop.browser import Browser, Page, Reply
from oddsock.clients.sockshop.doors import Doors
from oddsock.drill.customers import Person
from oddsock.drill.history import Entry
from oddsock.drill.logbook import Logbook
from oddsock.drill.operation import CheckoutEnd, CheckoutInvoke, Operation, WantedLine
from oddsock.kit import ids
from oddsock.kit.clock import Clock
from oddsock.kit.errors import Unreachable
from oddsock.kit.money import SHIPPING_CENTS

INTERRUPTED = "the drill was interrupted before an answer came"


FIRST_PRESS_WALL_S_MAX = 30.0
"""How long a second press waits for the first one to be made, where the machine is behind."""


class Form:
    """One order form of a customer: whether its button was pressed, and whether an order was confirmed for it."""

    def __init__(self) -> None:
        self.pressed = asyncio.Event()
        self.confirmed = False

    async def await_first_press(self) -> bool:
        """Whether the first press came within FIRST_PRESS_WALL_S_MAX."""
        try:
            async with asyncio.timeout(FIRST_PRESS_WALL_S_MAX):
                await self.pressed.wait()
        except TimeoutError:
            return False
        return True


class Session:
    """One customer at their browser: who they are, what they know of the socks, what they believe is in the cart.

    *is_served* says that what was in the cart was ordered and confirmed, and nothing was put there since.
    """

    def __init__(self, person: Person, browser: Browser) -> None:
        self.person = person
        self.browser = browser
        self.cart: list[Line] = []
        self.is_served = False
        self._socks: dict[str, Sock] = {}
        self._forms: dict[str, Form] = {}

    def form(self, token: str) -> "Form":
        """The order form with *token*, which every press of its button shares."""
        return self._forms.setdefault(token, Form())

    async def find_sock(self, name: str) -> Sock:
        """The sock called *name*; Unreachable when the catalogue cannot be read or does not list it."""
        if name not in self._socks:
            self._socks = {sock.name: sock for sock in await self.browser.socks()}
        if name not in self._socks:
            raise Unreachable("the catalogue", "the front-end", f"it lists no sock {name!r}")
        return self._socks[name]

    def name_of(self, item_id: str) -> str:
        """The name of the sock *item_id* as this customer saw it, empty when they never did."""
        return next((sock.name for sock in self._socks.values() if sock.id == item_id), "")

    def wanted(self, lines: Iterable[Line]) -> list[WantedLine]:
        """*lines* with the names of the socks."""
        return [WantedLine(**msgspec.structs.asdict(line), name=self.name_of(line.item_id)) for line in lines]


class Sessions:
    """The browsers of a drill's customers, opened when first needed."""

    def __init__(
        self, people: Iterable[Person], doors: Doors, clock: Clock, make_browser: type[Browser] = Browser
    ) -> None:
        self._make_browser = make_browser
        self._people = {person.username: person for person in people}
        self._doors = doors
        self._clock = clock
        self._open: dict[str, Session] = {}

    async def session(self, username: str) -> Session:
        """The session of *username*; Unreachable when nobody knows where the front-end is."""
        if username not in self._open:
            browser = self._make_browser(await self._doors.door("front-end"), username, self._clock)
            self._open[username] = Session(self._people[username], browser)
        return self._open[username]

    def customer_ids(self) -> list[str]:
        """The ids of the customers who have registered or logged in."""
        return [session.browser.customer_id for session in self._open.values() if session.browser.customer_id]

    async def open_pages(self, known: Mapping[str, str]) -> dict[str, Page]:
        """The page of each of our customers whom the shop knows, after a fresh login; Unreachable if one fails.

        A name that somebody else registered in this shop (another seed's password) is not ours and is left out.
        """
        ours = [username for username in self._people if username in known]
        pages = await asyncio.gather(*(self._open_page(username) for username in ours))
        return {username: page for username, page in zip(ours, pages, strict=True) if page is not None}

    async def close(self) -> None:
        """Close every browser."""
        for session in self._open.values():
            await session.browser.close()
        self._open.clear()

    async def _open_page(self, username: str) -> Page | None:
        session = await self.session(username)
        entered = bool(session.browser.customer_id)
        # A front-end that restarted has forgotten who we are, so the login is fresh.
        reply = await session.browser.login(session.person.password)
        if reply.outcome == "fail" and reply.http_status and not entered:
            return None
        if reply.outcome != "ok":
            raise Unreachable(f"the page of {username}", "the front-end", reply.error or f"HTTP {reply.http_status}")
        return await session.browser.read_orders_page()


async def perform(operation: Operation, sessions: Sessions, logbook: Logbook) -> Entry:
    """Do *operation* and return its completing line; the history has both its lines when this returns."""
    verb = operation.verb
    try:
        session = await sessions.session(operation.username)
    except Unreachable as error:
        _begin(operation, logbook, {"username": operation.username})
        return _end(operation, logbook, "fail", {"error": error.sentence})
    if verb == "checkout":
        return await _checkout(operation, session, logbook)
    _begin(operation, logbook, {"username": operation.username, "socks": dict(operation.socks)})
    try:
        reply, more = await _ACTIONS[verb](operation, session)
    except Unreachable as error:
        return _end(operation, logbook, "fail", {"error": error.sentence})
    except asyncio.CancelledError:
        _end(operation, logbook, "unknown", {"error": INTERRUPTED})
        raise
    value = {"http_status": reply.http_status, "error": reply.error, "duration_ms": reply.duration_ms, **more}
    value |= {"socks": dict(operation.socks)} if operation.socks else {}
    return _end(operation, logbook, reply.outcome, value)


async def act(operation: Operation, sessions: Sessions, logbook: Logbook) -> None:
    """Do *operation* as its customer would, who does not order again what was confirmed: that leaves no line."""
    if operation.verb == "checkout" and not operation.order_token:
        with contextlib.suppress(Unreachable):
            if (await sessions.session(operation.username)).is_served:
                logbook.advance()
                return
    await perform(operation, sessions, logbook)


async def press_again(operation: Operation, sessions: Sessions, logbook: Logbook) -> None:
    """Press the button of a form once more, after its first press; an impatient customer only without a confirmation.

    A press that is not needed any more leaves no line.
    """
    with contextlib.suppress(Unreachable):
        form = (await sessions.session(operation.username)).form(operation.order_token)
        if await form.await_first_press() and not (operation.if_untold and form.confirmed):
            await perform(operation, sessions, logbook)
            return
    logbook.advance()


Action = Callable[[Operation, Session], Awaitable[tuple[Reply, dict[str, Any]]]]


async def _register(operation: Operation, session: Session) -> tuple[Reply, dict[str, Any]]:
    """Open an account with address and card; who has one from an earlier run logs in and empties the cart."""
    person, browser = session.person, session.browser
    reply = await browser.register(person.password, person.first_name, person.last_name, person.email)
    known = False
    if reply.outcome != "ok" and reply.http_status is not None:
        again = await browser.login(person.password)
        if again.outcome == "ok":
            reply, known = again, True
            await browser.clear_cart()
    session.cart = []
    if reply.outcome == "ok":
        for step in (
            await browser.add_address(person.number, person.street, person.city, person.postcode, person.country),
            await browser.add_card(person.card_number, person.card_expires, person.ccv),
        ):
            if step.outcome != "ok":
                reply = step
    return reply, {"customer_id": browser.customer_id, "registered_before": known}


async def _login(operation: Operation, session: Session) -> tuple[Reply, dict[str, Any]]:
    reply = await session.browser.login(session.person.password)
    return reply, {"customer_id": session.browser.customer_id}


async def _add(operation: Operation, session: Session) -> tuple[Reply, dict[str, Any]]:
    session.is_served = False
    reply = Reply(outcome="fail", error="no sock was named")
    for name, quantity in operation.socks:
        sock = await session.find_sock(name)
        held = next((line.quantity for line in session.cart if line.item_id == sock.id), 0)
        # One piece more is what the button does; several are set as a number, on top of what is there.
        reply = await session.browser.add_to_cart(sock.id, 1 if quantity == 1 else held + quantity)
        if reply.outcome != "ok":
            break
        rest = [line for line in session.cart if line.item_id != sock.id]
        session.cart = [*rest, Line(item_id=sock.id, quantity=held + quantity, unit_cents=sock.price_cents)]
    return reply, {}


async def _remove(operation: Operation, session: Session) -> tuple[Reply, dict[str, Any]]:
    reply = Reply(outcome="fail", error="no sock was named")
    for name, _ in operation.socks:
        sock = await session.find_sock(name)
        reply = await session.browser.remove(sock.id)
        if reply.outcome != "ok":
            break
        session.cart = [line for line in session.cart if line.item_id != sock.id]
    return reply, {}


async def _clear(operation: Operation, session: Session) -> tuple[Reply, dict[str, Any]]:
    reply = await session.browser.clear_cart()
    if reply.outcome == "ok":
        session.cart = []
    return reply, {}


_ACTIONS: dict[str, Action] = {
    "register": _register,
    "login": _login,
    "add": _add,
    "remove": _remove,
    "clear": _clear,
}


async def _press(browser: Browser, invoke: CheckoutInvoke, operation: Operation) -> Reply:
    if operation.order_token:
        token = operation.order_token
        return await browser.checkout(invoke.request_id, invoke.traceparent, token, operation.vanishes)
    return await browser.checkout(invoke.request_id, invoke.traceparent)


async def _checkout(operation: Operation, session: Session, logbook: Logbook) -> Entry:
    browser, form = session.browser, session.form(operation.order_token)
    # A cart that cannot be read is shown as it was last.
    with contextlib.suppress(Unreachable):
        session.cart = await browser.cart()
    invoke = CheckoutInvoke(
        username=operation.username,
        customer_id=browser.customer_id,
        lines=session.wanted(session.cart),
        total_cents=sum(line.quantity * line.unit_cents for line in session.cart) + SHIPPING_CENTS,
        request_id=ids.request_id(operation.id),
        traceparent=ids.traceparent(),
        synthetic=operation.synthetic,
        form=operation.order_token if operation.pressed_again else "",
        late_s=round(max(0.0, logbook.plan_s() - operation.at_s), 3) if operation.load else 0.0,
    )
    _begin(operation, logbook, msgspec.to_builtins(invoke))
    form.pressed.set()
    try:
        reply = await _press(browser, invoke, operation)
    except asyncio.CancelledError:
        _end(operation, logbook, "unknown", msgspec.to_builtins(CheckoutEnd(error=INTERRUPTED)))
        raise
    form.confirmed = form.confirmed or reply.outcome == "ok"
    if reply.cart_after is not None:
        session.cart = reply.cart_after
        session.is_served = reply.outcome == "ok" and not reply.cart_after
    end = CheckoutEnd(
        http_status=reply.http_status,
        message=reply.message,
        told=reply.told,
        order_id=reply.order_id,
        total_wire=reply.total_wire,
        duration_ms=reply.duration_ms,
        cart_after=None if reply.cart_after is None else session.wanted(reply.cart_after),
        error=reply.error,
    )
    return _end(operation, logbook, reply.outcome, msgspec.to_builtins(end))


def _begin(operation: Operation, logbook: Logbook, value: dict[str, Any]) -> Entry:
    return logbook.write("invoke", operation.verb, value, actor=operation.actor, operation=operation.id)


def _end(operation: Operation, logbook: Logbook, kind: Any, value: dict[str, Any]) -> Entry:
    entry = logbook.write(kind, operation.verb, value, actor=operation.actor, operation=operation.id)
    logbook.advance()
    return entry
