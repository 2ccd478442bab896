"""Cards are masked to their last four, whatever stands around them; nothing else is."""

import pytest

from oddsock.kit.mask import last_four, mask_cards


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
