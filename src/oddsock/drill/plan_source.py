"""A YAML text with its positions: plain data, and where in the file each part of it stands."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from oddsock.kit.errors import PlanError

DEPTH_MAX = 40
"""A document nested deeper than this is no plan."""

NODES_MAX = 50_000
"""More parts than this, aliases counted each time, is no plan (a bomb of aliases)."""

Step = str | int


class PlanSource:
    """The YAML *text* of the file *path*, read without executing anything in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        try:
            loader = yaml.SafeLoader(text)
            self._root = loader.get_single_node()
            self._check(self._root)
            self.data: Any = loader.construct_document(self._root) if self._root is not None else None
        except yaml.MarkedYAMLError as cause:
            mark = cause.problem_mark or cause.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = (cause.problem or "it cannot be read").rstrip(".")
            raise PlanError(path, line, column, f"The plan is no YAML: {problem}.") from cause
        except (yaml.YAMLError, ValueError, RecursionError) as cause:
            problem = str(cause).partition("\n")[0].rstrip(".")
            raise PlanError(path, 1, 1, f"The plan is no YAML: {problem}.") from cause

    def error(self, steps: Sequence[Step], sentence: str, hint: str = "") -> PlanError:
        """The error that something is wrong at *steps* (field names and list places from the top)."""
        line, column = self.position(steps)
        return PlanError(self.path, line, column, sentence, hint)

    def position(self, steps: Sequence[Step]) -> tuple[int, int]:
        """Line and column, from 1, of the deepest part on the way of *steps* that the text has."""
        node = self._root
        mark = node.start_mark if node is not None else None
        for step in steps:
            node, mark = _descend(node, step, mark)
            if node is None:
                break
        return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)

    def _check(self, root: yaml.Node | None) -> None:
        """Refuse a key written twice (YAML would keep the last), too deep nesting and bombs of aliases."""
        waiting = [(root, 0)]
        seen = 0
        while waiting:
            node, depth = waiting.pop()
            seen += 1
            if node is not None and (depth > DEPTH_MAX or seen > NODES_MAX):
                raise yaml.MarkedYAMLError(problem="it is nested too deep or too large", problem_mark=node.start_mark)
            if isinstance(node, yaml.MappingNode):
                self._check_keys(node)
                waiting += [(value, depth + 1) for _, value in node.value]
            elif isinstance(node, yaml.SequenceNode):
                waiting += [(value, depth + 1) for value in node.value]

    def _check_keys(self, node: yaml.MappingNode) -> None:
        written: set[str] = set()
        for key, _ in node.value:
            if key.value in written:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            written.add(key.value)


def _descend(node: yaml.Node | None, step: Step, mark: Any) -> tuple[yaml.Node | None, Any]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark
    return None, mark


_PATH = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def split_path(message: str) -> tuple[str, list[Step]]:
    """msgspec's sentence and the steps of the path it names, up to a key of a mapping, which it does not tell.

    >>> split_path("Expected `int`, got `str` - at `$.customers[0].card`")
    ('Expected `int`, got `str`', ['customers', 0, 'card'])
    """
    found = _PATH.search(message)
    if not found:
        return message, []
    steps: list[Step] = [
        int(place) if place else field for field, place in _STEP.findall(found[1].partition("[...]")[0])
    ]
    return message[: found.start()], steps
