"""The course of a case, which accounting needs besides the books: attempts, the fault's window, what was mended.

Read from history.jsonl, mend.jsonl, the pods' logs and the answers of telemetry in the case, never from a network.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Shown
from oddsock.drill.history import Entry
from oddsock.drill.operation import Attempt, attempts
from oddsock.drill.plan_fields import Replay
from oddsock.drill.telemetry_files import Answer
from oddsock.drill.telemetry_span import Span, read_span
from oddsock.kit.clock import instant

CART_VERBS = frozenset({"add", "remove", "clear"})


class CartChange(msgspec.Struct, frozen=True, kw_only=True):
    """*username* changed their cart at *at* by *verb*: add, remove or clear."""

    username: str
    verb: str
    at: str


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What mend.jsonl says: the orders touched, how often each key had an effect, and the options of the last plan."""

    order_ids: list[str] = []
    times_done: dict[str, int] = {}
    replay: Replay = "ask"
    carried_over: bool = False
    supports_retry: bool = True
    answers: dict[str, bool] = {}


class Course(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All attempts of a case, when it and its main fault began, and what else only the history knows."""

    attempts: list[Attempt]
    started_at: str = ""
    window_from_at: str = ""
    cart_changes: list[CartChange] = []
    log_lines: dict[str, list[str]] = {}  # pod of the orders service -> its lines
    mended: Mended | None = None
    report_differences: list[str] | None = None
    span: Span | None = None
    shown: list[Shown] = []  # what customers' pages showed whenever evidence was taken
    answers: dict[str, Answer] = {}  # of telemetry, those that checks read; none where it was not asked

    def attempts_until(self, at: str) -> list[Attempt]:
        """The attempts that began no later than *at*; one that was answered later was still unknown then."""
        if not at:
            return self.attempts
        end = instant(at)
        return [
            attempt if not attempt.completed_at or instant(attempt.completed_at) <= end else _unanswered(attempt)
            for attempt in self.attempts
            if instant(attempt.invoked_at) <= end
        ]

    def shown_until(self, at: str) -> list[Shown]:
        """What customers' pages showed before the evidence that was taken at *at*, oldest first."""
        return sorted((shown for shown in self.shown if shown.at < at), key=lambda shown: shown.at)

    def is_before_window(self, at: str) -> bool:
        """Whether *at* lies before the main fault; without one, before the drill."""
        start = self.window_from_at or self.started_at
        return bool(at and start) and instant(at) < instant(start)

    def is_before_drill(self, at: str) -> bool:
        """Whether *at* lies before the first line of the history."""
        return bool(at and self.started_at) and instant(at) < instant(self.started_at)

    def changed_cart_since(self, username: str, at: str, verbs: frozenset[str] = CART_VERBS) -> bool:
        """Whether *username* touched their cart by one of *verbs* after *at*."""
        since = instant(at)
        return any(c.verb in verbs and instant(c.at) > since for c in self._by_username.get(username, ()))

    def changed_cart_between(self, username: str, from_at: str, to_at: str) -> bool:
        """Whether *username* touched their cart from *from_at* to *to_at*, which may be open."""
        changes = self._by_username.get(username, [])
        since = instant(from_at)
        until = instant(to_at) if to_at else None
        return any(since <= instant(c.at) and (until is None or instant(c.at) <= until) for c in changes)

    @cached_property
    def _by_username(self) -> dict[str, list[CartChange]]:
        changes: dict[str, list[CartChange]] = {}
        for change in self.cart_changes:
            changes.setdefault(change.username, []).append(change)
        return changes


def _unanswered(attempt: Attempt) -> Attempt:
    return msgspec.structs.replace(
        attempt,
        end="unknown",
        completed_at="",
        http_status=None,
        message="",
        told="nothing",
        order_id="",
        cart_after=None,
        error="the answer came after this evidence was taken",
    )


def read_course(
    history: Iterable[Entry],
    mend_lines: Iterable[dict[str, Any]] = (),
    log_lines: dict[str, list[str]] | None = None,
    answers: dict[str, Answer] | None = None,
    shown: Iterable[Shown] = (),
) -> Course:
    """The course that a case's history and mend journal tell; pure."""
    entries = list(history)
    injected = [e for e in entries if e.verb == "inject" and e.phase == "main"]
    # A fault acts from the moment its undo is on the disk; its line is only finished when the effect was seen.
    acted = [str(e.value["window_from_at"]) for e in injected if e.value.get("window_from_at")]
    return Course(
        attempts=attempts(entries),
        started_at=entries[0].at if entries else "",
        window_from_at=min(acted or [e.at for e in injected], default=""),
        cart_changes=[
            CartChange(username=e.actor.removeprefix("customer:"), verb=e.verb, at=e.at)
            for e in entries
            if e.verb in CART_VERBS and e.kind == "invoke"
        ],
        log_lines=log_lines or {},
        mended=_mended(list(mend_lines)),
        span=read_span(entries),
        answers=answers or {},
        shown=list(shown),
    )


def _mended(lines: list[dict[str, Any]]) -> Mended | None:
    plans = [line for line in lines if line.get("kind") == "plan"]
    carried_out = [line for line in lines if line.get("kind") == "result" and line.get("result") in ("done", "already")]
    if not plans and not carried_out:
        return None
    times: dict[str, int] = {}
    for line in carried_out:
        times[str(line["key"])] = times.get(str(line["key"]), 0) + (line["result"] == "done")
    last = plans[-1] if plans else {}
    intents = [line for line in lines if line.get("kind") == "intent"]
    return Mended(
        order_ids=sorted({str(line["order_id"]) for line in intents if line.get("order_id")}),
        times_done=times,
        replay=last.get("replay", "ask"),
        carried_over=bool(last.get("carried_over", False)),
        supports_retry=bool(last.get("supports_retry", True)),
        answers=last.get("answers", {}),
    )
