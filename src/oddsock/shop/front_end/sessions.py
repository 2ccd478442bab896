"""Sessions in memory and their cookies, as express-session keeps them without Redis: gone with the process.

`md.sid` holds `s:<session id>.<signature>`, url-encoded, HttpOnly; `logged_in` holds the session id for an hour and may
be read by scripts. Logged in means that `logged_in` is there; who it is stands in the session.
"""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from aiohttp import web

SESSION_COOKIE = "md.sid"
LOGIN_COOKIE = "logged_in"
LOGIN_AGE_S = 3600
SESSIONS_MAX = 10_000


@dataclass(slots=True)
class Session:
    """One browser: its id, and the customer it belongs to after login or register."""

    id: str
    customer_id: str = ""


class Sessions:
    """The sessions of this process; the oldest go when there are too many."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def find(self, cookies: Mapping[str, str]) -> Session | None:
        """The session whose signed cookie came, None when there is none or the signature is wrong."""
        text = unquote(cookies.get(SESSION_COOKIE, ""))
        identity, _, signature = text.removeprefix("s:").rpartition(".")
        if not text.startswith("s:") or not hmac.compare_digest(signature.encode(), self._sign(identity).encode()):
            return None
        return self._sessions.get(identity)

    def begin(self) -> Session:
        """A new session."""
        session = Session(secrets.token_urlsafe(24))
        self._sessions[session.id] = session
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return session

    def cookie(self, session: Session) -> str:
        """The value of md.sid for *session*."""
        return quote(f"s:{session.id}.{self._sign(session.id)}", safe="")

    def form_token(self, session: Session) -> str:
        """What a form of *session* carries."""
        return self._sign(f"form {session.id}")

    def is_form_token(self, session: Session, text: str) -> bool:
        """Whether *text* is what a form of *session* carries."""
        return hmac.compare_digest(text.encode(), self.form_token(session).encode())

    def _sign(self, identity: str) -> str:
        digest = hmac.new(self._secret, identity.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode().rstrip("=")


def set_session_cookie(response: web.StreamResponse, value: str) -> None:
    """Set md.sid, for as long as the browser runs."""
    response.set_cookie(SESSION_COOKIE, value, path="/", httponly=True)


def set_login_cookie(response: web.StreamResponse, session: Session) -> None:
    """Set logged_in, for an hour."""
    response.set_cookie(LOGIN_COOKIE, session.id, path="/", max_age=LOGIN_AGE_S)
