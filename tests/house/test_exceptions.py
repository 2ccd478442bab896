"""An exception from a rule says why: a silenced finding, a skipped test."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Protocol

SILENCER = re.compile(r"#\s*(?:type:\s*ignore(?:\[[^\]]*\])?|noqa(?::\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?)(.*)$")
MARKERS = {"skip", "skipif", "xfail"}


class Source(Protocol):
    """What these tests need of a file."""

    shown: str
    text: str
    tree: ast.Module


def _unexplained(text: str) -> Iterator[int]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (silenced := SILENCER.search(token.string)):
            reason = silenced.group(1).strip(" #:-")
            if len(reason.split()) < 2:
                yield token.start[0]


def _says_why(call: ast.expr) -> bool:
    return isinstance(call, ast.Call) and any(keyword.arg == "reason" for keyword in call.keywords)


def test_the_rule_sees_a_silencer_without_a_reason() -> None:
    text = "a = 1  # noqa: E501\nb = 2  # type: ignore[misc]  # the library ships no types\n"
    assert list(_unexplained(text)) == [1]


def test_every_silenced_finding_has_its_reason_on_the_line(sources: list[Source]) -> None:
    assert [f"{source.shown}:{line}" for source in sources for line in _unexplained(source.text)] == []


def test_every_skipped_test_has_its_reason(sources: list[Source]) -> None:
    silent = [
        f"{source.shown}:{decorator.lineno}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).partition("(")[0].rpartition(".")[2] in MARKERS and not _says_why(decorator)
    ]
    assert silent == []
