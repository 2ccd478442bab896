"""What the API says when it cannot: errors that are Kubernetes Status objects, with the texts kubectl prints.

ApiError                    500
├── BadRequest              400
├── Unauthorised            401
├── Refused                 403  (reason Forbidden)
├── NotFound                404
├── MethodNotAllowed        405
├── NotAcceptable           406
├── AlreadyExists           409
├── Conflict                409
├── Expired                 410
├── UnsupportedMediaType    415
├── Invalid                 422
└── ServiceUnavailable      503

The wire is meta/v1 Status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from typing import Any

from oddsock.cluster.kinds import BY_NAME, Kind, Obj
from oddsock.kit.errors import OddsockError


class ApiError(OddsockError):
    """A request that failed, as an HTTP *code*, a machine-readable *reason* and details."""

    code = 500
    reason = "InternalError"

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}

    def as_status(self) -> Obj:
        """The meta/v1 Status object of this error."""
        status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.sentence,
            "reason": self.reason,
        }
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


class BadRequest(ApiError):
    """The request cannot be understood."""

    code = 400
    reason = "BadRequest"


class Unauthorised(ApiError):
    """The request carries no token of this cluster."""

    code = 401
    reason = "Unauthorized"


class Refused(ApiError):
    """The request is understood and not allowed."""

    code = 403
    reason = "Forbidden"


class NotFound(ApiError):
    """There is no such object or resource."""

    code = 404
    reason = "NotFound"

    @classmethod
    def of(cls, kind: Kind | str, name: str) -> "NotFound":
        """The error for object *name* of *kind*."""
        return cls(f'{_qualified(kind)} "{name}" not found', _details(kind, name))

    @classmethod
    def resource(cls) -> "NotFound":
        """The error for a path that names no served resource."""
        return cls("the server could not find the requested resource")


class MethodNotAllowed(ApiError):
    """The resource is there, the verb is not."""

    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(ApiError):
    """None of the asked media types is served."""

    code = 406
    reason = "NotAcceptable"


class AlreadyExists(ApiError):
    """An object of that name is there already."""

    code = 409
    reason = "AlreadyExists"

    @classmethod
    def of(cls, kind: Kind | str, name: str) -> "AlreadyExists":
        """The error for object *name* of *kind*."""
        return cls(f'{_qualified(kind)} "{name}" already exists', _details(kind, name))


class Conflict(ApiError):
    """The object was changed since the caller read it."""

    code = 409
    reason = "Conflict"

    @classmethod
    def of(cls, kind: Kind | str, name: str, why: str = "") -> "Conflict":
        """The error for object *name* of *kind*; *why* defaults to a stale resourceVersion."""
        why = why or ("the object has been modified; please apply your changes to the latest version and try again")
        return cls(f'Operation cannot be fulfilled on {_qualified(kind)} "{name}": {why}', _details(kind, name))


class Expired(ApiError):
    """The watch wants to begin before the oldest remembered change."""

    code = 410
    reason = "Expired"


class UnsupportedMediaType(ApiError):
    """The body's media type is not one this server reads."""

    code = 415
    reason = "UnsupportedMediaType"


class Invalid(ApiError):
    """The object has values that its kind does not allow."""

    code = 422
    reason = "Invalid"

    @classmethod
    def of(cls, kind: Kind | str, name: str, field: str, sentence: str, reason: str = "FieldValueInvalid") -> "Invalid":
        """The error for one *field* of object *name* of *kind*, with *sentence* saying what is wrong with it."""
        row = _row(kind)
        shown = f"{row.name}.{row.group}" if row.group else row.name
        return cls(
            f'{shown} "{name}" is invalid: {field}: {sentence}',
            {
                **({"name": name} if name else {}),
                **({"group": row.group} if row.group else {}),
                "kind": row.name,
                "causes": [{"reason": reason, "message": sentence, "field": field}],
            },
        )


class ServiceUnavailable(ApiError):
    """What stands behind the API does not answer."""

    code = 503
    reason = "ServiceUnavailable"


def success(kind: Kind, name: str, uid: str) -> Obj:
    """The Status that answers a finished delete."""
    details = {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural, "uid": uid}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _row(kind: Kind | str) -> Kind:
    return BY_NAME[kind] if isinstance(kind, str) else kind


def _qualified(kind: Kind | str) -> str:
    return _row(kind).qualified


def _details(kind: Kind | str, name: str) -> dict[str, Any]:
    row = _row(kind)
    return {"name": name, **({"group": row.group} if row.group else {}), "kind": row.plural}
