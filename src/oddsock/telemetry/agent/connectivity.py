"""Collector: does payment answer? `network.tcp.can_connect` 1 or 0, and the service check `payment.can_connect`.

Asked by GET services/NAME:PORT/proxy/PATH of the API server. Our API server stands inside the cluster's network and
goes to the Service's own address, so the question takes the way of every pod: through the service proxy, its faults and
endpoints. A connection alone would not be honest: a frozen process is still connected to, by the kernel.
"""

from collections.abc import Iterable

import msgspec

from oddsock.kit.errors import OddsockError
from oddsock.telemetry.agent.api_server import ApiServer
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.settings import Probe
from oddsock.telemetry.agent.tags import deployment_tags

ANSWER_S_MAX = 2.0
"""Wall seconds within which a Service must answer."""

OK, WARNING, CRITICAL = 0, 1, 2


class _Refusal(msgspec.Struct):
    kind: str = ""
    message: str = ""


class Connectivity:
    """Tries one connection."""

    def __init__(self, server: ApiServer, probe: Probe, host: str, tags: Iterable[str]) -> None:
        self.name = f"{probe.name}.can_connect"
        self._server = server
        self._probe = probe
        self._host = host
        self._tags = [
            f"kube_namespace:{probe.namespace}",
            f"kube_service:{probe.name}",
            f"instance:{probe.name}",
            f"target_host:{probe.name}",
            f"port:{probe.port}",
            *deployment_tags(probe.name),
            *tags,
        ]

    async def collect(self, found: Findings) -> None:
        """OK and 1 when the Service answered, a warning and 1 when with a 5xx, critical and 0 otherwise."""
        status, message = await self._ask()
        found.gauge("network.tcp.can_connect", 0 if status == CRITICAL else 1, self._tags, self._host)
        found.check(self.name, status, self._tags, self._host, message)

    async def _ask(self) -> tuple[int, str]:
        probe = self._probe
        service = f"/api/v1/namespaces/{probe.namespace}/services/{probe.name}:{probe.port}"
        try:
            code, text = await self._server.text(f"{service}/proxy{probe.path}", ANSWER_S_MAX)
        except OddsockError as cause:
            return CRITICAL, str(cause)
        if code >= 400 and (told := refusal_of(text)):
            return CRITICAL, told
        return (WARNING, f"{probe.name} answered {code}") if code >= 500 else (OK, "")


def refusal_of(text: str) -> str:
    """The sentence of the API server's own refusal; empty when *text* is a Service's answer."""
    try:
        refusal = msgspec.json.decode(text, type=_Refusal)
    except msgspec.MsgspecError:
        return ""
    return refusal.message or "no endpoints available" if refusal.kind == "Status" else ""
