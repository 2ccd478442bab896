"""Cards are masked to their last four, whatever stands around them; nothing else is."""

import pytest

from oddsock.kit.mask import last_four, mask_cards, mask_private, mask_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('"longNum":"5544154011345918"', '"longNum":"************5918"'),
        (
            "Card{longNum=5953580604169678, expires=08/19, ccv=678}",
            "Card{longNum=************9678, expires=08/19, ccv=***}",
        ),
        ('{"ccv": "958"}', '{"ccv": "***"}'),
        ('{"ccv":958}', '{"ccv":***}'),
        ("CCV: 1234", "CCV: ***"),
        ("amex 378282246310005.", "amex ************0005."),
        ("nineteen 6304000000000000000 digits", "nineteen ************0000 digits"),
    ],
)
def test_card_data_is_masked(text: str, masked: str) -> None:
    assert mask_cards(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "order 690320cee2c84800016ceb4a at 1761812686328",
        "total 104.97999572753906",
        "traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "uid 12345678901234567890123",
        "succvor 1234",
    ],
)
def test_what_is_no_card_is_left_alone(text: str) -> None:
    assert mask_cards(text) == text


def test_masking_twice_changes_nothing_more() -> None:
    once = mask_cards("card 5544154011345918 ccv=123")
    assert mask_cards(once) == once


def test_the_last_four_identify_a_card() -> None:
    assert last_four("5544154011345918") == "5918"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ORDERS_DSN=postgresql://shop:pw@db/shop?x=1 rest", "ORDERS_DSN=*** rest"),
        ("cannot reach postgresql://shop:p%3Aw@db:5432/shop", "cannot reach postgresql://shop:***@db:5432/shop"),
        ('{"GATEWAY_KEY": "sk_x", "A": "1"}', '{"GATEWAY_KEY": "***", "A": "1"}'),
        ("env: {WEBHOOK_SECRET: hunter2, DIALECT: power}", "env: {WEBHOOK_SECRET: ***, DIALECT: power}"),
        ("signed with whsec_d2lyZS10ZXN0 and sk_live_51abc", "signed with whsec_*** and sk_live_***"),
        ("MY_PASSWORD='a b'", "MY_PASSWORD='*** b'"),
    ],
)  # fmt: skip
def test_the_value_of_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
    assert mask_secrets(masked) == masked


@pytest.mark.parametrize(
    "text",
    ["GATEWAY_KEY_FILE=/run/key", "Idempotency-Key: page-1", "order_key=o1", "http://orders:80/orders", "PASS: 5 of 5"],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert mask_secrets(text) == text


def test_what_a_case_keeps_has_neither_cards_nor_secrets() -> None:
    assert mask_private("card 5544154011345918 with GATEWAY_KEY=x") == "card ************5918 with GATEWAY_KEY=***"
