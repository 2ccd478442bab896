"""What a console is told, as the JSON file that `python -m oddsock.console.server` is started with."""

from pathlib import Path

import msgspec

from oddsock.kit.errors import CannotRun


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where everything is.

    *key* is what `oddsock console` proves itself with when it asks for a link; *first_link* is a link's code that is
    good from the start, once. A *listener_fd* is a socket that listens already; else *port* is bound, 0 for a free one.
    """

    home: str
    key: str
    first_link: str = ""
    kubeconfig: str = ""
    context: str = ""
    namespace: str = "sock-shop"
    stack: str = ""
    storefront: str = ""
    speed: float = 1.0
    telemetry: str = ""
    api_key: str = ""
    app_key: str = ""
    to_datadog: bool = False
    """Whether DD_SITE, DD_API_KEY and DD_APP_KEY of the environment say which telemetry is asked."""
    port: int = 0
    listener_fd: int | None = None
    now_poll_s: float = 1.0
    """Wall seconds between two looks at the shop while somebody follows the page Now."""
    odd_poll_s: float = 5.0
    """The same between two counts of odd socks; a slow one waits longer, and takes a tenth of the time at most."""
    figures_poll_s: float = 5.0
    page_s_max: float = 4.0
    """Wall seconds after which a page is shown without what has not been read yet."""
    answer_s_max: float = 1.0
    """Wall seconds after which a service of the shop counts as silent."""
    case_poll_s: float = 0.25
    """Wall seconds between two looks at the history of a case that somebody follows."""


def read_settings(path: Path) -> Settings:
    """The settings in the file at *path*; CannotRun when it holds none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as cause:
        raise CannotRun(f"The console's settings in {path} cannot be read: {cause}.") from cause
