"""Sections 3, 7 and 12 as the accounts give them: sums, odd socks by class, findings with witnesses, invariants."""

from oddsock.drill.evidence_files import PHASES
from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Odd
from oddsock.drill.report.folder import AFTER_HEAL, AFTER_MEND
from oddsock.drill.report.rows import AccountSum, FindingRow, InvariantRow
from oddsock.drill.verdict import Account, CheckResult, Finding

RULE = "account of the phase: an order with several classes counts in each, carried-over orders apart"


def _books(phase: str) -> list[str]:
    return ["history.jsonl", f"evidence/{phase}/"]


def list_sums(context: Context) -> list[AccountSum]:
    """The sum of every account, with whether it adds up exactly."""
    rows: list[AccountSum] = []
    for phase in PHASES:
        if account := context.accounts.get(phase):
            parts = account.balanced + account.odd + account.not_placed + account.indeterminate
            n = len(rows)
            for name in ("attempts", "balanced", "odd", "not_placed", "indeterminate", "carried_over"):
                rule = f"{name.replace('_', ' ')} by the account {phase}"
                context.figures.count(f"attempts[{n}].{name}", getattr(account, name), "rows", _books(phase), rule)
            rows.append(
                AccountSum(
                    phase=phase,
                    taken_at=account.taken_at,
                    attempts=account.attempts,
                    balanced=account.balanced,
                    odd=account.odd,
                    not_placed=account.not_placed,
                    indeterminate=account.indeterminate,
                    carried_over=account.carried_over,
                    sums=account.attempts == parts,
                )
            )
    return rows


def measure_odd(context: Context) -> Odd:
    """Odd socks by class before and after the mend, and what was carried over from before the fault."""
    before, after = context.accounts.get(AFTER_HEAL), context.accounts.get(AFTER_MEND)
    last = after or before
    keep = context.figures
    odd = Odd(
        before_total=_total(context, "before", before, "odd"),
        after_total=_total(context, "after", after, "odd"),
        carried_over_total=_total(context, "carried_over", last, "carried_over"),
        before=dict(sorted(before.odd_by_class.items())) if before else {},
        after=dict(sorted(after.odd_by_class.items())) if after else {},
        carried_over=dict(sorted(last.carried_over_by_class.items())) if last else {},
        before_taken=before is not None,
        after_taken=after is not None,
        findings=_findings(before, after),
    )
    for name, phase in (("before", AFTER_HEAL), ("after", AFTER_MEND), ("carried_over", last.phase if last else "")):
        classes: dict[str, int] = getattr(odd, name)
        for class_name, number in classes.items():
            keep.count(f"odd.{name}[{class_name}]", number, "odd", _books(phase), RULE)
    return odd


def _total(context: Context, name: str, account: Account | None, field: str) -> int | None:
    if account is None:
        return None
    rule = "account of the phase: each order or attempt once"
    return context.figures.count(f"odd.{name}_total", int(getattr(account, field)), "odd", _books(account.phase), rule)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.check, finding.order_id, finding.attempt


def _findings(before: Account | None, after: Account | None) -> list[FindingRow]:
    rows: list[FindingRow] = []
    still = {_key(f) for outcome in after.outcomes for f in outcome.findings} if after else set()
    known: set[tuple[str, str, str]] = set()
    for account in (before, after):
        # What is older than the fault comes last: it is not what this report is about.
        for outcome in sorted(account.outcomes, key=lambda row: row.carried_over) if account else []:
            for finding in outcome.findings:
                if account and _key(finding) not in known:
                    known.add(_key(finding))
                    rows.append(
                        FindingRow(
                            check=finding.check,
                            class_name=finding.class_name,
                            phase=account.phase,
                            order_id=finding.order_id or outcome.order_id,
                            attempt=finding.attempt or (outcome.attempts[0] if outcome.attempts else ""),
                            sentence=finding.sentence,
                            witnesses=finding.witnesses,
                            carried_over=outcome.carried_over,
                            mended=_key(finding) not in still if after else None,
                        )
                    )
    return rows


def list_invariants(context: Context) -> list[InvariantRow]:
    """Every invariant with its verdict after the heal and after the mend; "not-applicable" always with its reason."""
    first, last = context.accounts.get(AFTER_HEAL), context.accounts.get(AFTER_MEND)
    before, after = _checks(first), _checks(last)
    rows: list[InvariantRow] = []
    for check_id in dict.fromkeys([*before, *after]):
        was, now = before.get(check_id), after.get(check_id)
        known = after.get(check_id) or before[check_id]
        rows.append(
            InvariantRow(
                id=check_id,
                class_name=known.class_name,
                predicate=known.predicate,
                kind=known.kind,
                before=was.verdict if was else None,
                after=now.verdict if now else None,
                findings_before=len(was.findings) if was else 0,
                findings_after=len(now.findings) if now else 0,
                carried_over_before=_carried(first, was),
                carried_over_after=_carried(last, now),
                reason=_reason(was, now),
            )
        )
    return rows


def _carried(account: Account | None, check: CheckResult | None) -> int:
    """How many findings of a check are about orders that were odd before the fault."""
    if account is None or check is None:
        return 0
    old = {outcome.order_id for outcome in account.outcomes if outcome.carried_over}
    return sum(1 for finding in check.findings if finding.order_id in old)


def _reason(was: CheckResult | None, now: CheckResult | None) -> str:
    """The reason of the last verdict, and the earlier one's where it is another."""
    late, early = now.reason if now else "", was.reason if was else ""
    if now is None or early == late:
        return early
    return "; ".join(filter(None, [f"after the heal: {early}" if early else "", late]))


def _checks(account: Account | None) -> dict[str, CheckResult]:
    return {check.id: check for check in account.checks} if account else {}
