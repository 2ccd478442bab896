"""The table of verbs: each has its file, its help and its place; global options may stand anywhere."""

import importlib
import subprocess
import sys

import pytest

from oddsock.cli import registry, words


@pytest.mark.parametrize("verb", registry.VERBS)
def test_every_verb_has_its_file_with_help_and_examples(verb: str) -> None:
    module = importlib.import_module(f"oddsock.cli.{verb}")
    assert (module.command.__doc__ or "").strip()
    assert "Examples:" in module.EXAMPLES
    assert f"oddsock {verb}" in module.EXAMPLES


def test_help_imports_nothing_that_takes_long() -> None:
    code = "import sys; from oddsock.cli.outcome import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert {"aiohttp", "lightkube", "rich", "pydantic", "yaml", "jinja2", "asyncio"} & set(told.split()) == set()


def test_global_options_are_moved_in_front_of_the_verb() -> None:
    assert words.hoisted(["drill", "p", "--home=h", "--debug", "--seed", "1"]) == [
        "--home=h",
        "--debug",
        "drill",
        "p",
        "--seed",
        "1",
    ]


def test_what_follows_two_dashes_stays_where_it_is() -> None:
    assert words.hoisted(["drill", "--", "--home", "x"]) == ["drill", "--", "--home", "x"]


def test_a_global_option_without_its_value_is_left_for_the_parser_to_refuse() -> None:
    assert words.hoisted(["status", "--home"]) == ["--home", "status"]
