"""The table of verbs: each has its file, its help and its place; global options may stand anywhere."""

import importlib

import pytest

from oddsock.cli import registry


@pytest.mark.parametrize("verb", registry.VERBS)
def test_every_verb_has_its_file_with_help_and_examples(verb: str) -> None:
    module = importlib.import_module(f"oddsock.cli.{verb}")
    assert (module.command.__doc__ or "").strip()
    assert "Examples:" in module.EXAMPLES
    assert f"oddsock {verb}" in module.EXAMPLES


def test_global_options_are_moved_in_front_of_the_verb() -> None:
    assert registry.hoisted(["drill", "p", "--home=h", "--debug", "--seed", "1"]) == [
        "--home=h",
        "--debug",
        "drill",
        "p",
        "--seed",
        "1",
    ]


def test_what_follows_two_dashes_stays_where_it_is() -> None:
    assert registry.hoisted(["drill", "--", "--home", "x"]) == ["drill", "--", "--home", "x"]


def test_a_global_option_without_its_value_is_left_for_the_parser_to_refuse() -> None:
    assert registry.hoisted(["status", "--home"]) == ["--home", "status"]
