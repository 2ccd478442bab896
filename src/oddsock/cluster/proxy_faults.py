"""Which fault meets which connection or request: decided by the fault's seed and what it carries, nothing else.

A request of an order (X-Order-Id) is decided by that order and by how often it came by, so neither the sequence of the
orders nor the retries of another one change its fate; anything else is decided by a running number. The id of an order
is new in every run, so an order is known by the last group of the X-Request-Id that it came with first: a drill makes
that group from its operation (`kit.ids.request_id`). Where there is none, by the id of the order.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oddsock.cluster.addresses import Address
from oddsock.cluster.proxy_requests import Piece
from oddsock.cluster.proxy_wire import AT_PORT, Rule

ORDERS_MAX = 200_000
"""Orders of which one port remembers how often they came by; later ones are decided by the running number."""
_NOBODY = Piece(b"")


@dataclass(slots=True)
class Verdict:
    """What one connection or request meets; the default is nothing."""

    delay_s: float = 0.0
    status: int = 0
    resets: bool = False
    drops_reply: bool = False
    bytes_per_second: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """The two addresses of an accepted connection, by which its process is found."""

    client: Address
    listener: Address


class Decider:
    """Applies the rules of one port; numbers go on over a change of rules for those that stay."""

    def __init__(self, on_hit: Callable[[str], None], is_caller: "Callable[[Caller, Sequence[int]], bool]") -> None:
        self.rules: tuple[Rule, ...] = ()
        self._on_hit = on_hit
        self._is_caller = is_caller
        self._names: dict[str, str] = {}
        self._attempts: dict[str, Counter[str]] = {}

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Decide by *rules* from now on."""
        self.rules = tuple(rules)
        self._attempts = {rule.fault: self._attempts.get(rule.fault, Counter()) for rule in rules}
        if not rules:
            self._names.clear()

    @property
    def is_black_hole(self) -> bool:
        """Whether nothing may pass."""
        return any(rule.type in AT_PORT for rule in self.rules)

    def decide(self, caller: Caller, is_request: bool, request: Piece = _NOBODY) -> Verdict:
        """What the next connection of *caller* meets, or its next *request* (the only one that has a status)."""
        verdict = Verdict()
        order = self._name(request) if self.rules and request.order_id else ""
        for rule in self.rules:
            if rule.type in AT_PORT or (rule.type == "http-error" and not is_request):
                continue
            if rule.callers is not None and not self._is_caller(caller, rule.callers):
                continue
            # The empty name counts all that carry no order.
            number = self._attempts[rule.fault][order]
            self._attempts[rule.fault][order] = number + 1
            if share(rule.seed, number, order) * 100 < rule.percentage:
                self._on_hit(rule.fault)
                _add(verdict, rule, number, order)
        return verdict

    def _name(self, request: Piece) -> str:
        """By what the order of *request* is known; empty when ORDERS_MAX others are."""
        if request.order_id not in self._names:
            if len(self._names) >= ORDERS_MAX:
                return ""
            self._names[request.order_id] = request.request_id.rpartition("-")[2] or request.order_id
        return self._names[request.order_id]


def share(seed: int, number: int, salt: str = "") -> float:
    """A number from 0 up to 1 that *seed*, *number* and *salt* alone decide.

    >>> share(1, 1) == share(1, 1), 0 <= share(1, 2) < 1, share(1, 1) == share(2, 1)
    (True, True, False)
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}:{number}:{salt}".encode(), digest_size=8).digest()) / 2**64


def _add(verdict: Verdict, rule: Rule, number: int, order: str) -> None:
    match rule.type:
        case "latency":
            jitter = (2 * share(rule.seed, number, f"{order}jitter") - 1) * rule.jitter_ms
            verdict.delay_s += max(0.0, rule.latency_ms + jitter) / 1000
        case "http-error":
            verdict.status = verdict.status or rule.status
        case "reset":
            verdict.resets = True
        case "drop-reply":
            verdict.drops_reply = True
        case "bandwidth":
            slowest = min(rule.bytes_per_second, verdict.bytes_per_second or rule.bytes_per_second)
            verdict.bytes_per_second = slowest


def is_connected_by(caller: Caller, pids: Sequence[int]) -> bool:
    """Whether one of the processes *pids*, or a child of one, holds the client's end of *caller*."""
    # Not before a fault is for some callers only: every start of the proxy would wait for it.
    import psutil

    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                for row in each.net_connections("tcp"):
                    if tuple(row.laddr) == caller.client and tuple(row.raddr) == caller.listener:
                        return True
    return False
