"""Test cards, and what becomes of a payment with each: pure.

Source: Stripe's page of test cards and its table of decline codes. Ours is the limit: an amount above it is declined as
`card_velocity_exceeded`, the code for an exceeded limit of amounts, in the words that payment has always used.
"""

from dataclasses import dataclass

VISA = "pm_card_visa"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was declined: the error's code, the decline code, the text."""

    code: str
    decline_code: str
    message: str


_DECLINED = "Your card was declined."
_BY_CARD = {
    "pm_card_chargeDeclined": Decline("card_declined", "generic_decline", _DECLINED),
    "pm_card_chargeDeclinedInsufficientFunds": Decline(
        "card_declined", "insufficient_funds", "Your card has insufficient funds."
    ),
    "pm_card_chargeDeclinedLostCard": Decline("card_declined", "lost_card", _DECLINED),
    "pm_card_chargeDeclinedStolenCard": Decline("card_declined", "stolen_card", _DECLINED),
    "pm_card_chargeDeclinedFraudulent": Decline("card_declined", "fraudulent", _DECLINED),
    "pm_card_chargeDeclinedExpiredCard": Decline("expired_card", "", "Your card has expired."),
    "pm_card_chargeDeclinedIncorrectCvc": Decline("incorrect_cvc", "", "Your card's security code is incorrect."),
    "pm_card_chargeDeclinedProcessingError": Decline(
        "processing_error", "", "An error occurred while processing your card. Try again in a little bit."
    ),
}
_GOOD = frozenset({VISA, "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit"})


def is_known(card: str) -> bool:
    """Whether there is such a test card."""
    return card in _GOOD or card in _BY_CARD


def decline_of(card: str, amount_cents: int, limit_cents: int) -> Decline | None:
    """Why *card* does not pay *amount_cents*, None when it does.

    >>> decline_of("pm_card_visa", 10500, 10500), decline_of("pm_card_visa", 10501, 10500).decline_code
    (None, 'card_velocity_exceeded')
    """
    if card in _BY_CARD:
        return _BY_CARD[card]
    if amount_cents > limit_cents:
        return Decline("card_declined", "card_velocity_exceeded", f"amount exceeds {limit_cents / 100:.2f}")
    return None
