"""Card numbers down to their last four, and no ccv: for everything that is kept or shown."""

import re

# 14 to 19 digits standing alone; 13-digit runs are left, they are millisecond timestamps on this wire.
# A full stop may follow a card; a fraction is no card.
_CARD = re.compile(r"(?<!\w)(?<!\d\.)\d{10,15}(\d{4})(?!\w)(?!\.\d)")
_CCV = re.compile(r"""(["']?\bccv["']?\s*[:=]\s*["']?)\d{3,4}""", re.IGNORECASE)


def mask_cards(text: str) -> str:
    """*text* with every card number as `************1234` and every ccv as `***`.

    >>> mask_cards('Card{longNum=5953580604169678, ccv=678}')
    'Card{longNum=************9678, ccv=***}'
    """
    return _CCV.sub(r"\1***", _CARD.sub(r"************\1", text))


def last_four(number: str) -> str:
    """The last four digits of a card number."""
    return number[-4:]
