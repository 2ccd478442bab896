"""E: what telemetry must hold of an incident, and that its count is that of the books."""

import re
from collections import Counter
from collections.abc import Iterator

from oddsock.drill.checks.check import Doubt, Moot, Odd, Rule, Said
from oddsock.drill.ledger import Ledger, Row
from oddsock.drill.telemetry_figures import STEPS, event_figures, find_steps
from oddsock.drill.telemetry_files import CLUSTER_EVENTS, HEARTBEAT, NO_TELEMETRY, ORDERS_LINES, TARGET_LINES, Answer
from oddsock.drill.telemetry_span import Span
from oddsock.drill.verdict import Witness
from oddsock.kit.clock import instant

FAILED_LINE = re.compile(r"Order (\S+) status updated to PAYMENT_FAILED")
"""The orders service's own line for a failed payment. Source: facts of the original's log, status-fix image."""

EDGE_S = 0.1
"""How near the window's edge, in seconds, a line may have been stamped on the other side of it."""


def why_silent(ledger: Ledger) -> str:
    """Why telemetry proves nothing here, as when it never caught up; empty when what it lacks is surely not there."""
    lines = ledger.course.answers.get(ORDERS_LINES)
    if lines is None or lines.missing == NO_TELEMETRY:
        return NO_TELEMETRY
    if lines.missing:
        return f"telemetry: {lines.missing}"
    if not lines.is_whole:
        return "telemetry holds more lines of the orders service than were read"
    beat = ledger.course.answers.get(HEARTBEAT)
    caught_up = beat is not None and any(row.get("row") == "beat" and row.get("caught_up") for row in beat.rows)
    return "" if caught_up else "telemetry had not caught up when it was asked"


def find_gaps(ledger: Ledger) -> Iterator[Said]:
    """E1: a failure without its five lines in order, a scaling without its event, a silence nobody confirms."""
    span = ledger.course.span
    why = why_silent(ledger)
    if why == NO_TELEMETRY or span is None:
        yield Moot(reason=why or "nothing was broken")
        return
    if why:
        yield Doubt(reason=why)
        return
    lines = ledger.course.answers[ORDERS_LINES]
    for row in _failed_in(ledger, span):
        found = find_steps(lines.rows, row.order_id)
        if len(found) < len(STEPS):
            missing = STEPS[len(found)].format(id=row.order_id)
            yield Odd(
                order_id=row.order_id,
                sentence=f"Telemetry has {len(found)} of the {len(STEPS)} lines of failed order {row.order_id} in "
                f"their order; the next would be “{missing}”.",
                witnesses=[Witness(book="telemetry", ref=lines.file, text=one) for one in found or ["no line"]],
            )
    if span.takes_all:
        yield from _scalings(ledger, span)
        yield from _silence(ledger, span)


def _failed_in(ledger: Ledger, span: Span) -> Iterator[Row]:
    """The rows whose payment failed within the span and was not declined: such orders leave five lines."""
    for row in ledger.rows:
        failed = [change for change in row.history if change.status == "PAYMENT_FAILED"]
        if any(span.part_of(change.at) == "window" for change in failed) and not row.is_declined:
            yield row


def _scalings(ledger: Ledger, span: Span) -> Iterator[Said]:
    answer = ledger.course.answers.get(CLUSTER_EVENTS)
    if answer is None or not answer.present:
        yield Doubt(reason=f"the events of telemetry: {answer.missing if answer else 'not asked'}")
        return
    about = [row for row in answer.rows if f"/{span.target}:" in str(row.get("title"))]
    figures = event_figures(Answer(id=answer.id, kind=answer.kind, rows=about), span)
    for name, words in (("scaled_down.window", "away"), ("scaled_up.window", "back")):
        if not figures[name]:
            yield Odd(
                sentence=f"Telemetry has no event of {span.target} being scaled {words}.",
                witnesses=[Witness(book="telemetry", ref=answer.file, text=f"{len(about)} events of {span.target}")],
            )


def _silence(ledger: Ledger, span: Span) -> Iterator[Said]:
    """A service that is gone writes nothing; that nothing came means something only while others were heard."""
    answer, beat = ledger.course.answers.get(TARGET_LINES), ledger.course.answers.get(HEARTBEAT)
    if answer is None or not answer.present:
        yield Doubt(reason=f"the lines of {span.target}: {answer.missing if answer else 'not asked'}")
        return
    if answer.rows:
        line = answer.rows[0]
        yield Odd(
            sentence=f"{span.target} wrote {len(answer.rows)} lines while it was taken away.",
            witnesses=[Witness(book="telemetry", ref=answer.file, text=f"{line.get('at')} {line.get('message')}")],
        )
    elif not any(row.get("row") == "lines" and row.get("lines") for row in (beat.rows if beat else [])):
        yield Doubt(reason=f"nobody else was heard while {span.target} was silent, so its silence proves nothing")


def find_miscounts(ledger: Ledger) -> Iterator[Said]:
    """G3's third side: how often each payment failed by the lines in telemetry, and by the journal."""
    span = ledger.course.span
    why = why_silent(ledger)
    if span is None or why == NO_TELEMETRY:
        return
    if why:
        yield Doubt(reason=why)
        return
    lines = ledger.course.answers[ORDERS_LINES]
    told = Counter(found[1] for line in lines.rows if (found := FAILED_LINE.search(str(line["message"]))))
    for row in ledger.rows:
        failed = [change for change in row.history if change.status == "PAYMENT_FAILED"]
        written = sum(1 for change in failed if span.part_of(change.at) == "window")
        if any(_is_at_edge(span, change.at) for change in failed):
            yield Doubt(reason=f"order {row.order_id} failed at the very edge of the window")
        elif row.order_id and written != told[row.order_id]:
            yield Odd(
                order_id=row.order_id,
                sentence=f"That the payment of order {row.order_id} failed is {written} times in the journal of the "
                f"window and {told[row.order_id]} times in telemetry.",
                witnesses=[
                    Witness(book="journal", ref=row.order_id, text=f"PAYMENT_FAILED {written} times"),
                    Witness(book="telemetry", ref=lines.file, text=f"{told[row.order_id]} lines"),
                ],
            )


def _is_at_edge(span: Span, at: str) -> bool:
    # The journal and the log stamp the same change a moment apart.
    edges = (instant(span.from_at), instant(span.to_at))
    return any(abs((instant(at) - edge).total_seconds()) < EDGE_S for edge in edges)


TELEMETRY = (
    Rule(
        id="E1",
        class_name="evidence incomplete",
        predicate="telemetry has five lines a failure, an event a scaling, and silence only beside a heartbeat",
        kind="settle",
        moot_when="no telemetry was asked, or nothing was broken",
        search=find_gaps,
        needs=("orders", "journal"),
    ),
)
