"""Errors in Stripe's shape. Source: the error object of Stripe's API reference, texts as its API gives them."""

from typing import Any

INVALID = "invalid_request_error"
CARD = "card_error"
IDEMPOTENCY = "idempotency_error"


class Refusal(Exception):
    """An answer that is an error: status, and the fields of the error object.

    *is_executed* says whether the call had begun to act: only then is the answer kept under an idempotency key.
    """

    def __init__(self, status: int, type_: str, message: str, is_executed: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.is_executed = is_executed
        self.error = {"type": type_, "message": message, **{name: value for name, value in fields.items() if value}}

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": self.error}


def missing(param: str) -> Refusal:
    """A parameter that must be there is not."""
    return Refusal(400, INVALID, f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(names: list[str]) -> Refusal:
    """Parameters that this gateway does not know."""
    noun = "parameter" if len(names) == 1 else "parameters"
    message = f"Received unknown {noun}: {', '.join(names)}"
    return Refusal(400, INVALID, message, code="parameter_unknown", param=names[0])


def wrong(param: str, message: str, code: str = "") -> Refusal:
    """A parameter's value is not possible."""
    return Refusal(400, INVALID, message, code=code, param=param)


def not_found(what: str, identity: str, param: str = "id") -> Refusal:
    """There is no object of that id."""
    return Refusal(404, INVALID, f"No such {what}: '{identity}'", code="resource_missing", param=param)


def wrong_state(message: str, document: dict[str, Any], code: str = "payment_intent_unexpected_state") -> Refusal:
    """The intent is in a state from which this is not possible."""
    return Refusal(400, INVALID, message, is_executed=True, code=code, payment_intent=document)
