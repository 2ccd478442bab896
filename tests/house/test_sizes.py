"""A file stops at 400 lines, a function at 60."""

import ast
from typing import Protocol

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


class Source(Protocol):
    """What these tests need of a file."""

    shown: str
    text: str
    tree: ast.Module


def test_no_file_of_the_product_passes_its_limit(product: list[Source]) -> None:
    sizes = {source.shown: source.text.count("\n") for source in product}
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_of_the_product_passes_its_limit(product: list[Source]) -> None:
    long = {
        f"{source.shown}:{node.lineno} {node.name}": lines
        for source in product
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}
