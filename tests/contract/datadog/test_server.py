"""The server as a process: who may ask, what it lacks, how it begins and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from datadog_api_client import ApiClient
from datadog_api_client.exceptions import ForbiddenException, NotFoundException
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v2.api.users_api import UsersApi

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server

START_S_MAX = 60


def test_the_official_client_finds_its_key_valid(server: "Server") -> None:
    with server.client() as client:
        assert AuthenticationApi(client).validate().valid is True


def test_a_wrong_key_is_forbidden_as_datadog_says_it(server: "Server") -> None:
    configuration = server.configuration()
    configuration.api_key["apiKeyAuth"] = "another key"
    with ApiClient(configuration) as client, pytest.raises(ForbiddenException) as refused:
        AuthenticationApi(client).validate()
    assert refused.value.body["errors"] == ["Forbidden"]


def test_a_request_without_a_key_is_unauthorised_but_health_needs_none(server: "Server") -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{server.url}/api/v1/validate", timeout=START_S_MAX)
    assert refused.value.code == 401
    assert json.loads(refused.value.read()) == {"errors": ["Unauthorized"]}
    with urlopen(f"{server.url}/_oddsock/health", timeout=START_S_MAX) as answer:
        assert json.loads(answer.read()) == {"status": "ok"}


def test_a_key_in_the_address_is_taken_as_old_clients_send_it(server: "Server") -> None:
    with urlopen(f"{server.url}/api/v1/validate?api_key={server.api_key}", timeout=START_S_MAX) as answer:
        assert json.loads(answer.read()) == {"valid": True}


def test_a_call_that_is_not_answered_is_named_and_listed(server: "Server") -> None:
    with server.client() as client, pytest.raises(NotFoundException) as refused:
        UsersApi(client).list_users()
    assert refused.value.body["errors"][0] == "Not found"
    assert "GET /api/v2/users" in refused.value.body["errors"][1]
    listed = server.ask("GET", "/_oddsock/unhandled")["unhandled"]
    assert [row["count"] for row in listed if (row["method"], row["path"]) == ("GET", "/api/v2/users")] == [1]


def test_a_strange_host_is_refused_in_the_shape_of_datadog(server: "Server") -> None:
    with pytest.raises(HTTPError) as refused:
        server.ask("GET", "/api/v1/validate", headers={"Host": "evil.example"})
    assert refused.value.code == 421
    assert json.loads(refused.value.read())["errors"] == ["This server does not answer for evil.example."]


def test_the_server_ends_in_order_on_sigterm_and_gives_its_folder_back(start_server: "Callable[..., Server]") -> None:
    assert start_server().stop() == 0
    assert start_server().stop() == 0


def test_two_servers_never_share_a_folder(start_server: "Callable[..., Server]", tmp_path: Path) -> None:
    first = start_server()
    settings = json.loads((first.root / "telemetry.json").read_text())
    del settings["ready_fd"]
    (tmp_path / "second.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "oddsock.telemetry.server", str(tmp_path / "second.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=START_S_MAX, check=False)
    assert ended.returncode == 3
    assert "Another telemetry server keeps its files" in json.loads(ended.stderr.splitlines()[-1])["message"]


def test_settings_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text('{"rot": "/tmp"}')
    command = [sys.executable, "-m", "oddsock.telemetry.server", str(tmp_path / "wrong.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=START_S_MAX, check=False)
    assert ended.returncode == 2
    assert "rot" in json.loads(ended.stderr.splitlines()[-1])["message"]


def test_the_server_ends_with_its_lifeline(tmp_path: Path) -> None:
    follow, lifeline = os.pipe()
    ready, tell = os.pipe()
    settings = {"root": str(tmp_path / "data"), "api_key": "a", "app_key": "b", "ready_fd": tell}
    (tmp_path / "telemetry.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [sys.executable, "-m", "oddsock.telemetry.server", str(tmp_path / "telemetry.json")],
        env={**os.environ, processes.LIFELINE: str(follow)},
        pass_fds=[follow, tell],
        stderr=subprocess.DEVNULL,
        preexec_fn=processes.die_with_parent,
    )
    os.close(follow)
    os.close(tell)
    with os.fdopen(ready) as told:
        assert told.readline().startswith("http://127.0.0.1:")
    os.close(lifeline)
    try:
        assert process.wait(START_S_MAX) == 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait(START_S_MAX)


def test_one_request_too_many_is_told_when_to_come_again(start_server: "Callable[..., Server]") -> None:
    server = start_server(requests_at_once_max=1)
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as slow:
        keys = f"DD-API-KEY: {server.api_key}\r\nContent-Type: application/json\r\n"
        slow.sendall(f"POST /api/v2/logs HTTP/1.1\r\nHost: {host}\r\n{keys}Content-Length: 2\r\n\r\n[".encode())
        clock = SystemClock()
        end, refused = clock.monotonic() + START_S_MAX, None
        while refused is None and clock.monotonic() < end:
            try:
                server.ask("GET", "/api/v1/validate")
            except HTTPError as error:
                refused = error
        assert refused is not None
        assert (refused.code, refused.headers["Retry-After"]) == (429, "1")
        assert "send this one again" in json.loads(refused.read())["errors"][0]
        assert json.loads(urlopen(f"{server.url}/_oddsock/health", timeout=START_S_MAX).read()) == {"status": "ok"}
        slow.sendall(b"]")
        assert slow.recv(100).startswith(b"HTTP/1.1 202")
    assert server.ask("GET", "/api/v1/validate") == {"valid": True}
