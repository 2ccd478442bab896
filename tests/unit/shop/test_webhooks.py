"""Webhooks: signatures, replays, the outbox and its courier, ids that have come."""

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import UsageError
from oddsock.kit.sqlite import Book
from oddsock.shop.calls import REFUSED, NoAnswer
from oddsock.shop.fault_points import Dropped
from oddsock.shop.gateway.signing import Signing
from oddsock.shop.payment.hook import check_stripe
from oddsock.shop.webhooks import courier as couriers
from oddsock.shop.webhooks import inbox, outbox
from oddsock.shop.webhooks.courier import Courier
from oddsock.shop.webhooks.outbox import ATTEMPTS_MAX, Outbox
from oddsock.shop.webhooks.signature import BadSignature, Seal

SECRET = "whsec_" + base64.b64encode(b"twenty-four random bytes").decode()
BODY = '{"type":"payment.capture","amount":2000}'


def now() -> datetime:
    """The real hour: the library's window has no other clock."""
    return datetime.now(UTC)


def test_what_was_signed_with_the_secret_is_taken() -> None:
    seal = Seal(SECRET)
    headers = seal.headers("msg_1", BODY, now())
    assert seal.check(headers, BODY.encode()) == "msg_1"
    assert Seal(SECRET.removeprefix("whsec_")).check(headers, BODY.encode()) == "msg_1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_2"),
        ("webhook-timestamp", "1"),
        ("webhook-timestamp", "soon"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,not base64!"),
        ("webhook-signature", "v2,AAAA"),
        ("webhook-signature", ""),
    ],
)
def test_a_header_that_was_changed_is_refused(name: str, value: str) -> None:
    headers = {**Seal(SECRET).headers("msg_1", BODY, now()), name: value}
    with pytest.raises(BadSignature):
        Seal(SECRET).check(headers, BODY.encode())


def test_another_body_another_secret_and_a_body_that_is_no_text_are_refused() -> None:
    headers = Seal(SECRET).headers("msg_1", BODY, now())
    other = Seal("whsec_" + base64.b64encode(b"another secret").decode())
    for seal, body in ((Seal(SECRET), BODY.replace("2000", "9000")), (other, BODY)):
        with pytest.raises(BadSignature):
            seal.check(headers, body.encode())
    with pytest.raises(BadSignature):
        Seal(SECRET).check(headers, b"\xff\xfe")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replay_from_outside_of_the_window_is_refused(minutes: int) -> None:
    headers = Seal(SECRET).headers("msg_1", BODY, now() + timedelta(minutes=minutes))
    with pytest.raises(BadSignature, match="timestamp too"):
        Seal(SECRET).check(headers, BODY.encode())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
def test_a_secret_that_is_none_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(UsageError):
        Seal(secret)


def test_a_signature_of_stripes_own_is_checked_with_its_window() -> None:
    clock = ManualClock()
    header = Signing(SECRET).headers("msg_1", BODY, clock.now())["Stripe-Signature"]
    check_stripe(SECRET, header, BODY.encode(), clock)
    for secret, head, body in (
        (SECRET, header, BODY + " "),
        ("whsec_other", header, BODY),
        (SECRET, header.replace("t=", "t=1"), BODY),
        (SECRET, "", BODY),
        (SECRET, "v1=abc", BODY),
        (SECRET, "t=é,v1=ü", BODY),
    ):
        with pytest.raises(BadSignature):
            check_stripe(secret, head, body.encode(), clock)
    clock.advance(301)
    with pytest.raises(BadSignature, match="window"):
        check_stripe(SECRET, header, BODY.encode(), clock)


class Road:
    """Answers as it is told to, and remembers what came."""

    def __init__(self, *answers: int | NoAnswer) -> None:
        self.answers = list(answers)
        self.came: list[tuple[str, str]] = []

    async def post(self, body: str, headers: dict[str, str]) -> int:
        """The next answer."""
        self.came.append((headers["webhook-id"], body))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, NoAnswer):
            raise answer
        return answer


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Book]:
    """A file with both boxes."""
    book = Book.open(tmp_path / "boxes.sqlite", outbox.SCHEMA + inbox.SCHEMA)
    yield book
    book.close()


def put(rows: Book, box: Outbox, *ids: str) -> None:
    """Put webhooks in, in a transaction of their own."""
    with rows.transaction() as open_rows:
        for identity in ids:
            box.put(open_rows, identity, BODY)


def box_of(rows: Book, clock: ManualClock) -> Outbox:
    """The outbox of a new process."""
    return Outbox(rows, clock, random.Random(7))


async def test_a_webhook_is_sent_until_it_is_taken_with_ever_longer_waits(rows: Book) -> None:
    clock, road = ManualClock(), Road(NoAnswer(REFUSED, "Connection refused"), 500, 503, 200)
    box = box_of(rows, clock)
    courier = Courier(box, road, Seal(SECRET).headers, clock)
    put(rows, box, "msg_1")
    waits = []
    while box.waiting():
        waited = 0.0
        while not await courier.deliver_due():
            clock.advance(0.05)
            waited += 0.05
        waits.append(waited)
    assert [identity for identity, _ in road.came] == ["msg_1"] * 4
    assert waits[0] == 0 and waits[1] < waits[2] < waits[3]
    (letter,) = box.page(0, 10)
    assert (letter.state, letter.attempts, letter.last_error) == ("taken", 4, "")


async def test_a_webhook_that_nobody_takes_is_a_dead_letter_in_the_end(rows: Book) -> None:
    clock, road = ManualClock(), Road(*[404] * ATTEMPTS_MAX)
    box = box_of(rows, clock)
    courier = Courier(box, road, Seal(SECRET).headers, clock)
    put(rows, box, "msg_1")
    while box.waiting():
        await courier.deliver_due()
        clock.advance(60)
    assert len(road.came) == ATTEMPTS_MAX
    (letter,) = box.page(0, 10)
    assert (letter.state, letter.last_error) == ("dead", "answered 404")


async def test_a_webhook_is_put_in_once_and_survives_its_process(rows: Book) -> None:
    clock, road = ManualClock(), Road()
    put(rows, box_of(rows, clock), "msg_1", "msg_1", "msg_2")
    await Courier(box_of(rows, clock), road, Seal(SECRET).headers, clock).deliver_due()
    assert sorted(identity for identity, _ in road.came) == ["msg_1", "msg_2"]


async def test_a_death_after_the_other_side_took_it_is_a_duplicate_there(
    rows: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, road = ManualClock(), Road()
    box = box_of(rows, clock)
    put(rows, box, "msg_1")

    async def dies(name: str, **_facts: object) -> None:
        assert name == "webhook-duplicate"
        raise RuntimeError("killed")

    monkeypatch.setattr(couriers, "reach", dies)
    with pytest.raises(RuntimeError):
        await Courier(box, road, Seal(SECRET).headers, clock).deliver_due()
    monkeypatch.undo()
    await Courier(box_of(rows, clock), road, Seal(SECRET).headers, clock).deliver_due()
    assert [identity for identity, _ in road.came] == ["msg_1", "msg_1"]
    assert box.waiting() == 0


async def test_nothing_is_told_of_what_was_rolled_back(rows: Book) -> None:
    box = box_of(rows, ManualClock())
    with pytest.raises(RuntimeError), rows.transaction() as open_rows:
        box.put(open_rows, "msg_1", BODY)
        raise RuntimeError
    assert box.due() == []


def test_an_id_that_came_is_known_for_a_week(rows: Book) -> None:
    clock = ManualClock()
    with rows.transaction() as open_rows:
        assert not inbox.has_come(open_rows, "msg_1")
        inbox.keep(open_rows, "msg_1", clock)
        inbox.keep(open_rows, "msg_1", clock)
        assert inbox.has_come(open_rows, "msg_1")
        clock.advance(inbox.KEPT_S + 1)
        inbox.keep(open_rows, "msg_2", clock)
        assert not inbox.has_come(open_rows, "msg_1")


async def test_a_fault_point_that_drops_ends_the_delivery_and_not_the_courier(
    rows: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, road = ManualClock(), Road()
    box = box_of(rows, clock)
    put(rows, box, "msg_1")

    async def drops(_name: str, **_facts: object) -> None:
        raise Dropped

    monkeypatch.setattr(couriers, "reach", drops)
    assert await Courier(box, road, Seal(SECRET).headers, clock).deliver_due() == 1
    assert box.waiting() == 1
