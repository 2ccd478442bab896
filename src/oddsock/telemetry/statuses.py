"""The official status of a log, from whatever word or number a sender has for it (Datadog's status remapper)."""

SYSLOG = ("emerg", "alert", "critical", "error", "warn", "notice", "info", "debug")
"""The statuses in the order of syslog's severities 0 to 7."""

_BEGINNINGS = (
    ("emerg", "emerg"),
    ("err", "error"),
    ("f", "emerg"),
    ("a", "alert"),
    ("c", "critical"),
    ("w", "warn"),
    ("n", "notice"),
    ("i", "info"),
    ("d", "debug"),
    ("t", "debug"),
    ("v", "debug"),
    ("o", "ok"),
    ("s", "ok"),
)


STATUSES = frozenset((*SYSLOG, "ok"))


def status_of(value: object) -> str:
    """The status that *value* means, `info` when it means none.

    >>> [status_of(word) for word in ("WARNING", "Err", 3, "7", "fatal", "trace", "Success", "?", None)]
    ['warn', 'error', 'error', 'debug', 'emerg', 'debug', 'ok', 'info', 'info']
    """
    if isinstance(value, str) and value in STATUSES:
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if len(word) == 1 and word in "01234567":
        return SYSLOG[int(word)]
    return next((status for beginning, status in _BEGINNINGS if word.startswith(beginning)), "info")
