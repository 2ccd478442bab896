"""Every module, public class and public function says in a sentence what it is."""

import ast
from collections.abc import Iterator
from typing import Protocol


class Source(Protocol):
    """What these tests need of a file."""

    shown: str
    tree: ast.Module


_Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _is_exempt(node: _Named) -> bool:
    if node.name.startswith("_"):
        return True
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    return bool(decorators & {"overload", "typing.overload"}) or any(name.endswith(".setter") for name in decorators)


def _public(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, _Named]]:
    for node in body:
        if isinstance(node, _Named) and not _is_exempt(node):
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{within}{node.name}.")


def test_every_module_has_a_docstring(sources: list[Source]) -> None:
    assert [source.shown for source in sources if not ast.get_docstring(source.tree)] == []


def test_every_public_class_and_function_of_the_product_has_a_docstring(product: list[Source]) -> None:
    silent = [
        f"{source.shown}:{node.lineno} {name}"
        for source in product
        for name, node in _public(source.tree.body)
        if not ast.get_docstring(node)
    ]
    assert silent == []
