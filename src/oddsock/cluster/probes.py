"""Probes: asked in plan time, judged by thresholds as the kubelet judges.

A probe's delays, periods and timeouts are divided by the speed, but a machine does not get faster with it: no timeout
is shorter than TIMEOUT_S_MIN wall seconds.
Source: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from oddsock.cluster.kinds import Obj
from oddsock.kit.clock import Clock

PERIOD_S_MIN = 0.05
"""Shortest wall pause between two probes."""
EAGER_S = 0.02
"""Wall pause between readiness (startup) probes until the first success: a pod is Ready when it is, not a period later.

Failures in between do not count and are not told."""
TIMEOUT_S_MIN = 1.0
"""Shortest wall timeout of a probe."""
START_S_MIN = 10.0
"""Wall time in which, at a speed above 1, a container that never answered yet cannot fail: programs start no faster."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe found; *output* says why it failed, in the kubelet's words."""

    ok: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe of one container; times in plan seconds."""

    kind: str
    """Readiness, Liveness or Startup."""
    action: Obj
    initial_delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3

    def timeout_wall_s(self, speed: float) -> float:
        """Wall seconds one attempt may take."""
        return max(self.timeout_s / speed, TIMEOUT_S_MIN)


def probe_of(container: Obj, kind: str) -> Probe | None:
    """The Readiness, Liveness or Startup probe of *container*, or None."""
    row = container.get(f"{kind.lower()}Probe")
    if not row:
        return None
    return Probe(
        kind,
        row,
        float(row.get("initialDelaySeconds") or 0),
        float(row.get("periodSeconds") or 10),
        float(row.get("timeoutSeconds") or 1),
        int(row.get("successThreshold") or 1),
        int(row.get("failureThreshold") or 3),
    )


class Threshold:
    """Counts answers in a row and says when enough of them change the verdict; None before the first verdict."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._successes = 0
        self._failures = 0
        self.verdict: bool | None = None

    def add(self, ok: bool) -> bool:
        """Count one answer; True when the verdict is new."""
        self._successes, self._failures = (self._successes + 1, 0) if ok else (0, self._failures + 1)
        enough = self._successes >= self._probe.success_threshold if ok else self._is_failed()
        if not enough or self.verdict is ok:
            return False
        self.verdict = ok
        return True

    def _is_failed(self) -> bool:
        return self._failures >= self._probe.failure_threshold


async def watch_probe(
    probe: Probe,
    ask: Callable[[Probe], Awaitable[Answer]],
    clock: Clock,
    on_failure: Callable[[Probe, str], None],
    on_verdict: Callable[[Probe, bool], Awaitable[bool]],
) -> None:
    """Ask until *on_verdict*, told every new verdict, says it has heard enough; *on_failure* hears each failure."""
    await clock.sleep(probe.initial_delay_s)
    threshold = Threshold(probe)
    period_s = max(probe.period_s / clock.speed, PERIOD_S_MIN)
    is_eager = probe.kind != "Liveness"
    begun_at = clock.monotonic()
    # An eager probe has its first whole period to succeed in before a failure is told.
    due_at = begun_at + period_s if is_eager else begun_at
    while True:
        is_due = clock.monotonic() >= due_at
        if is_due:
            due_at = clock.monotonic() + period_s
        answer = await ask(probe)
        if is_due and not answer.ok:
            on_failure(probe, answer.output)
        is_starting = threshold.verdict is None and clock.speed > 1 and clock.monotonic() < begun_at + START_S_MIN
        counts = answer.ok or (is_due and not is_starting)
        if counts and threshold.add(answer.ok) and await on_verdict(probe, answer.ok):
            return
        rest_s = max(0.0, due_at - clock.monotonic())
        is_waiting = is_eager and threshold.verdict is not True
        await clock.sleep((min(EAGER_S, rest_s) if is_waiting else rest_s) * clock.speed)
