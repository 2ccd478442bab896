"""Card numbers down to their last four, no ccv, no secret: for everything that is kept or shown."""

import re

# 14 to 19 digits standing alone; 13-digit runs are left, they are millisecond timestamps on this wire.
# A full stop may follow a card; a fraction is no card.
_CARD = re.compile(r"(?<!\w)(?<!\d\.)\d{10,15}(\d{4})(?!\w)(?!\.\d)")
_CCV = re.compile(r"""(["']?\bccv["']?\s*[:=]\s*["']?)\d{3,4}""", re.IGNORECASE)

# The words that make a variable's name one of a secret; a name that ends so names the file of one, or is an id.
_SECRET_WORDS = frozenset(
    ("SECRET", "SECRETS", "KEY", "TOKEN", "PASSWORD", "PASSWD", "DSN", "CREDENTIAL", "CREDENTIALS")
)
_HARMLESS_ENDS = ("_FILE", "_PATH", "_ID")
_ASSIGNED = re.compile(r"""(?<![\w.-])([A-Z][A-Z0-9_]*)(["']?\s*[:=]\s*["']?)([^\s"',;}]+)""")
_PASSWORD_OF_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)")
_TELLS_ITSELF = re.compile(r"\b(whsec_|(?:sk|rk)_(?:test|live)_)[A-Za-z0-9+/=_-]+")
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether the variable *name* is by its name one whose value nobody but its process may read.

    >>> [is_secret(name) for name in ("GATEWAY_KEY", "ORDERS_DSN", "GATEWAY_KEY_FILE", "ORDERS_STORE", "KEYBOARD")]
    [True, True, False, False, False]
    """
    words = name.upper()
    return not words.endswith(_HARMLESS_ENDS) and not _SECRET_WORDS.isdisjoint(words.split("_"))


def mask_secrets(text: str) -> str:
    """*text* with `***` for the value of each secret variable, each password of an address, each key of a gateway.

    >>> mask_secrets("GATEWAY_KEY=abc DIALECT=power postgresql://shop:pw@db/shop sk_test_Zm9v")
    'GATEWAY_KEY=*** DIALECT=power postgresql://shop:***@db/shop sk_test_***'
    """

    def hide(found: re.Match[str]) -> str:
        return f"{found[1]}{found[2]}{HIDDEN}" if is_secret(found[1]) else found[0]

    without_keys = _TELLS_ITSELF.sub(rf"\1{HIDDEN}", _PASSWORD_OF_ADDRESS.sub(rf"\1{HIDDEN}", text))
    return _ASSIGNED.sub(hide, without_keys)


def mask_private(text: str) -> str:
    """*text* without cards and without secrets: what a case may hold of something that anybody may have written."""
    return mask_secrets(mask_cards(text))


def mask_cards(text: str) -> str:
    """*text* with every card number as `************1234` and every ccv as `***`.

    >>> mask_cards('Card{longNum=5953580604169678, ccv=678}')
    'Card{longNum=************9678, ccv=***}'
    """
    return _CCV.sub(r"\1***", _CARD.sub(r"************\1", text))


def last_four(number: str) -> str:
    """The last four digits of a card number."""
    return number[-4:]
