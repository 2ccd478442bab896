"""How long to wait before the next try: exponential, with full jitter, and never shorter than the other side asked.

Full jitter draws evenly between 0 and the exponential bound (Brooker, "Exponential Backoff And Jitter"), so that
callers that failed together do not come again together.
"""

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in plan seconds: try n's bound is *base_s* * 2^(n-1), at most *cap_s*; without *jitter* it is the wait."""

    base_s: float
    cap_s: float
    jitter: bool = True
    random: Random = field(default_factory=Random)

    def pause_s(self, attempts: int, retry_after_s: float = 0.0) -> float:
        """The wait after *attempts* tries (from 1) failed; at least *retry_after_s*.

        >>> steady = Backoff(1.0, 30.0, jitter=False)
        >>> [steady.pause_s(n) for n in (1, 2, 3, 9)], steady.pause_s(1, retry_after_s=7.0)
        ([1.0, 2.0, 4.0, 30.0], 7.0)
        """
        bound = min(self.cap_s, self.base_s * 2.0 ** min(attempts - 1, 30))
        drawn = self.random.uniform(0.0, bound) if self.jitter else bound
        return max(drawn, retry_after_s)
