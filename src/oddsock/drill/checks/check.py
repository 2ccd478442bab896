"""What a check is: one named invariant over the ledger, and how it is judged.

A check yields `Odd` where its predicate is broken, `Doubt` where it cannot be told and `Moot` where it has no meaning.
`judge` keeps a missing book from passing silently, holds settle checks open while the fault does, and survives a check
that crashes.
"""

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

import msgspec

from oddsock.drill.evidence_files import NOT_TAKEN
from oddsock.drill.ledger import SIDE_BOOKS, Ledger, is_never_kept
from oddsock.drill.verdict import CheckResult, CheckVerdict, Finding, Witness

Kind = Literal["safety", "settle", "label"]

OPEN_REASON = "open: it is judged after the heal, once everything had time to settle"


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """A broken predicate before it has a name: on which order or attempt, in a sentence, with its witnesses."""

    sentence: str
    witnesses: list[Witness]
    order_id: str = ""
    attempt: str = ""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What a check cannot tell: of an order or attempt, which is then indeterminate, or of the whole."""

    reason: str
    order_id: str = ""
    attempt: str = ""


class Moot(msgspec.Struct, frozen=True, kw_only=True):
    """Why a check does not apply to this ledger."""

    reason: str


Said = Odd | Doubt | Moot


class Check(Protocol):
    """One invariant; *needs* names the books without which it says nothing."""

    @property
    def id(self) -> str:
        """Its short id: "N1"."""
        ...

    @property
    def class_name(self) -> str:
        """The class of the odd rows it finds: "untold failure"."""
        ...

    @property
    def predicate(self) -> str:
        """What must hold."""
        ...

    @property
    def kind(self) -> Kind:
        """Whether it holds at every instant, once everything has settled, or is only a label."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The books it reads."""
        ...

    @property
    def known_as(self) -> str:
        """What the field calls it."""
        ...

    @property
    def moot_when(self) -> str:
        """When it does not apply although its books are there."""
        ...

    @property
    def may_lack(self) -> tuple[str, ...]:
        """The books that a shop may not keep at all, which then count as empty."""
        ...

    def find(self, ledger: Ledger) -> list[Finding | Doubt | Moot]:
        """All it has to say about *ledger*."""
        ...


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A check whose whole logic is one function over the ledger.

    *known_as* is what the field calls such an oddness, *moot_when* when the check does not apply though its books are
    there.
    """

    id: str
    class_name: str
    predicate: str
    kind: Kind
    search: Callable[[Ledger], Iterable[Said]]
    known_as: str = "-"
    moot_when: str = "-"
    needs: tuple[str, ...] = ("orders",)
    may_lack: tuple[str, ...] = ()

    def find(self, ledger: Ledger) -> list[Finding | Doubt | Moot]:
        """All it has to say about *ledger*, findings stamped with its name."""
        return [self._stamp(said) if isinstance(said, Odd) else said for said in self.search(ledger)]

    def _stamp(self, odd: Odd) -> Finding:
        return Finding(check=self.id, class_name=self.class_name, **msgspec.structs.asdict(odd))


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A check's result, and the doubts that make single rows indeterminate."""

    result: CheckResult
    doubts: list[Doubt]


def judge(check: Check, ledger: Ledger) -> Judged:
    """Run *check* over *ledger*; never raises, and never says ok without the books it needs."""
    verdict, reason = _without_books(check, ledger)
    if verdict:
        return _judged(check, verdict, [], [], reason)
    try:
        said = check.find(ledger)
    except Exception as cause:  # noqa: BLE001  # supervisor of the checks: one that crashes must not hide the others
        return _judged(check, "unknown", [], [], f"the check itself failed: {type(cause).__name__}: {cause}")
    if moot := next((each for each in said if isinstance(each, Moot)), None):
        return _judged(check, "not-applicable", [], [], moot.reason)
    findings = [each for each in said if isinstance(each, Finding)]
    doubts = [each for each in said if isinstance(each, Doubt)] + _ambiguous(check, ledger)
    if ledger.is_open and check.kind == "settle" and findings:
        doubts += [Doubt(reason=OPEN_REASON, order_id=f.order_id, attempt=f.attempt) for f in findings]
        findings = []
    if check.kind == "label":
        return _judged(check, "ok", findings, [], "")
    found: CheckVerdict = "odd" if findings else "unknown" if doubts else "ok"
    return _judged(check, found, findings, doubts, "; ".join(dict.fromkeys(doubt.reason for doubt in doubts)))


def _without_books(check: Check, ledger: Ledger) -> tuple[CheckVerdict | None, str]:
    gone = {book: ledger.missing[book] for book in check.needs if book in ledger.missing}
    # A case of an earlier release took no book from beside: that is no evidence, and nothing got lost.
    never = {b: why for b, why in gone.items() if is_never_kept(why) or (b in SIDE_BOOKS and why == NOT_TAKEN)}
    lost = {book: why for book, why in gone.items() if book not in never}
    if any(book not in check.may_lack for book in never):
        return "not-applicable", _spell(never)
    if lost:
        return "unknown", _spell(lost)
    return None, ""


def _spell(books: dict[str, str]) -> str:
    return "no evidence: " + "; ".join(f"{book}: {why}" for book, why in books.items())


def _ambiguous(check: Check, ledger: Ledger) -> list[Doubt]:
    return [
        Doubt(reason=row.ambiguous[book], order_id=row.order_id, attempt="" if row.order_id else row.ref)
        for row in ledger.unsure_rows
        for book in check.needs
        if book in row.ambiguous
    ]


def _judged(check: Check, verdict: CheckVerdict, findings: list[Finding], doubts: list[Doubt], reason: str) -> Judged:
    result = CheckResult(
        id=check.id,
        class_name=check.class_name,
        predicate=check.predicate,
        kind=check.kind,
        verdict=verdict,
        findings=findings,
        reason=reason,
    )
    return Judged(result=result, doubts=doubts)
