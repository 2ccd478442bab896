"""The event stream, spoken to by datadog-api-client, datadog and dogshell."""

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

import pytest
from datadog import initialize
from datadog.api.events import Event
from datadog_api_client.v1.api.events_api import EventsApi as EventsV1
from datadog_api_client.v1.model.event_alert_type import EventAlertType
from datadog_api_client.v1.model.event_create_request import EventCreateRequest as CreateV1
from datadog_api_client.v1.model.event_priority import EventPriority
from datadog_api_client.v2.api.events_api import EventsApi as EventsV2
from datadog_api_client.v2.model.alert_event_custom_attributes import AlertEventCustomAttributes
from datadog_api_client.v2.model.alert_event_custom_attributes_status import AlertEventCustomAttributesStatus
from datadog_api_client.v2.model.event_category import EventCategory
from datadog_api_client.v2.model.event_create_request import EventCreateRequest as CreateV2
from datadog_api_client.v2.model.event_create_request_payload import EventCreateRequestPayload
from datadog_api_client.v2.model.event_create_request_type import EventCreateRequestType
from datadog_api_client.v2.model.event_payload import EventPayload
from datadog_api_client.v2.model.events_list_request import EventsListRequest
from datadog_api_client.v2.model.events_query_filter import EventsQueryFilter
from datadog_api_client.v2.model.events_request_page import EventsRequestPage
from datadog_api_client.v2.model.events_sort import EventsSort

from oddsock.kit.clock import SystemClock, iso

SCALED = (
    ("Scaled down replica set payment-7d9 to 0 from 1", "info"),
    ("Scaled up replica set payment-7d9 to 1 from 0", "info"),
)


def _now_s() -> int:
    return round(SystemClock().now().timestamp())


def _post_scaling(client: Any, marker: str) -> list[int]:
    ids = []
    for number, (text, alert_type) in enumerate(SCALED):
        answer = EventsV1(client).create_event(
            body=CreateV1(
                title="Deployment sock-shop/payment: ScalingReplicaSet",
                text=text,
                alert_type=EventAlertType(alert_type),
                priority=EventPriority.NORMAL,
                source_type_name="kubernetes",
                date_happened=_now_s() - 10 + number,
                host="sockshop-worker",
                tags=["kube_namespace:sock-shop", "deployment:payment", marker],
            )
        )
        ids.append(answer["event"]["id"])
    return ids


def test_scalings_are_found_by_the_filters_of_the_event_stream(server: Any) -> None:
    marker = "test:event-stream"
    with server.client() as client:
        ids = _post_scaling(client, marker)
        listed = EventsV1(client).list_events(
            start=_now_s() - 60,
            end=_now_s(),
            sources="kubernetes",
            tags=f"kube_namespace:sock-shop,deployment:payment,{marker}",
            priority=EventPriority.NORMAL,
        )["events"]
        assert [event["id"] for event in listed] == ids[::-1]
        assert listed[0]["text"] == SCALED[1][0]
        assert (
            EventsV1(client).list_events(start=_now_s() - 60, end=_now_s(), sources="jenkins", tags=marker).events == []
        )

        # The report's filter as it is written, one line a term.
        query = f"sources:kubernetes\nkube_namespace:sock-shop\ntags:deployment:payment {marker}"
        found = EventsV2(client).search_events(
            body=EventsListRequest(
                filter=EventsQueryFilter(query=query, _from="now-1h", to="now"), sort=EventsSort.TIMESTAMP_ASCENDING
            )
        )
        assert [event.attributes.message for event in found.data] == [text for text, _ in SCALED]
        (first, _) = found.data
        assert first.attributes.attributes.title == "Deployment sock-shop/payment: ScalingReplicaSet"
        assert first.attributes.attributes.source_type_name == "kubernetes"
        assert first.attributes.attributes.hostname == "sockshop-worker"
        assert "deployment:payment" in first.attributes.tags

        phrase = EventsV2(client).list_events(
            filter_query=f'"to 0 from 1" {marker}', filter_from="now-1h", filter_to="now"
        )
        assert [event.id for event in phrase.data] == [str(ids[0])]


def test_an_event_is_read_by_its_id_in_both_versions(server: Any) -> None:
    with server.client() as client:
        (event_id, _) = _post_scaling(client, "test:event-by-id")
        assert EventsV1(client).get_event(event_id=event_id)["event"]["text"] == SCALED[0][0]
        assert EventsV2(client).get_event(event_id=str(event_id)).data.attributes.message == SCALED[0][0]


def test_the_official_client_pages_through_every_event_once(server: Any) -> None:
    marker = "test:event-pages"
    with server.client() as client:
        for number in range(7):
            EventsV1(client).create_event(body=CreateV1(title=f"event {number}", text="", tags=[marker]))
        body = EventsListRequest(
            filter=EventsQueryFilter(query=marker, _from="now-1h", to="now"), page=EventsRequestPage(limit=3)
        )
        titles = [e.attributes.attributes.title for e in EventsV2(client).search_events_with_pagination(body=body)]
        assert titles == [f"event {number}" for number in reversed(range(7))]
        pages = EventsV2(client).list_events_with_pagination(filter_query=marker, page_limit=2, filter_from="now-1h")
        assert len(list(pages)) == 7


def test_an_event_posted_as_v2_writes_it_keeps_its_own_attributes(server: Any) -> None:
    with server.client() as client:
        made = EventsV2(client).create_event(
            body=EventCreateRequestPayload(
                data=CreateV2(
                    type=EventCreateRequestType.EVENT,
                    attributes=EventPayload(
                        title="payment is away",
                        message="nobody answers",
                        category=EventCategory.ALERT,
                        aggregation_key="payment-away",
                        timestamp=iso(SystemClock().now() - timedelta(minutes=5)),
                        tags=["test:event-v2"],
                        attributes=AlertEventCustomAttributes(status=AlertEventCustomAttributesStatus.WARN),
                    ),
                )
            )
        )
        event_id = made.data.attributes.attributes.evt.id
        found = EventsV2(client).list_events(
            filter_query="status:warn aggregation_key:payment-away test:event-v2", filter_from="now-1h"
        )
        assert [event.id for event in found.data] == [event_id]
        assert found.data[0].attributes.attributes.status.value == "warning"


def test_a_query_whose_terms_do_not_bind_as_they_look_is_answered_with_a_warning(server: Any) -> None:
    body = {"filter": {"query": 'service:shipping "rejected" OR "Message rejected"'}}
    answer = server.ask("POST", "/api/v2/events/search", json.dumps(body).encode())
    assert answer["meta"]["warnings"][0]["detail"]
    with server.client() as client:
        found = EventsV2(client).list_events(filter_query=body["filter"]["query"])
        assert found.meta.warnings[0].detail == answer["meta"]["warnings"][0]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "sentence"),
    [
        ("POST", "/api/v1/events", {"text": "no title"}, 400, "title is missing"),
        ("POST", "/api/v1/events", {"title": "x", "alert_type": "loud"}, 400, "alert_type is 'loud'"),
        ("POST", "/api/v1/events", {"title": "x", "text": "y" * 4001}, 400, "text is too long"),
        ("POST", "/api/v1/events", {"title": "x", "date_happened": 1000}, 400, "too old"),
        ("POST", "/api/v1/events", {"title": "x", "date_happened": 4_000_000_000}, 400, "lies ahead"),
        ("POST", "/api/v1/events", {"title": "x", "tags": ["t"] * 101}, 400, "101 tags"),
        ("POST", "/api/v1/events", [], 400, "event must be an object, not a list"),
        ("POST", "/api/v2/events", {"data": {"type": "event", "attributes": {"title": "x"}}}, 400, "category"),
        ("POST", "/api/v2/events/search", {"filter": {"query": "a AND ("}}, 400, "olumn 8"),
        ("POST", "/api/v2/events/search", {"page": {"limit": 1001}}, 400, "page.limit must be from 1 to 1000"),
        ("POST", "/api/v2/events/search", {"page": {"cursor": "!!"}}, 400, "page.cursor is none of ours"),
        ("POST", "/api/v2/events/search", {"sort": "title"}, 400, "sort must be"),
        ("GET", "/api/v1/events", None, 400, "start and end are missing"),
        ("GET", "/api/v1/events?start=0&end=x", None, 400, "end must be a whole number"),
        ("GET", "/api/v1/events/12", None, 404, "No event matches"),
        ("GET", "/api/v2/events/twelve", None, 404, "No event matches"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(
    server: Any, method: str, path: str, body: Any, code: int, sentence: str
) -> None:
    with pytest.raises(HTTPError) as refusal:
        server.ask(method, path, None if body is None else json.dumps(body).encode())
    assert refusal.value.code == code
    assert sentence in json.loads(refusal.value.read())["errors"][0]


def test_datadogpy_posts_and_lists_events(server: Any) -> None:
    initialize(api_key=server.api_key, app_key=server.app_key, api_host=server.url, mute=False)
    made = Event.create(title="from datadogpy", text="hello", tags=["test:datadogpy"], alert_type="error")
    assert Event.get(made["event"]["id"])["event"]["title"] == "from datadogpy"
    listed = Event.query(start=_now_s() - 60, end=_now_s() + 1, tags=["test:datadogpy"])
    assert [event["alert_type"] for event in listed["events"]] == ["error"]


def test_dogshell_posts_and_shows_an_event(server: Any) -> None:
    keys = ["--api-key", server.api_key, "--application-key", server.app_key, "--api_host", server.url]
    dog = [sys.executable, "-c", "from datadog.dogshell import main; main()", *keys]
    posted = subprocess.run(
        [*dog, "event", "post", "from dogshell", "hello", "--tags", "test:dogshell"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert posted.returncode == 0, posted.stderr
    shown = subprocess.run(
        [*dog, "event", "stream", "1h", "--tags", "test:dogshell"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "from dogshell hello" in shown.stdout
