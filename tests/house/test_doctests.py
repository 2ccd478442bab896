"""Every example in a docstring is true."""

import doctest
import importlib
from typing import Protocol

import pytest


class Source(Protocol):
    """What these tests need of a file."""

    module: str
    text: str


def test_every_example_in_a_docstring_is_true(product: list[Source], capsys: pytest.CaptureFixture[str]) -> None:
    tried = 0
    for source in product:
        if ">>> " in source.text:
            result = doctest.testmod(importlib.import_module(source.module))
            assert result.failed == 0, f"{source.module}\n{capsys.readouterr().out}"
            tried += result.attempted
    assert tried > 0
