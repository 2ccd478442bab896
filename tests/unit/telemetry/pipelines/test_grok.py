"""Grok: what Datadog's own documentation shows of rules, and what follows from it."""

from typing import Any

import pytest

from oddsock.telemetry.pipelines.grok.parser import Grok

AT_MS = 1_761_812_686_328
"""2025-10-30T08:24:46.328Z: the instant of the log beside which a date without a year lies."""


def parse(rule: str, text: str, helpers: str = "") -> dict[str, Any] | None:
    return Grok(f"rule {rule}", helpers).parse(text, AT_MS)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("%{data::keyvalue}", "key=valueStr", {"key": "valueStr"}),
        ("%{data::keyvalue}", "key=<valueStr>", {"key": "valueStr"}),
        ("%{data::keyvalue}", '"key"="valueStr"', {"key": "valueStr"}),
        ('%{data::keyvalue(":")}', "key:valueStr", {"key": "valueStr"}),
        ('%{data::keyvalue(":", "/")}', 'key:"/valueStr"', {"key": "/valueStr"}),
        ('%{data::keyvalue(":", "/")}', "/key:/valueStr", {"/key": "/valueStr"}),
        ('%{data::keyvalue(":=", "", "{}")}', "key:={valueStr}", {"key": "valueStr"}),
        ('%{data::keyvalue("=", "", "", "|")}', "key1=value1|key2=value2", {"key1": "value1", "key2": "value2"}),
        ('%{data::keyvalue("=", "", "", "|")}', 'key1="value1"|key2="value2"', {"key1": "value1", "key2": "value2"}),
        (
            '%{data::keyvalue(":=","","<>")}',
            'key1:=valueStr key2:=</valueStr2> key3:="valueStr3"',
            {"key1": "valueStr", "key2": "/valueStr2"},
        ),
        ('%{data::keyvalue("=")}', "key:=valueStr", {}),
        ("%{data::keyvalue}", "empty= null=null id=123 share=0.5 is=true", {"id": 123, "share": 0.5, "is": True}),
        (
            '%{data::keyvalue("=","/:")}',
            "url=https://app.example.com/event/stream user=john",
            {"url": "https://app.example.com/event/stream", "user": "john"},
        ),
        ("%{data:pairs:keyvalue}", "user=john id=123", {"pairs": {"user": "john", "id": 123}}),
    ],
)
def test_keyvalue_does_what_its_documentation_shows(rule: str, text: str, expected: dict[str, Any]) -> None:
    assert parse(rule, text) == expected


@pytest.mark.parametrize(
    ("arguments", "text", "expected"),
    [
        ('"HH:mm:ss"', "14:20:15", 51615000),
        ('"hh:mm:ss a"', "02:20:15 PM", 51615000),
        ('"hh:mm a"', "12:00 am", 0),
        ('"dd/MM/yyyy"', "11/10/2014", 1412985600000),
        ('"EEE MMM dd HH:mm:ss yyyy"', "Thu Jun 16 08:29:03 2016", 1466065743000),
        ('"EEE MMM d HH:mm:ss yyyy"', "Tue Nov 1 08:29:03 2016", 1477988943000),
        ('"dd/MMM/yyyy:HH:mm:ss Z"', "06/Mar/2013:01:36:30 +0900", 1362501390000),
        ("\"yyyy-MM-dd'T'HH:mm:ss.SSSZ\"", "2016-11-29T16:21:36.431+0000", 1480436496431),
        ("\"yyyy-MM-dd'T'HH:mm:ss.SSSZZ\"", "2016-11-29T16:21:36.431+00:00", 1480436496431),
        ("\"yyyy-MM-dd'T'HH:mm:ss.SSSSSSZ\"", "2016-11-29T16:21:36.431999Z", 1480436496431),
        ('"dd/MMM/yyyy:HH:mm:ss.SSS"', "06/Feb/2009:12:14:14.655", 1233922454655),
        ('"yyyy-MM-dd HH:mm:ss.SSS z"', "2007-08-31 19:22:22.427 ADT", 1188598942427),
        ('"EEE MMM dd HH:mm:ss yyyy","Europe/Paris"', "Thu Jun 16 08:29:03 2016", 1466058543000),
        ('"EEE MMM dd HH:mm:ss yyyy","UTC+5"', "Thu Jun 16 08:29:03 2016", 1466047743000),
        ('"EEE MMM dd HH:mm:ss yyyy","+3"', "Thu Jun 16 08:29:03 2016", 1466054943000),
        ('"dd MMM yyyy HH:mm","UTC","fr-FR"', "30 août 2025 08:24", 1756542240000),
        ('"d. MMMM yyyy","UTC","de"', "1. März 2025", 1740787200000),
        ('"MMM dd HH:mm:ss"', "Oct 30 08:24:45", 1761812685000),
        ('"MMM dd HH:mm:ss"', "Feb 01 00:00:00", 1738368000000),
        ('"yy-DDD"', "25-032", 1738368000000),
    ],
)
def test_a_date_becomes_the_milliseconds_that_joda_would_make_of_it(arguments: str, text: str, expected: int) -> None:
    assert parse(f"%{{date({arguments}):date}}", text) == {"date": expected}


def test_the_same_second_with_other_milliseconds_is_another_instant() -> None:
    grok = Grok('rule %{date("yyyy-MM-dd HH:mm:ss.SSS"):at}')
    found = [grok.parse(f"2025-10-30 08:24:46.{part}") for part in ("328", "9", "000")]
    assert found == [{"at": AT_MS}, {"at": AT_MS - 328 + 900}, {"at": AT_MS - 328}]


@pytest.mark.parametrize("text", ["2025-13-01", "2025-02-30", "2025-1-1", "x"])
def test_a_text_that_is_no_date_sets_none(text: str) -> None:
    assert not parse('%{date("yyyy-MM-dd"):at}', text)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (
            r"%{word:user} connected on %{date("
            r'"MM/dd/yyyy"):connect_date}',
            "john connected on 11/08/2017",
            {"user": "john", "connect_date": 1510099200000},
        ),
        (
            r"(%{integer:user.id}|%{word:user.firstname}) connected",
            "12345 connected",
            {"user": {"id": 12345}},
        ),
        (
            r"(%{integer:user.id}|%{word:user.firstname}) connected",
            "john connected",
            {"user": {"firstname": "john"}},
        ),
        (r"%{word:user.name} (%{integer:user.id} )?on", "john on", {"user": {"name": "john"}}),
        (
            r"%{word:app}\[%{number:logger.thread_id}\]: %{notSpace:server} %{data::json}",
            'program[123]: server.1 {"method":"GET", "status_code":200, "duration":123456}',
            {
                "app": "program",
                "logger": {"thread_id": 123},
                "server": "server.1",
                "method": "GET",
                "status_code": 200,
                "duration": 123456,
            },
        ),
        (
            r'%{regex("[a-z]*"):user.firstname}_%{regex("[a-zA-Z0-9]*"):user.id} .*',
            "john_1a2b3c4 connected",
            {"user": {"firstname": "john", "id": "1a2b3c4"}},
        ),
        (
            r'%{regex("\\w"):level}%{date("MMdd HH:mm:ss.SSSSSS"):at}\s+%{number:pid} %{notSpace:name}:%{number:line}'
            r"\] %{data:msg}",
            "W1030 08:24:46.605188       1 authorization.go:47] Authorization is disabled",
            {
                "level": "W",
                "at": 1761812686605,
                "pid": 1,
                "name": "authorization.go",
                "line": 47,
                "msg": "Authorization is disabled",
            },
        ),
        (
            r'Users %{data:users:array("[]",",")} have been added',
            "Users [John, Oliver, Marc, Tom] have been added",
            {"users": ["John", "Oliver", "Marc", "Tom"]},
        ),
        (
            r'%{data:sizes:array("{}","-", number)}',
            "{1-2.5-x}",
            {"sizes": [1, 2.5]},
        ),
        (
            r'%{data:user:csv("first_name,name,st_nb,st_name,city")}',
            "John,Doe,120,Jefferson St.,Riverside",
            {
                "user": {
                    "first_name": "John",
                    "name": "Doe",
                    "st_nb": 120,
                    "st_name": "Jefferson St.",
                    "city": "Riverside",
                }
            },
        ),
        (r'%{data::csv("a,b")}', '"John ""Da Man""",Doe', {"a": 'John "Da Man"', "b": "Doe"}),
        (r'%{data::csv("a,b",",","\'")}', "'John ''Da Man''',Doe", {"a": "John 'Da Man'", "b": "Doe"}),
        (r'%{data::csv("a,b","tab")}', "John\tDoe", {"a": "John", "b": "Doe"}),
        (r'%{data::csv("key1,key2")}', "value1,value2,value3", {"key1": "value1", "key2": "value2"}),
        (r'%{data::csv("key1,key2,key3")}', "value1,,value3", {"key1": "value1", "key3": "value3"}),
        (r"%{data:q:querystring}", "?a=1&b=x%20y&a=2", {"q": {"a": ["1", "2"], "b": "x y"}}),
        (r"%{data:p:decodeuricomponent}", "%2Fservice%2Ftest", {"p": "/service/test"}),
        (
            r"%{data:u:url}",
            "http://payment:80/paymentAuth?x=1#top",
            {
                "u": {
                    "scheme": "http",
                    "host": "payment",
                    "port": 80,
                    "path": "/paymentAuth",
                    "queryString": {"x": "1"},
                    "hash": "top",
                }
            },
        ),
        (r'%{data:a:nullIf("-")} %{data:b:nullIf("-")}', "- x", {"b": "x"}),
        (r"%{word:a:lowercase} %{word:b:uppercase}", "WARN info", {"a": "warn", "b": "INFO"}),
        (r"%{number:took:scale(1000000)}ms", "1.5ms", {"took": 1500000}),
        (r"%{integerStr:a} %{integer:b} %{integerExt:c}", "007 007 2e3", {"a": "007", "b": 7, "c": 2000}),
        (r"%{numberStr:a} %{number:b} %{numberExt:c}", "1.50 1.50 -2.5e3", {"a": "1.50", "b": 1.5, "c": -2500}),
        (r'%{boolean:a} %{boolean("y","n"):b} %{boolean("y","n"):c}', "TRUE y n", {"a": True, "b": True, "c": False}),
        (r"%{quotedString:a} %{doubleQuotedString:b}", "'it' \"is\"", {"a": "it", "b": "is"}),
        (r"%{ip:a} %{ipv4:b} %{ipOrHost:c} %{port:d}", "::1 10.96.100.12 payment.sock-shop 8080", {
            "a": "::1", "b": "10.96.100.12", "c": "payment.sock-shop", "d": 8080}),
        (r"%{uuid:a} %{mac:b} %{hostname:c}", "1b4e28ba-2fa1-11d2-883f-0016d3cca427 00:0a:95:9d:68:16 worker-1", {
            "a": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "b": "00:0a:95:9d:68:16", "c": "worker-1"}),
        (r"%{integer:field} %{word:field:uppercase}", "1 info", {"field": [1, "INFO"]}),
        (r"(?i)HELLO %{word:who}|bye", "hello there", {"who": "there"}),
        (r"%{data:first}\n%{data:rest}", "one\ntwo\nthree", {"first": "one", "rest": "two\nthree"}),
        (r"[[:alpha:]]+ %{data:x}", "abc 1", {"x": "1"}),
        (r"%{integer:a}", "9" * 30, {}),
    ],
)  # fmt: skip
def test_a_rule_makes_of_a_text_what_the_documentation_shows(rule: str, text: str, expected: dict[str, Any]) -> None:
    assert parse(rule, text) == expected


def test_helper_rules_are_written_out_where_they_are_named() -> None:
    helpers = (
        "user %{word:user.name} id:%{integer:user.id}\n"
        'connection connected on %{date("MM/dd/yyyy"):connect_date}\n'
        "server on server %{notSpace:server.name} in %{notSpace:server.env}"
    )
    text = "john id:12345 connected on 11/08/2017 on server XYZ in production"
    assert parse("%{user} %{connection} %{server}", text, helpers) == {
        "user": {"name": "john", "id": 12345},
        "connect_date": 1510099200000,
        "server": {"name": "XYZ", "env": "production"},
    }


def test_a_helper_rule_may_be_captured_whole_with_what_it_captures_itself() -> None:
    assert parse("%{pair:both}!", "a=1!", "pair %{word:key}=%{integer:value}") == {
        "both": "a=1",
        "key": "a",
        "value": 1,
    }


def test_the_first_rule_that_matches_wins_and_a_rule_must_match_the_whole_text() -> None:
    grok = Grok("one a%{word:x}\ntwo %{word:y}\n\nthree %{data:z}")
    assert [grok.parse(text) for text in ("ab", "bc", "b c")] == [{"x": "b"}, {"y": "bc"}, {"z": "b c"}]
    assert Grok("one a").parse("ab") is None
    assert Grok("one b").parse("ab") is None


@pytest.mark.parametrize(
    ("rule", "line", "column", "words"),
    [
        (r"ok a\nrule (a)\1", 2, 9, "references back"),
        (r"rule a(?=b)", 1, 7, "looking around"),
        (r"rule (?<!a)b", 1, 6, "looking around"),
        (r"rule %{foo:x}", 1, 8, "no matcher or helper rule 'foo'"),
        (r"rule %{word:x", 1, 14, "closing brace"),
        (r"rule %{word:x:shout}", 1, 15, "no filter 'shout'"),
        (r'rule %{regex("(a"):x}', 1, 15, "never closed"),
        (r'rule %{date("yyyy-qq"):x}', 1, 19, "'qq'"),
        (r'rule %{date("yyyy","Mars/Base"):x}', 1, 14, "time zone 'Mars/Base'"),
        (r"rule *a", 1, 6, "nothing that * could repeat"),
        (r"rule a{1001}", 1, 7, "no further than 1000"),
        (r"rule ((a{100}){100}){100}", 1, 15, "no further than 1000"),
        (r"rule [z-a]", 1, 6, "cannot be read"),
        (r"rule a)", 1, 7, "never opened"),
        (r"rule", 1, 5, "the rule itself"),
        (r"-rule a", 1, 1, "begins with its name"),
        (r"rule a\nrule b", 2, 1, "a rule of this name already"),
        (r"rule %{rule}", 1, 8, "no matcher or helper rule 'rule'"),
        (r"rule %{xml:x}", 1, 8, "not taken here"),
        (r"rule %{data:x:rubyhash}", 1, 15, "not taken here"),
        (r"rule \pL", 1, 6, "escape \\p"),
        (r"rule %{data:a..b}", 1, 13, "empty part"),
    ],
)  # fmt: skip
def test_an_error_names_the_rule_the_line_and_the_column(rule: str, line: int, column: int, words: str) -> None:
    from oddsock.telemetry.pipelines.errors import GrokError

    with pytest.raises(GrokError) as caught:
        Grok(rule.replace(r"\nrule", "\nrule"))
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)
    assert words in str(caught.value)


def test_helpers_that_lead_back_to_themselves_or_grow_without_end_are_refused() -> None:
    from oddsock.telemetry.pipelines.errors import GrokError

    with pytest.raises(GrokError, match="leads back to itself: rule -> a -> b -> a"):
        Grok("rule %{a}", "a %{b}\nb %{a}")
    doubling = "\n".join(f"h{number} %{{h{number + 1}}}%{{h{number + 1}}}" for number in range(18)) + "\nh18 xxxxxxxx"
    with pytest.raises(GrokError, match="more than"):
        Grok("rule %{h0}", doubling)
