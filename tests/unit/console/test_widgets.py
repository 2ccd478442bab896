"""What the widgets of a dashboard show, and what becomes of one that cannot be answered."""

from typing import Any

from oddsock.clients.datadog.errors import QueryRefused
from oddsock.clients.datadog.records import Monitor, Series
from oddsock.clients.datadog.widget_answers import Row, WidgetAnswer
from oddsock.clients.datadog.widget_queries import WidgetQuery
from oddsock.console.pages.dashboards import fill_variables, read_document
from oddsock.console.widgets import in_order, read_widgets
from oddsock.kit.errors import UsageError


class Telemetry:
    """Answers by the text of a question; what is not known is refused."""

    def __init__(self, **answers: WidgetAnswer) -> None:
        self.answers = answers

    async def answer_widget(self, question: WidgetQuery, from_ms: int, to_ms: int, limit: int = 50) -> WidgetAnswer:
        if question.query not in self.answers:
            raise QueryRefused(f"Column 1: {question.query} is refused.", 1)
        return self.answers[question.query]

    async def monitors(self, tags: str = "") -> list[Monitor]:
        return [Monitor(id=7, name="Payment", state="Alert")]


def _widget(kind: str, query: str = "", **more: Any) -> dict[str, Any]:
    requests = {"requests": [{"q": query}]} if query else {}
    return {"id": hash((kind, query)) % 1000, "definition": {"type": kind, **requests, **more}}


async def _read(telemetry: Telemetry, *widgets: dict[str, Any]) -> list[dict[str, Any]]:
    return await read_widgets(telemetry, {"widgets": list(widgets)}, 0, 60_000)


async def test_a_refused_widget_tells_why_in_its_own_box_and_the_others_are_shown() -> None:
    line = Series(metric="pods", points=((0.0, 1.0),))
    telemetry = Telemetry(good=WidgetAnswer(series=(line,)))

    good, bad = await _read(telemetry, _widget("timeseries", "good"), _widget("timeseries", "bad"))

    assert (good["view"], good["failed"], good["series"][0]["last"]) == ("plot", "", 1.0)
    assert bad["failed"] == "Column 1: bad is refused."
    assert bad["queries"] == [{"query": "bad", "source": "metrics"}]


async def test_a_query_value_has_its_unit_and_the_colour_of_its_first_rule_that_holds() -> None:
    line = Series(metric="rate", points=((0.0, 53.84), (1000.0, None)))
    rules = [
        {"comparator": "<", "value": 90, "palette": "white_on_red"},
        {"comparator": "<", "value": 99, "palette": "white_on_green"},
    ]
    value = _widget("query_value", "rate", precision=1, custom_unit="%")
    value["definition"]["requests"][0] |= {"conditional_formats": rules, "aggregator": "last"}

    (told,) = await _read(Telemetry(rate=WidgetAnswer(series=(line,))), value)

    assert (told["view"], told["text"], told["unit"], told["colour"]) == ("value", "53.8", "%", "bad")


async def test_a_top_list_stands_the_greatest_first_whatever_the_answer_s_order() -> None:
    rows = (
        Row(group=("paid",), values=(7.0,)),
        Row(group=("none",), values=(None,)),
        Row(group=("failed",), values=(9,)),
    )
    answer = WidgetAnswer(keys=("status",), names=("orders",), units=("",), rows=rows)

    (told,) = await _read(Telemetry(top=answer), _widget("toplist", "top"))

    assert told["view"] == "ranks"
    assert [row["group"] for row in told["rows"]] == [("failed",), ("paid",), ("none",)]
    assert (told["most"], told["total"]) == (9, 16)


async def test_a_note_a_group_and_the_monitors_need_no_question() -> None:
    group = _widget("group", title="All", widgets=[_widget("note", content="`a` says <b>")])

    told, status = await _read(Telemetry(), group, _widget("manage_status"))

    assert told["view"] == "group"
    assert told["widgets"][0]["parts"] == [{"text": "a", "is_code": True}, {"text": " says <b>", "is_code": False}]
    assert status["monitors"] == [{"id": 7, "name": "Payment", "state": "Alert", "query": ""}]


def test_widgets_stand_as_their_layout_says() -> None:
    placed = [{"definition": {}, "layout": {"x": x, "y": y}, "id": (x, y)} for x, y in ((6, 2), (0, 0), (0, 2))]

    assert [one["id"] for one in in_order(placed)] == [(0, 0), (0, 2), (6, 2)]


def test_a_template_variable_takes_the_value_of_the_address() -> None:
    document = {"template_variables": [{"name": "service", "prefix": "service", "default": "*"}]}

    filled = fill_variables(document, {"tpl_var_service": "orders"})

    assert filled["template_variables"][0]["defaults"] == ["orders"]


def test_what_is_no_dashboard_is_refused_in_a_sentence() -> None:
    sentences = []
    for text in ("", "[1]", '{"title": '):
        try:
            read_document(text)
        except UsageError as refused:
            sentences.append(refused.sentence)

    assert sentences[0] == "There is nothing to import."
    assert sentences[1].startswith("A dashboard is a JSON object")
    assert sentences[2].startswith("This is not JSON")
