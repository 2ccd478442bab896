"""The official stripe SDK against our gateway: intents, refunds, lists, errors, idempotency, webhooks."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest
import stripe

from oddsock.kit.clock import SystemClock, sleep_blocking

pytestmark = pytest.mark.xdist_group("stripe")

SECRET = "whsec_Y29udHJhY3Qtd2l0aC1zdHJpcGU="


class Gateway(Protocol):
    """What these tests need of the process."""

    port: int

    def start(self) -> None:
        """Start it."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


class Listener(Protocol):
    """What these tests need of who takes webhooks."""

    came: list[tuple[dict[str, str], bytes]]


def pay(client: stripe.StripeClient, key: str = "", **more: Any) -> stripe.PaymentIntent:
    """An intent of 20.00, confirmed at once unless *more* says otherwise."""
    params: Any = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, **more}
    return client.v1.payment_intents.create(params, {"idempotency_key": key} if key else {})


def test_an_intent_is_created_confirmed_and_read_again(client: stripe.StripeClient) -> None:
    made = pay(client, confirm=False, metadata={"order": "7"})
    assert (made.object, made.status, made.amount_received) == ("payment_intent", "requires_confirmation", 0)
    paid = client.v1.payment_intents.confirm(made.id)
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    read = client.v1.payment_intents.retrieve(made.id)
    assert read.metadata is not None
    assert (read.status, read.metadata["order"], read.latest_charge) == ("succeeded", "7", paid.latest_charge)


def test_manual_capture_holds_and_takes_a_part(client: stripe.StripeClient) -> None:
    held = pay(client, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 2000)
    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 1500, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_canceled_intent_is_final(client: stripe.StripeClient) -> None:
    held = pay(client, capture_method="manual")
    gone = client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    for again in (client.v1.payment_intents.capture, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError):
            again(held.id)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ],
)
def test_a_decline_is_a_card_error_with_its_codes(
    client: stripe.StripeClient, card: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(client, payment_method=card)
    assert declined.value.error is not None
    assert (declined.value.http_status, declined.value.code, declined.value.error.decline_code) == (
        402,
        code,
        decline_code,
    )
    intent = declined.value.error.payment_intent
    assert intent is not None
    assert intent.status == "requires_payment_method"
    # Another card may pay the same intent.
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_an_amount_above_the_limit_is_declined_and_the_limit_itself_is_not(client: stripe.StripeClient) -> None:
    assert pay(client, amount=10500).status == "succeeded"
    with pytest.raises(stripe.CardError, match=r"amount exceeds 105\.00") as declined:
        pay(client, amount=10501)
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "card_velocity_exceeded"


def test_refunds_never_exceed_what_was_taken(client: stripe.StripeClient) -> None:
    paid = pay(client)
    first = client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    assert (first.object, first.status, first.amount) == ("refund", "succeeded", 500)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1501})
    assert client.v1.refunds.create({"charge": str(paid.latest_charge)}).amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_already_refunded"
    assert [row.amount for row in client.v1.refunds.list({"payment_intent": paid.id}).data] == [1500, 500]
    assert client.v1.refunds.retrieve(first.id).amount == 500


def test_one_key_is_one_payment_and_its_answer_is_given_again(client: stripe.StripeClient) -> None:
    first, again = pay(client, "one-key"), pay(client, "one-key")
    assert first.id == again.id
    assert first.last_response is not None and again.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"


def test_one_key_with_other_parameters_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    pay(client, "other-params")
    with pytest.raises(stripe.IdempotencyError, match="other-params"):
        pay(client, "other-params", amount=2001)


def test_a_decline_is_given_again_under_its_key_and_a_mistake_is_not(client: stripe.StripeClient) -> None:
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            pay(client, "declined-key", payment_method="pm_card_chargeDeclined")
    assert declined.value.headers is not None
    assert declined.value.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.InvalidRequestError):
        pay(client, "mistaken-key", amount=1)
    assert pay(client, "mistaken-key").status == "succeeded"


def test_two_calls_at_once_under_one_key_are_one_payment(client: stripe.StripeClient) -> None:
    def attempt(_: int) -> str:
        try:
            return pay(client, "at-once").id
        except stripe.APIError as refused:
            assert refused.http_status == 409
            assert "another in-progress request" in str(refused)
            return "conflict"

    with ThreadPoolExecutor(8) as many:
        ends = list(many.map(attempt, range(8)))
    assert len(set(ends) - {"conflict"}) == 1
    assert pay(client, "at-once").id in ends


def test_lists_are_paged_newest_first_in_both_directions(client: stripe.StripeClient) -> None:
    made = [pay(client).id for _ in range(5)]
    page = client.v1.payment_intents.list({"limit": 2})
    assert ([row.id for row in page.data], page.has_more) == ([made[4], made[3]], True)
    following = client.v1.payment_intents.list({"limit": 2, "starting_after": made[3]})
    assert [row.id for row in following.data] == [made[2], made[1]]
    before = client.v1.payment_intents.list({"limit": 2, "ending_before": made[1]})
    assert [row.id for row in before.data] == [made[3], made[2]]
    walked = [row.id for _, row in zip(range(5), page.auto_paging_iter(), strict=False)]
    assert walked == made[::-1]


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"currency": ""}, "parameter_missing", "currency"),
        ({"payment_method": "pm_unknown"}, "resource_missing", "payment_method"),
        ({"nonsense": "1"}, "parameter_unknown", "nonsense"),
    ],
)
def test_a_mistake_names_its_parameter(client: stripe.StripeClient, more: Any, code: str, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(client, **more)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_an_unknown_intent_is_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_none'") as refused:
        client.v1.payment_intents.retrieve("pi_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_wrong_key_is_refused_without_being_shown(gateway: Gateway) -> None:
    stranger = stripe.StripeClient("sk_test_stranger", base_addresses={"api": f"http://127.0.0.1:{gateway.port}"})
    with pytest.raises(stripe.AuthenticationError) as refused:
        stranger.v1.payment_intents.list()
    assert "stranger" not in str(refused.value)


def test_every_event_is_listed_and_posted_with_a_signature_that_the_sdk_accepts(
    client: stripe.StripeClient, listener: Listener
) -> None:
    paid = pay(client)
    client.v1.refunds.create({"payment_intent": paid.id})
    listed = client.v1.events.list({"limit": 4})
    types = [event.type for event in listed.data]
    assert types == ["charge.refunded", "refund.created", "payment_intent.succeeded", "payment_intent.created"]
    wanted = {event.id for event in listed.data}
    end = SystemClock().monotonic() + 20
    while not wanted <= {headers["webhook-id"] for headers, _ in listener.came}:
        assert SystemClock().monotonic() < end, "a webhook did not come"
        sleep_blocking(0.02)
    headers, body = next(each for each in listener.came if each[0]["webhook-id"] == listed.data[2].id)
    event = client.construct_event(body, headers["Stripe-Signature"], SECRET)
    assert event.data.object["id"] == paid.id
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body.replace(b"2000", b"9000"), headers["Stripe-Signature"], SECRET)


def test_a_key_has_its_answer_after_a_kill_too(client: stripe.StripeClient, gateway: Gateway) -> None:
    first = pay(client, "before-the-kill")
    gateway.kill()
    gateway.start()
    assert pay(client, "before-the-kill").id == first.id
