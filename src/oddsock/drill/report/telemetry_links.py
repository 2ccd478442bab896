"""Where a person looks a question up: on the console's page, and on Datadog's."""

from urllib.parse import urlencode, urlsplit

from oddsock.drill.telemetry_files import Answer
from oddsock.kit.clock import instant

SITE = "https://app.datadoghq.com"
"""Datadog's page when the answers came from our own store; another site is another name in its place."""

_INFRASTRUCTURE = "/infrastructure"
_CONSOLE = {"log": "/logs", "metric": "/metrics", "event": "/events", "dashboard": "/dashboards"}
_DATADOG = {
    "log": "/logs",
    "metric": "/metric/explorer",
    "event": "/event/explorer",
    "dashboard": "/dashboard/lists",
    "deployments": "/orchestration/explorer/deployment",
    "containers": "/containers",
    "hosts": "/infrastructure",
}


def link_console(kind: str, answer: Answer) -> str:
    """The console's page for a question of *kind* (a view's is the infrastructure), as a path."""
    page = _CONSOLE.get(kind, _INFRASTRUCTURE)
    span = {"from": answer.from_at, "to": answer.to_at} if answer.from_at else {}
    return f"{page}?{urlencode({'query': answer.asked, **span})}"


def link_datadog(kind: str, answer: Answer) -> str:
    """Datadog's page for the same."""
    site = SITE if answer.is_local else f"https://{(urlsplit(answer.source).hostname or '').removeprefix('api.')}"
    name = {"metric": "exp_query", "dashboard": "q", "hosts": "filter"}.get(kind, "query")
    span = {}
    if answer.from_at:
        span = {"from_ts": _ms(answer.from_at), "to_ts": _ms(answer.to_at), "live": "false"}
    return f"{site}{_DATADOG[kind]}?{urlencode({name: answer.asked, **span})}"


def _ms(at: str) -> int:
    return int(instant(at).timestamp() * 1000)
