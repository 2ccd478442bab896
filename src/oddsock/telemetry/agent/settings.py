"""What an agent is told: one JSON file, read once. Intervals are plan seconds; the speed divides them."""

import msgspec

from oddsock.kit.errors import UsageError

INTERVAL_S_MIN = 0.5
"""Wall seconds between two readings of one collector, however fast plan time runs."""

COUNT_INTERVAL_S_MIN = 1.0
"""The same for counts: a second of the store has one point of each series, and two counts may not share it."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One connection to try: GET *path* of a Service's *port*; reported as service check `NAME.can_connect`."""

    name: str
    namespace: str
    port: int = 80
    path: str = "/health"


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cluster is read, where it is told, how often."""

    root: str
    """The folder of the agent's memory; one agent a folder."""
    kubeconfig: str
    """Read when it is there, so that an agent may be started before its cluster."""
    context: str | None = None
    kubeconfig_s_max: float = 120.0
    """Wall seconds within which the kubeconfig must be there."""
    logs: str = ""
    """The folder of CRI logs (namespace_pod_uid/container/run.log); empty reads the pod-log API."""
    address: str = ""
    """Where telemetry goes: the URL of a server that speaks Datadog's API. Empty only with *to_datadog*."""
    api_key: str = ""
    app_key: str = ""
    to_datadog: bool = False
    """Ship to the real Datadog of DD_SITE, DD_API_KEY and DD_APP_KEY in the place of *address*."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that are read; empty is all of them."""
    cluster_name: str = "sockshop-kind"
    tags: tuple[str, ...] = ("env:sockshop",)
    """Tags on everything."""
    speed: float = 1.0
    log_poll_s: float = 0.2
    """Wall seconds between two looks at the log files; the speed does not divide it."""
    interval_s: float = 15.0
    """Plan seconds between two readings of each collector of metrics."""
    zero_when_scaled_down: bool = True
    """Tell kubernetes.pods.running 0 for a deployment without pods; the real Agent's series just stops."""
    shop_service: str = "sock-shop/orders:80"
    """namespace/service:port whose /metrics count orders; empty reads none."""
    installs: tuple[str, ...] = ()
    """Folders of data/ (dashboards, monitors, pipelines) whose documents are made in the store, each once."""
    probes: tuple[Probe, ...] = (Probe(name="payment", namespace="sock-shop"),)

    def wall_s(self, interval_s: float, least_s: float = INTERVAL_S_MIN) -> float:
        """*interval_s* plan seconds as wall seconds, not less than *least_s*."""
        return max(interval_s / self.speed, least_s)

    def check(self) -> None:
        """UsageError when there is nowhere to ship to."""
        if not self.to_datadog and not self.address:
            raise UsageError("The agent has no address to ship to.", "Set `address`, or `to_datadog`.")
