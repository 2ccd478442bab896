"""How long a container that keeps ending waits before it is started again: the kubelet's doubling, in plan seconds."""

FIRST_S = 10.0
LIMIT_S = 300.0
FORGIVEN_S = 600.0
"""A container that ran this long begins anew."""


class Backoff:
    """The waits of one container: nothing after the first end, then FIRST_S, doubled each time up to LIMIT_S."""

    def __init__(self, first_s: float = 0.0) -> None:
        self._first_s = first_s
        self._next_s = first_s

    def next_s(self, ran_s: float = 0.0) -> float:
        """Plan seconds to wait after a run of *ran_s* plan seconds."""
        if ran_s >= FORGIVEN_S:
            self._next_s = self._first_s
        wait_s = self._next_s
        self._next_s = min(LIMIT_S, wait_s * 2 or FIRST_S)
        return wait_s
