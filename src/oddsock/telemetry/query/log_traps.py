"""What a query probably does not mean: the filter that OR drops, the operator in lower case."""

from collections.abc import Sequence

from oddsock.telemetry.query.log_tree import And, Match, Node, Not


def operator_trap(arms: Sequence[Node], grouped: set[int]) -> list[str]:
    """Warnings for `service:a x OR y`: AND binds tighter, so the second alternative has no service.

    *grouped* holds the identities of nodes that stand in parentheses of their own: their author meant them.
    """
    keys = [_keys(arm) for arm in arms]
    found: list[str] = []
    for arm, its_keys in zip(arms, keys, strict=True):
        if not isinstance(arm, And) or id(arm) in grouped or not its_keys:
            continue
        bare = [other for other, others in zip(arms, keys, strict=True) if id(other) not in grouped and not others]
        if bare:
            names = " and ".join(f"`{key}:`" for key in its_keys)
            found.append(
                f"AND binds tighter than OR, so {names} filters only one of the alternatives;"
                " put the alternatives in parentheses to filter all of them: key:value (a OR b)."
            )
    return found


def _keys(arm: Node) -> list[str]:
    """The keys by which an alternative is filtered, as they are written."""
    parts = arm.children if isinstance(arm, And) else (arm,)
    inner = [part.child if isinstance(part, Not) else part for part in parts]
    fields = [part.field for part in inner if isinstance(part, Match)]
    names = [f"{'@' * (field.kind == 'attribute')}{field.name}" for field in fields if field.name]
    return list(dict.fromkeys(names))


def lower_case_operator(word: str | None) -> list[str]:
    """A warning when a word is an operator but for its case."""
    if word in ("and", "or", "not"):
        return [f"`{word}` is searched for as a word; the operator is written {word.upper()}."]
    return []
