"""Correlation, Service names and strange hosts, without a socket."""

import socket
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from oddsock.kit import http, ids
from oddsock.kit.http import REQUEST_ID, TRACEPARENT, ServiceResolver


def test_an_onward_call_stays_in_its_trace_and_keeps_its_request_id() -> None:
    incoming = {TRACEPARENT: ids.traceparent(), REQUEST_ID: "r-1"}
    onward = http.correlation(incoming)
    assert ids.trace_id(onward[TRACEPARENT]) == ids.trace_id(incoming[TRACEPARENT])
    assert onward[REQUEST_ID] == "r-1"


def test_a_call_without_correlation_gets_some() -> None:
    onward = http.correlation({})
    assert ids.trace_id(onward[TRACEPARENT])
    assert onward[REQUEST_ID]


async def _pass_on(request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8001", "localhost", "[::1]:80", "payment", "payment.sock-shop.svc:80", "10.96.100.12"]
)
async def test_a_known_host_is_answered(host: str) -> None:
    answer = await http.guard(["payment"])(make_mocked_request("GET", "/", headers={"Host": host}), _pass_on)
    assert answer.status == 200


async def test_a_strange_host_is_misdirected() -> None:
    with pytest.raises(web.HTTPMisdirectedRequest):
        await http.guard()(make_mocked_request("GET", "/", headers={"Host": "evil.example"}), _pass_on)


async def test_a_page_at_a_literal_address_is_refused_all_the_same() -> None:
    headers = {"Host": "10.96.100.12", "Origin": "http://192.0.2.1"}
    with pytest.raises(web.HTTPForbidden):
        await http.guard()(make_mocked_request("GET", "/", headers=headers), _pass_on)


async def test_a_page_of_another_site_is_refused() -> None:
    headers = {"Host": "localhost:1", "Origin": "https://evil.example"}
    with pytest.raises(web.HTTPForbidden):
        await http.guard()(make_mocked_request("GET", "/", headers=headers), _pass_on)


async def test_a_service_name_leads_where_the_file_says_and_follows_its_changes(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    resolver = ServiceResolver(hosts)
    assert resolver.lookup("payment", 80) is None
    hosts.write_text("payment:80 127.0.0.1:31234 10.96.100.12\nbroken line\n")
    assert resolver.lookup("payment", 80) == ("127.0.0.1", 31234)
    assert resolver.lookup("payment.sock-shop.svc.cluster.local", 80) == ("127.0.0.1", 31234)
    assert resolver.lookup("payment", 81) is None
    hosts.write_text("payment:80 127.0.0.1:31999 10.96.100.12\norders:80 127.0.0.1:32000 10.96.100.13\n")
    assert resolver.lookup("payment", 80) == ("127.0.0.1", 31999)
    found = await resolver.resolve("orders", 80)
    assert (found[0]["host"], found[0]["port"], found[0]["family"]) == ("127.0.0.1", 32000, socket.AF_INET)
    await resolver.close()


async def test_other_names_are_left_to_dns() -> None:
    resolver = ServiceResolver(None)
    assert resolver.lookup("payment", 80) is None
    assert {found["host"] for found in await resolver.resolve("127.0.0.1", 80)} == {"127.0.0.1"}
    await resolver.close()
