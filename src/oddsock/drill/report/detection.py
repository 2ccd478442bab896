"""Section 10: nobody watched in this run. What would have been there to see, and when a customer could first know."""

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Detection
from oddsock.drill.report.figure import duration
from oddsock.drill.report.folder import evidence_file
from oddsock.drill.report.rows import Signal
from oddsock.drill.report.window import seconds_between
from oddsock.kit.clock import instant

SENTENCE = "No monitor exists in this run, so nothing fired and nothing would have fired; there is no time to detect."


def describe_detection(context: Context) -> Detection:
    """The signals a monitor could have used, in order of time, and the first moment any customer was told."""
    window = context.window
    notices = context.evidence(context.last)
    told = [a.completed_at for a in context.failed_attempts if a.told != "nothing" and a.completed_at]
    failed = set(context.failed_ids)
    told += [row.at for row in notices.notices.rows if row.order_id in failed] if notices else []
    first_told = min(told, default="")
    first_failure = min((a.completed_at or a.invoked_at for a in context.failed_attempts), default="")
    time_to_tell = None
    if first_told and first_failure:
        time_to_tell = context.figures.duration(
            "detection.time_to_tell",
            seconds_between(first_failure, first_told),
            context.speed,
            ["history.jsonl", evidence_file(context.last, "notices")],
            "from the first failed order until the first message or notice to its customer",
        )
    return Detection(
        monitors=0,
        sentence=SENTENCE if window else "No fault was injected, so there was nothing to detect.",
        signals=_signals(context),
        first_told_at=first_told,
        time_to_tell=time_to_tell,
        told_sentence=_spell_told(context, first_told, time_to_tell.text if time_to_tell else ""),
    )


def _spell_told(context: Context, first_told: str, after: str) -> str:
    if not context.failed_attempts:
        return "No customer had anything to learn."
    read = context.evidence(context.last)
    if not first_told and (read is None or not read.notices.present):
        return "No page told a customer; whether a notice did is not known, because the notices were not read."
    if not first_told:
        return "No customer was ever told, neither by the page nor by a notice."
    return f"The first customer was told {after} after the first failure, at {first_told}."


def _signals(context: Context) -> list[Signal]:
    window = context.window
    if window is None:
        return []
    found: list[tuple[str, str, str]] = []
    phase = context.files.latest("events")
    for event in context.files.evidence[phase].events.rows if phase else []:
        if event.get("reason") == "ScalingReplicaSet" and event.get("name") == window.target and event.get("at"):
            at, down = str(event["at"]), "down" in str(event.get("message")).lower()
            if down and instant(at).timestamp() >= int(instant(window.from_at).timestamp()):
                found.append((f"event: {window.target} scaled down", at, evidence_file(str(phase), "events")))
    book = context.files.latest("journal")
    journal = context.files.evidence[book].journal.rows if book else []
    failed = [row.at for row in journal if row.status == "PAYMENT_FAILED" and row.order_id in context.failed_ids]
    for n, name in ((0, "first"), (2, "third")):
        if len(failed) > n:
            found.append((f"{name} order came into PAYMENT_FAILED", failed[n], evidence_file(str(book), "journal")))
    answers = [a for a in context.failed_attempts if a.http_status and a.http_status >= 500 and a.completed_at]
    if answers:
        found.append(
            (f"first HTTP {answers[0].http_status} for POST /orders", answers[0].completed_at, "history.jsonl")
        )
    first = {name: (at, source) for name, at, source in sorted(found, key=lambda row: instant(row[1]), reverse=True)}
    return [
        Signal(
            name=name,
            at=at,
            after=duration(max(0.0, seconds_between(window.from_at, at)), context.speed),
            source=source,
        )
        for name, (at, source) in sorted(first.items(), key=lambda row: instant(row[1][0]))
    ]
