"""The account: every attempt is balanced, odd, not placed or indeterminate, and the four add up.

An order, charge, parcel or mail that no attempt led to counts as an attempt nobody recorded, and so does a sum that
does not add up, so that nothing odd is left out. What was odd before the fault began is counted apart, attempts too.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from oddsock.drill.asked_checks import asked_checks, leave_out
from oddsock.drill.case import Case
from oddsock.drill.checks.catalog import BOOK_CHECKS, MEND_CHECKS
from oddsock.drill.checks.charges import is_overcharged
from oddsock.drill.checks.check import Check, Doubt, Judged, judge
from oddsock.drill.clock_errors import load_right, read_clock_errors
from oddsock.drill.course import Course
from oddsock.drill.course_files import load_course
from oddsock.drill.evidence_files import Evidence
from oddsock.drill.ledger import Ledger, Row
from oddsock.drill.mend_action import MendOptions
from oddsock.drill.mend_plan import plan_actions
from oddsock.drill.posting import build_ledger
from oddsock.drill.sieve.sift import sift
from oddsock.drill.sieve.standing import Standing
from oddsock.drill.verdict import Account, CheckResult, Finding, Outcome

PRECEDENCE = (
    ("C2", "C3", "C8", "C4", "C5 over", "R4"),  # the customer lost money
    ("C1", "S3", "R2", "R5", "C5 under"),  # the merchant lost money or goods
    ("V1", "A4", "N1", "N3"),  # the customer was misled
    ("S1", "B5", "C7"),  # unfinished
)
"""Which class heads an order with several; all others are bookkeeping, in the order of the catalog."""

_RANK = {check: rank for rank, check in enumerate(check for group in PRECEDENCE for check in group)}


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger and what the checks said of it."""

    ledger: Ledger
    results: list[CheckResult]
    doubts: list[Doubt]

    @property
    def findings(self) -> list[Finding]:
        """What is odd, labels left out."""
        return [finding for result in self.results if result.kind != "label" for finding in result.findings]


def account(case: Case, phase: str, report_differences: list[str] | None = None) -> Account:
    """The account of *phase*'s evidence in *case*; reads files only.

    Where they can be told, orders in good order pass the sieve and only the others are judged; it is the same account.
    """
    with uncollected():
        # The sieve compares instants as they stand in the files.
        sifted = None if read_clock_errors(case.path) else sift(case, phase)
        if sifted is None:
            return account_books(read_books(case, phase, report_differences))
        course = msgspec.structs.replace(sifted.course, report_differences=report_differences)
        books = judge_ledger(build_ledger(sifted.evidence, course, aside=sifted.aside))
        books = msgspec.structs.replace(books, results=leave_out(books.results, asked_checks(case)))
        return _with_passed(account_books(books), sifted.standings)


def _with_passed(held: Account, standings: list[Standing]) -> Account:
    """The account of what was *held* back and of the orders that passed, in the order of their book."""
    rest = iter(held.outcomes)
    outcomes = [
        next(rest)
        if standing.is_held
        else Outcome(kind="balanced", order_id=standing.order_id, attempts=[standing.operation or ""])
        for standing in standings
    ]
    passed = sum(not standing.is_held for standing in standings)
    return msgspec.structs.replace(
        held,
        attempts=held.attempts + passed,
        balanced=held.balanced + passed,
        outcomes=[*outcomes, *rest],
    )


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the collector of cycles off: a ledger has none, and to look for them costs more than to judge it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # All that was made counts as old now; else the next list that is made has each outcome looked at.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def read_books(case: Case, phase: str, report_differences: list[str] | None = None) -> Books:
    """The ledger of *phase*'s evidence in *case*, judged by the checks its plan asks for; reads files only."""
    course = msgspec.structs.replace(load_course(case), report_differences=report_differences)
    before = load_right(case, "after-heal") if phase == "after-mend" else None
    books = judge_ledger(build_ledger(load_right(case, phase), course, before))
    return msgspec.structs.replace(books, results=leave_out(books.results, asked_checks(case)))


def account_evidence(evidence: Evidence, course: Course, before: Evidence | None = None) -> Account:
    """The account of *evidence*, with *before* the evidence before the mend; pure."""
    return account_books(judge_ledger(build_ledger(evidence, course, before)))


def judge_ledger(ledger: Ledger) -> Books:
    """Every check over *ledger*; those about mending last, because they read what the others found; pure."""
    first = _judge(BOOK_CHECKS, ledger)
    found = [finding for judged in first for finding in judged.result.findings]
    ledger = msgspec.structs.replace(ledger, found=found)
    if ledger.before is not None:
        earlier = _judge(BOOK_CHECKS, build_ledger(ledger.before, ledger.course))
        ledger = msgspec.structs.replace(
            ledger, found_before=[finding for judged in earlier for finding in judged.result.findings]
        )
    ledger = msgspec.structs.replace(ledger, wanted_again=_wanted_again(ledger))
    judged = first + _judge(MEND_CHECKS, ledger)
    return Books(
        ledger=ledger,
        results=[each.result for each in judged],
        doubts=[doubt for each in judged for doubt in each.doubts],
    )


def _judge(checks: Iterable[Check], ledger: Ledger) -> list[Judged]:
    return [judge(check, ledger) for check in checks]


def _wanted_again(ledger: Ledger) -> list[str]:
    """The keys that a mend carried out and that a second one would carry out again."""
    mended = ledger.course.mended
    if mended is None or ledger.phase != "after-mend":
        return []
    options = MendOptions(
        replay=mended.replay,
        carried_over=mended.carried_over,
        supports_retry=mended.supports_retry,
        answers=mended.answers,
    )
    return [a.key for a in plan_actions(ledger.found, ledger, options).actions if a.key in mended.times_done]


def account_books(books: Books) -> Account:
    """Sum the judged ledger up; pure."""
    outcomes: list[Outcome] = []
    counts: Counter[str] = Counter()
    apart = 0
    findings = _by_subject(books.findings)
    doubts = _doubts_by_subject(books.doubts)
    for row in books.ledger.rows:
        about = findings.pop(row.order_id, []) if row.order_id else []
        about += [finding for attempt in row.attempts for finding in findings.pop(attempt.operation, [])]
        outcome = _outcome(row, about, books, doubts)
        outcomes.append(outcome)
        if outcome.carried_over:
            apart += 1
        elif row.attempts or not row.before_drill:
            counts[outcome.kind] += max(1, len(set(outcome.attempts)))
    for group in findings.values():
        outcomes.append(Outcome(kind="odd", order_id=group[0].order_id, headline=headline(None, group), findings=group))
        counts["odd"] += 1
    return Account(
        phase=books.ledger.phase,
        taken_at=books.ledger.taken_at,
        attempts=sum(counts.values()),
        balanced=counts["balanced"],
        odd=counts["odd"],
        not_placed=counts["not-placed"],
        indeterminate=counts["indeterminate"],
        carried_over=apart,
        odd_by_class=_by_class(outcome for outcome in outcomes if not outcome.carried_over),
        carried_over_by_class=_by_class(outcome for outcome in outcomes if outcome.carried_over),
        outcomes=outcomes,
        checks=books.results,
    )


def _by_subject(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Findings by the order they are about, else the attempt, else the line of a book, else the sum that is wrong."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        subject = finding.check if finding.check[0] in "GEM" else finding.witnesses[0].ref
        groups.setdefault(finding.order_id or finding.attempt or subject, []).append(finding)
    return groups


Doubts = dict[str, list[tuple[int, str]]]
"""The number and reason of every doubt, by the order or attempt that it is about."""


def _doubts_by_subject(doubts: Iterable[Doubt]) -> Doubts:
    groups: Doubts = {}
    for number, doubt in enumerate(doubts):
        for subject in {doubt.order_id, doubt.attempt} - {""}:
            groups.setdefault(subject, []).append((number, doubt.reason))
    return groups


def _outcome(row: Row, findings: list[Finding], books: Books, doubts: Doubts) -> Outcome:
    outcome = Outcome(
        kind="odd" if findings else "balanced",
        order_id=row.order_id,
        attempts=[attempt.operation for attempt in row.attempts],
        headline=headline(row, findings),
        findings=findings,
        carried_over=bool(findings) and row.before_window,
        synthetic=row.synthetic,
    )
    if findings:
        return outcome
    if reason := _doubt(row, books.ledger, doubts):
        return msgspec.structs.replace(outcome, kind="indeterminate", reason=reason)
    return msgspec.structs.replace(outcome, kind="balanced" if row.order else "not-placed")


def _doubt(row: Row, ledger: Ledger, doubts: Doubts) -> str:
    """Why nobody can say what became of *row*; empty when one can."""
    lost = ledger.lost_books
    if row.order is None:
        if all(attempt.end == "fail" for attempt in row.attempts):
            return ""
        # An attempt without an answer may hide an order and a charge; only their books can rule that out.
        missing = ledger.missing
        lost = {book: missing[book] for book in missing if book == "orders" or (book == "charges" and book in lost)}
    reasons = [*row.ambiguous.values()]
    reasons += [f"{book}: {why}" for book, why in lost.items()]
    subjects = {row.order_id, *(attempt.operation for attempt in row.attempts)}
    reasons += [reason for _, reason in sorted(said for subject in subjects for said in doubts.get(subject, []))]
    return "; ".join(dict.fromkeys(reasons))


def headline(row: Row | None, findings: Sequence[Finding]) -> str:
    """The class of *findings* that weighs most, empty without any."""

    def rank(finding: Finding) -> int:
        check = finding.check
        if check == "C5":
            check = "C5 over" if row is not None and is_overcharged(row) else "C5 under"
        return _RANK.get(check, len(_RANK))

    return min(findings, key=rank).class_name if findings else ""


def _by_class(outcomes: Iterable[Outcome]) -> dict[str, int]:
    classes = Counter(name for o in outcomes for name in dict.fromkeys(f.class_name for f in o.findings))
    return dict(sorted(classes.items()))
