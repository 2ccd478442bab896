"""The report's questions to Datadog about one incident, asked by Datadog's own client of a stack that is up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v2.api.events_api import EventsApi
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.events_list_request import EventsListRequest
from datadog_api_client.v2.model.events_query_filter import EventsQueryFilter
from datadog_api_client.v2.model.events_request_page import EventsRequestPage
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter
from datadog_api_client.v2.model.logs_sort import LogsSort

from oddsock.kit.clock import instant

if TYPE_CHECKING:
    from tests.conftest import LongStack

ORDERS = "kube_namespace:sock-shop service:sock-shop-orders"
STEPS = (
    "Order created with ID: {id} and status: Created",
    "Order {id} status updated to PENDING",
    "Sending payment request for order {id}",
    "Payment failed for order {id}: ",
    "Order {id} status updated to PAYMENT_FAILED",
)


class Questions:
    """Questions about the incident of *case*, which ran on *stack*."""

    def __init__(self, stack: "LongStack", case: Path) -> None:
        keys = stack.command.succeed("env", "--json").json
        configuration = Configuration(host=keys["DATADOG_HOST"])
        configuration.api_key["apiKeyAuth"] = keys["DD_API_KEY"]
        configuration.api_key["appKeyAuth"] = keys["DD_APP_KEY"]
        self.client = ApiClient(configuration)
        self.report = json.loads((case / "report.json").read_text())
        header = self.report["header"]
        self.window = (header["window_from_at"], header["window_to_at"])
        history = [json.loads(line) for line in (case / "history.jsonl").read_text().splitlines()]
        self.began = history[0]["at"]
        main = [line for line in history if line["phase"] == "main"]
        self.held = (
            next(line["at"] for line in main if line["verb"] == "inject" and line["kind"] == "ok"),
            next(line["at"] for line in main if line["verb"] == "heal" and line["kind"] == "invoke"),
        )
        self.failed = [row["id"] for row in self.report["orders"] if row["failed"]]

    def lines(self, query: str, from_at: str, to_at: str) -> list[str]:
        """The messages that *query* finds, oldest first, all pages."""
        request = LogsListRequest(
            filter=LogsQueryFilter(query=query, _from=from_at, to=to_at),
            page=LogsListRequestPage(limit=100),
            sort=LogsSort.TIMESTAMP_ASCENDING,
        )
        found = LogsApi(self.client).list_logs_with_pagination(body=request)
        return [str(row.attributes.message) for row in found]

    def in_window(self, query: str) -> list[str]:
        """The messages from fault to heal."""
        return self.lines(query, *self.window)

    def events(self, query: str) -> list[str]:
        """The texts of the events that *query* finds since the fault."""
        # The stamp of an event is cut to the whole second.
        request = EventsListRequest(
            filter=EventsQueryFilter(query=query, _from=f"{self.window[0][:19]}Z", to="now"),
            page=EventsRequestPage(limit=500),
        )
        return [str(row.attributes.message) for row in EventsApi(self.client).search_events(body=request).data]

    def points(self, query: str) -> list[float]:
        """The values of a metric query while the fault held, a second cut off where it begins and two where it ends."""
        from_s, to_s = (int(instant(at).timestamp()) for at in self.held)
        answer: Any = MetricsApi(self.client).query_metrics(_from=from_s + 1, to=to_s - 2, query=query)
        points = [point.value for series in answer.series for point in series.pointlist]
        return [value for _, value in points if value is not None]


def check_logs(questions: Questions) -> None:
    """Queries 1, 2, 3, 5, 8, 9 and 10 of the report, word for word."""
    failed = f'{ORDERS} "status updated to PAYMENT_FAILED"'
    assert len(questions.in_window(failed)) == 5
    refused = questions.in_window(f'{ORDERS} "Connection refused"')
    assert len([order for order in questions.failed if _names(refused, order)]) == 5
    assert len(questions.in_window(f'{ORDERS} "Connection refused" "Payment failed for order"')) == 5
    assert len(questions.in_window(f'{ORDERS} "Order" "status updated to PAYMENT_FAILED"')) == 5
    assert len(questions.in_window(f'{ORDERS} "Sending payment request for order"')) == 5
    assert len(questions.in_window(f'{ORDERS} "Payment failed"')) == 5
    assert questions.in_window(f'{ORDERS} "payment successful"') == []
    assert len(questions.lines(f'{ORDERS} "payment successful"', questions.began, questions.window[0])) == 2

    first = questions.failed[0]
    life = [line for line in questions.in_window(f'kube_namespace:sock-shop "{first}"') if "OrdersController" in line]
    places = [next(n for n, line in enumerate(life) if step.format(id=first) in line) for step in STEPS]
    assert places == sorted(places)

    payment = "kube_namespace:sock-shop service:sock-shop-payment"
    assert questions.lines(payment, *questions.held) == []
    assert questions.lines(payment, questions.began, questions.window[0])
    assert questions.lines(payment, questions.held[1], "now")
    assert questions.lines("kube_namespace:sock-shop", *questions.held), "others were heard meanwhile"


def check_events(questions: Questions) -> None:
    """The event stream of the report: payment scaled 1 -> 0 and 0 -> 1, a pod that ended and one that started."""
    texts = questions.events("sources:kubernetes kube_namespace:sock-shop tags:deployment:payment")
    assert [text for text in texts if text.startswith("Scaled down") and "from 1 to 0" in text]
    assert [text for text in texts if text.startswith("Scaled up") and "from 0 to 1" in text]
    assert [text for text in texts if "Stopping container" in text]
    assert [text for text in texts if "Started container" in text]


def check_metrics(questions: Questions) -> None:
    """Metric 1 of the report, by the kubelet's name and by the one that cannot stop."""
    scope = "{kube_namespace:sock-shop,deployment:payment}"
    for name in ("kubernetes.pods.running", "kubernetes_state.deployment.replicas_available"):
        values = questions.points(f"avg:{name}{scope}")
        assert values and max(values) == 0, name


def check_rows(rows: Sequence[dict[str, Any]]) -> None:
    """The report's own rows of the same: what was seen, and that nothing went unanswered."""
    verdicts = {row["id"]: row["verdict"] for row in rows}
    seen = (
        "Q1",
        "Q2",
        "Q3",
        "Q4",
        "Q5",
        "Q6",
        "Q8",
        "Q9",
        "Q10a",
        "Q10b",
        "M1",
        "M5",
        "V1",
        "V2",
        "V3",
        "E1",
        "D1",
        "D2",
    )
    assert {one: verdicts[one] for one in seen} == dict.fromkeys(seen, "seen"), verdicts
    assert verdicts["Q7"] == "not seen", "an order's id does not stand in the logs of four services"
    asked = [row for row in rows if row["group"].startswith("Telemetry")]
    assert [row["id"] for row in asked if row["actual"] == "no evidence"] == []
    assert all(row["learnt"] and row["datadog_url"].startswith("https://") for row in asked)
    beyond = next(row["beyond"] for row in rows if row["id"] == "Q1")
    assert any("in the lead's own fault earlier-outage: " in line for line in beyond)


def _names(lines: Sequence[str], order: str) -> bool:
    return any(order in line for line in lines)
