"""A file is named by a noun of the field, a test by a sentence."""

import ast
from pathlib import Path
from typing import Protocol

EMPTY_WORDS = {"manager", "helper", "helpers", "util", "utils", "common", "base", "handler", "handlers", "misc"}


class Source(Protocol):
    """What these tests need of a file."""

    path: Path
    shown: str
    tree: ast.Module


def test_no_file_is_named_by_a_word_that_says_nothing(sources: list[Source]) -> None:
    assert [source.shown for source in sources if EMPTY_WORDS & set(source.path.stem.split("_"))] == []


def test_the_name_of_a_test_is_a_sentence(sources: list[Source]) -> None:
    short = [
        f"{source.shown}:{node.lineno} {node.name}"
        for source in sources
        if source.path.name.startswith("test_")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name.split("_")) < 4
    ]
    assert short == []
