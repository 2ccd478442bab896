"""Section 10: which monitors fired and when; what was there to see; and when a customer could first know."""

import re

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Detection
from oddsock.drill.report.figure import duration, plural
from oddsock.drill.report.folder import evidence_file
from oddsock.drill.report.rows import MonitorRow, Signal
from oddsock.drill.report.window import seconds_between
from oddsock.drill.telemetry_files import MONITORS, Answer
from oddsock.kit.clock import instant

NO_MONITOR = "No monitor exists in this run, so nothing fired and nothing would have fired; there is no time to detect."

_CHANGE = re.compile(r"^\[(?P<change>[^\]]*?)(?: on \{[^}]*\})?\] (?P<name>.*)$")
"""The title of a monitor's event: `[Triggered on {group}] name`, in our store as in Datadog."""

NAMES_TOLD_MAX = 10

_FIRED = ("Triggered", "Re-Triggered")


def describe_detection(context: Context) -> Detection:
    """The monitors that fired, the signals they could have used, and the first moment any customer was told."""
    fired = _fired(context)
    first = next((row for row in fired if row.at), None)
    if first is not None and first.after is not None:
        rule = "from the fault until the first monitor fired"
        files = ["history.jsonl", f"evidence/telemetry/{MONITORS}.json"]
        context.figures.duration("detection.after", first.after.wall_s, context.speed, files, rule)
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
        monitors=len(fired),
        monitor=first.name if first else "",
        detected_at=first.at if first else "",
        seconds=first.after.wall_s if first and first.after else None,
        after=first.after if first else None,
        fired=fired,
        sentence=_spell_detection(context, fired),
        signals=_signals(context),
        first_told_at=first_told,
        time_to_tell=time_to_tell,
        told_sentence=_spell_told(context, first_told, time_to_tell.text if time_to_tell else ""),
    )


def first_fired(context: Context) -> str:
    """When the first monitor fired after the fault; empty when none did."""
    return next((row.at for row in _fired(context) if row.at), "")


def _fired(context: Context) -> list[MonitorRow]:
    """Every monitor, those that fired since the fault first and in order of time."""
    answer, window = context.files.answers.get(MONITORS), context.window
    if answer is None or not answer.present:
        return []
    changes = _changes(answer)
    rows = []
    for row in (row for row in answer.rows if row.get("row") == "monitor"):
        mine = changes.get(str(row.get("name")), [])
        # A stamp may be cut to the whole second.
        begin = int(instant(window.from_at).timestamp()) if window else 0
        since = [(change, at) for change, at in mine if instant(at).timestamp() >= begin]
        earlier = [(change, at) for change, at in mine if instant(at).timestamp() < begin]
        at = next((at for change, at in since if change in _FIRED), "") if window else ""
        wall_s = max(0.0, seconds_between(window.from_at, at)) if window and at else 0.0
        rows.append(
            MonitorRow(
                name=str(row.get("name")),
                query=str(row.get("query")),
                state=str(row.get("state")),
                at=at,
                after=duration(wall_s, context.speed) if at else None,
                recovered_at=next((when for change, when in since if change == "Recovered" and when >= at), ""),
                firing_since=earlier[-1][1] if earlier and earlier[-1][0] in _FIRED else "",
            )
        )
    return sorted(rows, key=lambda row: (not row.at, row.at, row.name))


def _changes(answer: Answer) -> dict[str, list[tuple[str, str]]]:
    """By a monitor's name its changes, Triggered or Recovered ..., and when; in order of time."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in sorted((row for row in answer.rows if row.get("row") == "change"), key=lambda row: str(row["at"])):
        if change := _CHANGE.match(str(row.get("title"))):
            found.setdefault(change["name"], []).append((change["change"], str(row["at"])))
    return found


def _spell_detection(context: Context, monitors: list[MonitorRow]) -> str:
    if context.window is None:
        return "No fault was injected, so there was nothing to detect."
    if not monitors:
        answer = context.files.answers.get(MONITORS)
        if answer is not None and not answer.present:
            return f"Whether a monitor fired is not known: {answer.missing}."
        return NO_MONITOR
    fired = [f"“{row.name}” after {row.after.text}" for row in monitors if row.after]
    already = [f"“{row.name}”" for row in monitors if row.firing_since and not row.after]
    silent = [f"“{row.name}”" for row in monitors if not row.firing_since and not row.after]
    told = f"{len(fired)} of {plural(len(monitors), 'monitor')} fired"
    if fired:
        told += f", the first {fired[0]}"
        told += f"; then {_some(fired[1:])}" if fired[1:] else ""
    told += f". Still firing since before the fault: {_some(already)}" if already else ""
    return f"{told}." + (f" Silent: {_some(silent)}." if silent else "")


def _some(names: list[str]) -> str:
    # A Datadog that is not the drill's own may have hundreds.
    rest = len(names) - NAMES_TOLD_MAX
    return ", ".join(names[:NAMES_TOLD_MAX]) + (f" and {rest} more" if rest > 0 else "")


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
