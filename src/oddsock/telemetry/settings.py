"""What a telemetry server is told: one JSON file, read once."""

import msgspec


class TelemetrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a server keeps its files, which keys it takes, how long it remembers."""

    root: str
    """The folder of every file of the store; one server a folder."""
    api_key: str
    """What DD-API-KEY must be: whoever has it may send."""
    app_key: str
    """What DD-APPLICATION-KEY must be: whoever has both may read and change."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one, which *ready_fd* tells."""
    listener_fd: int | None = None
    """An inherited socket that listens already, in the place of host and port."""
    ready_fd: int | None = None
    """An inherited file descriptor that gets one line, the server's URL, when it answers, and is closed."""
    speed: float = 1.0
    """Plan seconds in one wall second; divides the windows of monitors and the pauses between their evaluations."""
    retention_days: int = 15
    """How many days of logs and points are kept."""
    series_max: int = 20_000
    """How many metric series may be active, written to within an hour; new ones beyond are refused."""
    logs_past_h_max: float = 18.0
    """Hours by which a log may be late; later ones are left out and counted, as Datadog does."""
    logs_ahead_h_max: float = 2.0
    """Hours by which a log may be dated ahead."""
    requests_at_once_max: int = 64
    """How many requests may be in work together; one more is answered 429."""
    tails_max: int = 20
    """How many live tails may be open together; one more is answered 429."""
    monitor_interval_s: float = 5.0
    """Plan seconds between two evaluations of the monitors; divided by *speed*, never below half a wall second."""
    webhooks: dict[str, str] = {}
    """Where `@webhook-NAME` in a monitor's message leads: NAME to a URL."""
    mail_server: str = ""
    """The SMTP server for `@mail` in a monitor's message, such as smtp://127.0.0.1:1025."""
    mail_to: list[str] = []
    """Whom `@mail` writes to."""
