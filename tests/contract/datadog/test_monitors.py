"""Monitors, spoken to by datadog-api-client, datadog and dogshell, evaluated by a real server."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.error import HTTPError

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from datadog import initialize
from datadog.api.monitors import Monitor as DogMonitor
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.api.service_checks_api import ServiceChecksApi
from datadog_api_client.v1.api.webhooks_integration_api import WebhooksIntegrationApi
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.monitor_options import MonitorOptions
from datadog_api_client.v1.model.monitor_thresholds import MonitorThresholds
from datadog_api_client.v1.model.monitor_type import MonitorType
from datadog_api_client.v1.model.monitor_update_request import MonitorUpdateRequest
from datadog_api_client.v1.model.service_check import ServiceCheck
from datadog_api_client.v1.model.service_check_status import ServiceCheckStatus
from datadog_api_client.v1.model.service_checks import ServiceChecks
from datadog_api_client.v1.model.webhooks_integration import WebhooksIntegration
from datadog_api_client.v1.model.webhooks_integration_update_request import WebhooksIntegrationUpdateRequest
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.api.metrics_api import MetricsApi
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
from datadog_api_client.v2.model.metric_intake_type import MetricIntakeType
from datadog_api_client.v2.model.metric_payload import MetricPayload
from datadog_api_client.v2.model.metric_point import MetricPoint
from datadog_api_client.v2.model.metric_series import MetricSeries

from oddsock.kit.clock import SystemClock, wait_for
from oddsock.kit.http import serve

FAST = {"speed": 100.0}
FIRED_S_MAX = 30.0


def _now_s() -> int:
    return round(SystemClock().now().timestamp())


async def _until(condition: Callable[[], Any]) -> Any:
    """What *condition*, which blocks, answers first that is true."""

    async def ask() -> Any:
        return await asyncio.to_thread(condition)

    found = await wait_for(ask, SystemClock(), FIRED_S_MAX, poll_s=0.1)
    assert found, "nothing fired in time"
    return found


def _log_alert(marker: str, **more: Any) -> Monitor:
    return Monitor(
        name=f"log alert of {marker}",
        type=MonitorType.LOG_ALERT,
        query=f'logs("service:{marker} \\"updated to PAYMENT_FAILED\\"").index("*").rollup("count").last("5m") > 0',
        message="Orders fail. @webhook-pager",
        tags=[f"test:{marker}", "team:shop"],
        **more,
    )


def _send_log(client: Any, service: str) -> None:
    LogsApi(client).submit_log(
        body=HTTPLog([HTTPLogItem(message="Order 1 status updated to PAYMENT_FAILED", service=service)])
    )


def test_a_monitor_is_made_read_changed_and_taken_away(server: Any) -> None:
    with server.client() as client:
        api = MonitorsApi(client)
        options = MonitorOptions(thresholds=MonitorThresholds(critical=0.0), notify_no_data=True, no_data_timeframe=10)
        made = api.create_monitor(body=_log_alert("crud", options=options, priority=2))
        assert (made.type, made.priority, made.multi) == (MonitorType.LOG_ALERT, 2, False)
        found = api.get_monitor(monitor_id=made.id, group_states="all")
        assert found.options.no_data_timeframe == 10
        assert found.message == "Orders fail. @webhook-pager"
        changed = api.update_monitor(
            monitor_id=made.id,
            body=MonitorUpdateRequest(name="renamed", options=MonitorOptions(renotify_interval=30)),
        )
        assert (changed.name, changed.options.renotify_interval) == ("renamed", 30)
        assert changed.options.no_data_timeframe == 10
        assert changed.modified > made.modified
        listed = api.list_monitors(monitor_tags="test:crud,team:shop", name="RENAMED", group_states="all")
        assert [one.id for one in listed] == [made.id]
        assert api.list_monitors(monitor_tags="test:crud,team:other") == []
        assert api.delete_monitor(monitor_id=made.id).deleted_monitor_id == made.id
        with pytest.raises(Exception, match="404"):
            api.get_monitor(monitor_id=made.id)


def test_monitors_are_listed_by_pages_and_found_by_a_search(server: Any) -> None:
    with server.client() as client:
        api = MonitorsApi(client)
        ids = [api.create_monitor(body=_log_alert("pages")).id for _ in range(5)]
        paged = [one.id for one in api.list_monitors_with_pagination(monitor_tags="test:pages", page_size=2)]
        assert paged == ids
        after = api.list_monitors(monitor_tags="test:pages", id_offset=ids[1], page_size=2)
        assert [one.id for one in after] == ids[2:4]
        found = api.search_monitors(query='tag:"test:pages" type:log "alert of"', per_page=3)
        assert [one.id for one in found.monitors] == ids[:3]
        assert (found.metadata.total_count, found.metadata.page_count) == (5, 2)
        assert [(item.name, item.count) for item in found.counts.type.value] == [("log", 5)]
        assert found.monitors[0].notifications[0].handle == "webhook-pager"


@pytest.mark.parametrize(
    ("kind", "query", "sentence"),
    [
        ("query alert", "avg(last_5m):avg:system.load.1{*}", "column 34"),
        ("query alert", "avg(last_5m):avg:system.load.1{* > 1", "column 3"),
        ("query alert", "change(avg(last_5m),last_1h):avg:a{*} > 1", "change() is not evaluated here"),
        ("log alert", 'logs("a AND (").last("5m") > 1', "column 14"),
        ("log alert", 'logs("a").last("5 minutes") > 1', "column 17"),
        ("service check", '"a".over("*").last(3)', "count_by_status"),
        ("composite", "12345678 && 1", "12345678, which does not exist"),
        ("slo alert", "error_budget", "not evaluated here"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_its_column(server: Any, kind: str, query: str, sentence: str) -> None:
    body = json.dumps({"type": kind, "query": query, "name": "x", "message": ""}).encode()
    for path in ("/api/v1/monitor/validate", "/api/v1/monitor"):
        with pytest.raises(HTTPError) as refusal:
            server.ask("POST", path, body)
        assert refusal.value.code == 400
        assert sentence.lower() in json.loads(refusal.value.read())["errors"][0].lower()


def test_a_monitor_is_validated_without_being_made(server: Any) -> None:
    with server.client() as client:
        api = MonitorsApi(client)
        api.validate_monitor(body=_log_alert("validated"))
        assert api.list_monitors(monitor_tags="test:validated") == []
        made = api.create_monitor(body=_log_alert("validated"))
        api.validate_existing_monitor(monitor_id=made.id, body=_log_alert("validated"))
        wrong = _log_alert("validated", options=MonitorOptions(thresholds=MonitorThresholds(critical=7.0)))
        with pytest.raises(Exception, match="does not match that used in the query"):
            api.validate_existing_monitor(monitor_id=made.id, body=wrong)


def test_a_monitor_that_a_composite_names_is_kept(server: Any) -> None:
    with server.client() as client:
        api = MonitorsApi(client)
        part = api.create_monitor(body=_log_alert("part"))
        both = api.create_monitor(
            body=Monitor(type=MonitorType.COMPOSITE, query=f"{part.id} && !{part.id}", name="both", message="")
        )
        with pytest.raises(Exception, match="referenced in composite monitors"):
            api.delete_monitor(monitor_id=part.id)
        assert api.check_can_delete_monitor(monitor_ids=[both.id]).data.ok == [both.id]
        api.delete_monitor(monitor_id=both.id)
        api.delete_monitor(monitor_id=part.id)


async def test_a_log_alert_fires_tells_its_webhook_and_recovers(start_server: Any) -> None:
    calls: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        calls.append(await request.json())
        # The first call meets a receiver in trouble: it is tried again.
        return web.Response(status=503 if len(calls) == 1 else 200)

    app = web.Application()
    app.add_routes([web.post("/pager", take)])
    receiver = await serve(app, "127.0.0.1", 0)
    host, port = receiver.addresses[0][:2]
    server = await asyncio.to_thread(start_server, **FAST)
    with server.client() as client:
        hook = WebhooksIntegration(name="pager", url=f"http://{host}:{port}/pager")
        await asyncio.to_thread(WebhooksIntegrationApi(client).create_webhooks_integration, hook)
        api = MonitorsApi(client)
        made = await asyncio.to_thread(api.create_monitor, _log_alert("fires"))
        await asyncio.to_thread(_send_log, client, "fires")

        def course() -> list[str]:
            rows = server.ask("GET", f"/_oddsock/monitors/{made.id}/history")["history"]
            return [str(row["to"]) for row in reversed(rows)]

        await _until(lambda: "Alert" in course())
        await _until(lambda: len(calls) >= 2)
        assert calls[0] == calls[1]
        assert calls[1]["title"] == "[Triggered] log alert of fires"
        assert (calls[1]["alert_transition"], calls[1]["alert_id"], calls[1]["value"]) == ("Triggered", made.id, 1.0)
        await _until(lambda: len(calls) == 3)
        assert (await asyncio.to_thread(course))[-2:] == ["Alert", "OK"]
        assert api.get_monitor(monitor_id=made.id).overall_state.value == "OK"
        assert calls[2]["alert_transition"] == "Recovered"

        def events() -> list[Any]:
            found = EventsApi(client).list_events(
                start=_now_s() - 300, end=_now_s() + 1, sources="alert", tags=f"monitor_id:{made.id}"
            )
            return [(event["title"], str(event["alert_type"])) for event in found["events"]]

        assert await asyncio.to_thread(events) == [
            ("[Recovered] log alert of fires", "success"),
            ("[Triggered] log alert of fires", "error"),
        ]
        history = await asyncio.to_thread(server.ask, "GET", f"/_oddsock/monitors/{made.id}/history")
        fired = next(row for row in history["history"] if row["to"] == "Alert")
        assert fired["told"] == [{"channel": "webhook", "target": "pager", "tries": 2, "outcome": "sent"}]
    await receiver.cleanup()


def _send_replicas(client: Any, deployment: str, value: float) -> None:
    MetricsApi(client).submit_metrics(
        body=MetricPayload(
            series=[
                MetricSeries(
                    metric="kubernetes_state.deployment.replicas_available",
                    type=MetricIntakeType.GAUGE,
                    points=[MetricPoint(timestamp=_now_s(), value=value)],
                    tags=["kube_namespace:sock-shop", f"kube_deployment:{deployment}"],
                )
            ]
        )
    )


async def test_each_group_of_a_metric_monitor_has_a_state_that_survives_a_restart(start_server: Any) -> None:
    server = await asyncio.to_thread(start_server, **FAST)
    metric = "kubernetes_state.deployment.replicas_available"
    query = f"avg(last_1h):avg:{metric}{{kube_namespace:sock-shop}} by {{kube_deployment}} < 1"
    with server.client() as client:
        api = MonitorsApi(client)
        body = Monitor(type=MonitorType.QUERY_ALERT, query=query, name="replicas", message="")
        made = await asyncio.to_thread(api.create_monitor, body)
        assert made.multi is True
        await asyncio.to_thread(_send_replicas, client, "payment", 0.0)
        await asyncio.to_thread(_send_replicas, client, "orders", 1.0)

        def groups() -> dict[str, str]:
            found = api.get_monitor(monitor_id=made.id, group_states="all")
            return {name: str(group.status) for name, group in found.state.groups.items()}

        expected = {"kube_deployment:payment": "Alert", "kube_deployment:orders": "OK"}
        await _until(lambda: groups() == expected)
        found = await asyncio.to_thread(api.search_monitor_groups, query="status:alert kube_deployment:pay*")
        assert [(one.group, one.monitor_id) for one in found.groups] == [("kube_deployment:payment", made.id)]
        before = await asyncio.to_thread(server.ask, "GET", f"/_oddsock/monitors/{made.id}/history")
    await asyncio.to_thread(server.kill)
    again = await asyncio.to_thread(start_server, root=server.root, **FAST)
    with again.client() as client:
        api = MonitorsApi(client)
        assert await asyncio.to_thread(groups) == expected
        after = await asyncio.to_thread(again.ask, "GET", f"/_oddsock/monitors/{made.id}/history")
        assert after["history"] == before["history"]
        shown = await asyncio.to_thread(again.ask, "GET", f"/api/v1/monitor/{made.id}")
        assert shown["oddsock"] == {"speed": 100.0, "window_wall_s": 36.0, "interval_wall_s": 0.5}


async def test_a_service_check_monitor_fires_for_the_tags_of_its_check(start_server: Any) -> None:
    server = await asyncio.to_thread(start_server, speed=10.0)
    with server.client() as client:
        api = MonitorsApi(client)
        body = Monitor(
            type=MonitorType.SERVICE_CHECK,
            query='"payment.can_connect".over("kube_namespace:sock-shop").by("service").last(3).count_by_status()',
            name="payment answers",
            message="{{#is_alert}}down{{/is_alert}}{{#is_recovery}}up{{/is_recovery}}: {{service.name}}",
            options=MonitorOptions(thresholds=MonitorThresholds(critical=2.0, ok=1.0)),
        )
        made = await asyncio.to_thread(api.create_monitor, body)

        def report(status: ServiceCheckStatus) -> None:
            check = ServiceCheck(
                check="payment.can_connect",
                host_name="sockshop-worker",
                status=status,
                tags=["kube_namespace:sock-shop", "service:payment"],
                message="Connection refused",
            )
            ServiceChecksApi(client).submit_service_check(body=ServiceChecks([check]))

        def state() -> str:
            return str(api.get_monitor(monitor_id=made.id, group_states="all").overall_state)

        await asyncio.to_thread(report, ServiceCheckStatus.OK)
        await _until(lambda: state() == "OK")
        for _ in range(2):
            await asyncio.to_thread(report, ServiceCheckStatus.CRITICAL)
        await _until(lambda: state() == "Alert")
        found = await asyncio.to_thread(
            EventsApi(client).list_events, _now_s() - 300, _now_s() + 1, tags=f"monitor_id:{made.id}"
        )
        assert found["events"][0]["text"] == "down: payment\n\nConnection refused"


def test_a_muted_monitor_says_so_and_is_found_as_muted(server: Any) -> None:
    initialize(api_key=server.api_key, app_key=server.app_key, api_host=server.url, mute=False)
    with server.client() as client:
        made = MonitorsApi(client).create_monitor(body=_log_alert("muted"))
        muted = DogMonitor.mute(made.id, end=4_000_000_000)
        assert muted["options"]["silenced"] == {"*": 4_000_000_000}
        found = MonitorsApi(client).search_monitors(query="muted:true tag:test:muted")
        assert [one.id for one in found.monitors] == [made.id]
        assert DogMonitor.unmute(made.id)["options"]["silenced"] == {}


def test_dogshell_shows_every_monitor(server: Any) -> None:
    with server.client() as client:
        made = MonitorsApi(client).create_monitor(
            body=Monitor(type=MonitorType.QUERY_ALERT, query="avg(last_5m):avg:system.load.1{*} > 100")
        )
    keys = ["--api-key", server.api_key, "--application-key", server.app_key, "--api_host", server.url]
    dog = [sys.executable, "-c", "from datadog.dogshell import main; main()", *keys]
    shown = subprocess.run([*dog, "monitor", "show_all"], capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stderr
    assert str(made.id) in shown.stdout


class _Inbox:
    """The mails that somebody got."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


async def test_an_alert_is_mailed_to_whom_the_settings_name(start_server: Any) -> None:
    inbox, loop = _Inbox(), asyncio.get_running_loop()
    mailbox = await loop.create_server(lambda: SMTP(inbox, hostname="test", loop=loop), "127.0.0.1", 0)
    address = f"smtp://127.0.0.1:{mailbox.sockets[0].getsockname()[1]}"
    server = await asyncio.to_thread(start_server, **FAST, mail_server=address, mail_to=["oncall@example.invalid"])
    with server.client() as client:
        body = Monitor(
            name="scalings",
            type=MonitorType.EVENT_V2_ALERT,
            query='events("scaled").last("5m") > 0',
            message="Look. @mail",
        )
        made = await asyncio.to_thread(MonitorsApi(client).create_monitor, body)
        await asyncio.to_thread(server.ask, "POST", "/api/v1/events", b'{"title": "payment was scaled"}')
        await _until(lambda: inbox.mails)
        mail = inbox.mails[0]
        assert (mail["Subject"], mail["To"]) == ("[Triggered] scalings", "oncall@example.invalid")
        assert mail.get_content().strip() == "Look. @mail"
        history = await asyncio.to_thread(server.ask, "GET", f"/_oddsock/monitors/{made.id}/history")
        fired = next(row for row in history["history"] if row["to"] == "Alert")
        assert mail["Message-ID"] == f"<{fired['event_id']}.monitor@oddsock.localhost>"
    mailbox.close()
    await mailbox.wait_closed()


def test_a_webhook_is_made_changed_and_taken_away_by_the_official_client(start_server: Any) -> None:
    server = start_server(webhooks={"fixed": "http://127.0.0.1:9/fixed"})
    with server.client() as client:
        api = WebhooksIntegrationApi(client)
        made = api.create_webhooks_integration(body=WebhooksIntegration(name="oncall", url="http://127.0.0.1:9/a"))
        assert (made.name, made.url) == ("oncall", "http://127.0.0.1:9/a")
        changed = api.update_webhooks_integration(
            webhook_name="oncall", body=WebhooksIntegrationUpdateRequest(url="http://127.0.0.1:9/b")
        )
        assert changed.url == api.get_webhooks_integration(webhook_name="oncall").url == "http://127.0.0.1:9/b"
        with pytest.raises(Exception, match="not followed here"):
            api.create_webhooks_integration(body=WebhooksIntegration(name="x", url="http://a/", payload="{}"))
        with pytest.raises(Exception, match="url must be an address"):
            api.create_webhooks_integration(body=WebhooksIntegration(name="x", url="file:///etc/passwd"))
        with pytest.raises(Exception, match="server's settings"):
            api.delete_webhooks_integration(webhook_name="fixed")
        api.delete_webhooks_integration(webhook_name="oncall")
        with pytest.raises(Exception, match="404"):
            api.get_webhooks_integration(webhook_name="oncall")
