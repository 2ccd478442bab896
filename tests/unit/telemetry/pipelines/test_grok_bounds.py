"""Grok is bounded: no rule and no text hangs the intake, and any text at all is a rule or a grok error."""

import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddsock.telemetry.pipelines.errors import GrokError
from oddsock.telemetry.pipelines.grok.deadline import DEADLINE_S
from oddsock.telemetry.pipelines.grok.parser import OVERRUNS_MAX, TEXT_CHARACTERS_MAX, Grok

CPU_S_MAX = 3 * DEADLINE_S
"""A match ends a little after its deadline, never as late as this."""


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("(a+)+b", "a" * 60),
        ("(a|aa)+b", "a" * 5000),
        ("((a*)*)*b", "a" * 60),
        ("%{data:a} %{data:b} %{data:c} %{data:d} %{data:e}x", " " * 5000),
        (r'%{regex("(\\w+\\s?)*"):a}!', "a" * 60),
        ("%{notSpace:a}%{notSpace:b}%{notSpace:c}%{notSpace:d} x", "a" * 5000),
    ],
)
def test_a_catastrophic_rule_is_ended_and_then_set_aside_while_the_next_one_goes_on(rule: str, text: str) -> None:
    grok = Grok(f"slow {rule}\nnext %{{data:rest}}")
    for _ in range(OVERRUNS_MAX):
        began = time.process_time()
        assert grok.parse(text) == {"rest": text}
        assert DEADLINE_S * 0.5 < time.process_time() - began < CPU_S_MAX
    began = time.process_time()
    assert grok.parse(text) == {"rest": text}
    assert time.process_time() - began < DEADLINE_S / 2, "the slow rule is tried no more"


def test_a_text_beyond_the_limit_is_not_parsed() -> None:
    grok = Grok("rule %{data:rest}")
    assert grok.parse("x" * TEXT_CHARACTERS_MAX) is not None
    assert grok.parse("x" * (TEXT_CHARACTERS_MAX + 1)) is None


@pytest.mark.parametrize("text", ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "[" * 200_000, "9" * 5000])
def test_json_that_is_nested_too_deeply_or_is_a_giant_number_sets_nothing(text: str) -> None:
    assert Grok("rule %{data:a:json}").parse(text) == {}


def test_matching_outside_the_main_thread_is_refused_since_no_timer_rings_there() -> None:
    said: list[str] = []

    def match() -> None:
        try:
            Grok("rule a").parse("a")
        except RuntimeError as cause:
            said.append(str(cause))

    thread = threading.Thread(target=match)
    thread.start()
    thread.join(10)
    assert said == ["Grok rules are matched in the main thread, whose timer bounds them."]


FRAGMENTS = r"""%{ } %{word:a} %{data:b.c:json} %{regex(" "):x} %{date("yyyy-MM-dd "):d} ( ) [ ] [^ | * + ? {2,3} {1000}
\ \d \1 (?i) (?: (?= ^ $ . a rule : " , keyvalue %{data::keyvalue("=","/ array("[]",",",number) - && -- [:alpha:] é %{h}
(?P<n>"""
PIECES = st.sampled_from([*FRAGMENTS.split(), " ", "\n", "\x00"])
RULES = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join))


@given(rules=RULES, helpers=RULES, text=st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_a_rule_or_a_grok_error_and_never_a_hang(rules: str, helpers: str, text: str) -> None:
    for given_rules in (rules, f"rule {rules}"):
        try:
            grok = Grok(given_rules, helpers and f"h {helpers}")
        except GrokError as error:
            assert error.line >= 1
            assert error.column >= 1
            continue
        found = grok.parse(text)
        assert found is None or isinstance(found, dict)
