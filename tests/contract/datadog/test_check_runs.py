"""Service checks posted by official clients, read back on our own path."""

import json
from typing import Any
from urllib.error import HTTPError

import pytest
from datadog_api_client.v1.api.service_checks_api import ServiceChecksApi
from datadog_api_client.v1.model.service_check import ServiceCheck
from datadog_api_client.v1.model.service_check_status import ServiceCheckStatus
from datadog_api_client.v1.model.service_checks import ServiceChecks


def test_a_check_posted_by_the_official_client_is_read_back(server: Any) -> None:
    with server.client() as client:
        for status in (ServiceCheckStatus.OK, ServiceCheckStatus.CRITICAL):
            body = ServiceChecks(
                [
                    ServiceCheck(
                        check="checks.client",
                        host_name="sockshop-worker",
                        status=status,
                        message="as it went",
                        tags=["kube_namespace:sock-shop", "service:payment"],
                    )
                ]
            )
            assert ServiceChecksApi(client).submit_service_check(body=body)["status"] == "ok"
    (subject,) = server.ask("GET", "/_oddsock/checks?check=checks.client&limit=5")["subjects"]
    assert (subject["host"], subject["status"]) == ("sockshop-worker", "CRITICAL")
    assert subject["tags"] == ["kube_namespace:sock-shop", "service:payment"]
    assert [report["status"] for report in subject["reports"]] == ["CRITICAL", "OK"]
    asked = "/_oddsock/checks?check=checks.client&tags=service:payment,host:sockshop-"
    assert len(server.ask("GET", f"{asked}worker")["subjects"]) == 1
    assert server.ask("GET", f"{asked}other")["subjects"] == []
    assert "checks.client" in server.ask("GET", "/_oddsock/checks")["checks"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"check": "x", "status": 7}, "status must be 0"),
        ({"status": 0}, "check is missing"),
        ({"check": "x", "status": 0, "timestamp": 1}, "10 minutes away"),
        ({"check": "x", "status": 0, "tags": [1]}, "tags must be a list of texts"),
        ([{"check": "x", "status": 0}] * 1001, "1001 reports are too many"),
        ("x", "must be an object, not a text"),
    ],
)
def test_a_check_that_cannot_be_taken_is_refused_with_its_reason(server: Any, body: Any, sentence: str) -> None:
    with pytest.raises(HTTPError) as refusal:
        server.ask("POST", "/api/v1/check_run", json.dumps(body).encode())
    assert refusal.value.code == 400
    assert sentence in json.loads(refusal.value.read())["errors"][0]
