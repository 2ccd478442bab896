"""`oddsock up` read from plain words: the same order as the library's own reading, and nothing that is not plain."""

import subprocess
import sys
from typing import Any

import pytest

from oddsock.cli import booting, registry, up, up_order
from oddsock.cli.up_order import UpOrder, read_up

PLAIN = [
    ["up"],
    ["up", "--detach"],
    ["up", "-d", "--json", "--no-zygote"],
    ["up", "--name", "second", "--speed", "30", "--port", "8080"],
    ["up", "--network", "ports", "--dialect", "weave", "--profile", "upstream"],
    ["--home", "here", "--debug", "up", "--speed", "0.5", "--detach"],
]
NOT_PLAIN = [
    [],
    ["down"],
    ["up", "--help"],
    ["up", "--detach", "more"],
    ["up", "--speed"],
    ["up", "--speed", "1000"],
    ["up", "--speed", "nan"],
    ["up", "--port", "65536"],
    ["up", "--port", "-1"],
    ["up", "--network", "none"],
    ["up", "--name=second"],
    ["--version", "up"],
]


@pytest.mark.parametrize("words", PLAIN)
def test_plain_words_are_the_order_that_the_library_reads(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[UpOrder] = []
    monkeypatch.setattr(booting, "boot", orders.append)
    registry.application()(words, prog_name="oddsock", standalone_mode=False)
    assert orders == [read_up(words)]


@pytest.mark.parametrize("words", NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_library(words: list[str]) -> None:
    assert read_up(words) is None


def test_every_option_of_the_verb_can_be_told_in_plain_words() -> None:
    options: list[Any] = [each for each in registry.load("up").params if each.name != "help"]
    assert {each.name for each in options} == set(UpOrder._fields)
    known = {*up_order._FLAGS, *up_order._TEXTS, "--speed", "--port"}
    assert known == {word for each in options for word in each.opts}
    for word, values in (("--network", up.NetworkMode), ("--dialect", up.Dialect), ("--profile", up.Profile)):
        assert [each.value for each in values] == list(up_order._TEXTS[word])


def test_booting_imports_nothing_that_takes_long() -> None:
    code = "import sys, oddsock.cli.outcome, oddsock.cli.booting; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"typer", "click", "aiohttp", "asyncio", "rich", "pydantic", "yaml", "psutil"} & set(told.split()) == set()
