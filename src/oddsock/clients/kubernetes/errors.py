"""What a call to an API server may answer, turned into the house's errors; no call goes without a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec
from lightkube.core.exceptions import ApiError, ConfigError

from oddsock.kit.errors import CannotRun, Forbidden, OddsockError, Unreachable, UsageError

CALL_S_MAX = 10.0
"""Wall seconds within which a call must be answered."""

API = "The Kubernetes API"


class NotThere(CannotRun):
    """The object that was asked for does not exist."""


class Conflict(CannotRun):
    """Somebody else changed the object, or made it, at the same time."""


@asynccontextmanager
async def asking(server: str, what: str) -> AsyncIterator[None]:
    """Ask *server* for *what* within CALL_S_MAX; whatever goes wrong comes out as one of the house's errors."""
    try:
        async with asyncio.timeout(CALL_S_MAX):
            yield
    except TimeoutError as cause:
        raise Unreachable(API, server, f"no answer within {CALL_S_MAX:g} s", "Check the cluster.") from cause
    except httpx2.HTTPStatusError as cause:
        raise _refused(cause, server, what) from cause
    except httpx2.HTTPError as cause:
        reason = str(cause) or type(cause).__name__
        raise Unreachable(API, server, reason, "Is the cluster up, and its address right?") from cause
    except msgspec.MsgspecError as cause:
        raise CannotRun(f"{server} answered {what} with something that is no Kubernetes object: {cause}.") from cause
    except ConfigError as cause:
        raise UsageError(
            f"The kubeconfig cannot be used: {cause}.", "Choose another --kubeconfig or --context."
        ) from cause


def _refused(cause: httpx2.HTTPStatusError, server: str, what: str) -> OddsockError:
    code = cause.response.status_code if cause.response is not None else 0
    reason = _message(cause) or f"HTTP {code}"
    if code in (401, 403):
        return Forbidden(f"{server} forbids {what}: {reason}.", "Use an account that may, or ask its owner.")
    if code == 404:
        return NotThere(f"{server} has no {what}: {reason}.", "Check the name and the namespace.")
    if code == 409:
        return Conflict(f"{server} refused {what}: {reason}.", "Somebody changed it at the same time; try again.")
    if code in (502, 503, 504):
        return Unreachable(API, server, reason)
    return CannotRun(f"{server} refused {what}: {reason}.")


class _Status(msgspec.Struct):
    message: str = ""


def _message(cause: httpx2.HTTPStatusError) -> str:
    if isinstance(cause, ApiError) and cause.status is not None:
        return cause.status.message or ""
    try:
        # lightkube leaves the body unread when it does not like its media type or a part of it.
        return msgspec.json.decode(cause.response.content, type=_Status).message
    except (msgspec.MsgspecError, httpx2.ResponseNotRead):
        return ""
