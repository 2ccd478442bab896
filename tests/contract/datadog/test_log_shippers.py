"""Logs sent and read by others than the official Python client: datadogpy, the official Node client, syslog-ng."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from datadog import initialize
from datadog.api.logs import Logs
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter
from tests import npm

from oddsock.kit.clock import SystemClock, sleep_blocking

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server

NODE_PACKAGE = "@datadog/datadog-api-client@1.64.0"
NODE_S_MAX = 60
SHIPPED_S_MAX = 45.0
POLL_S = 0.1

NODE_PROGRAM = """
const { client, v2 } = require("@datadog/datadog-api-client");
const [url, mark] = process.argv.slice(2);
const configuration = client.createConfiguration({
  baseServer: new client.BaseServerConfiguration(url, {}),
  authMethods: { apiKeyAuth: process.env.KEY, appKeyAuth: process.env.APP },
});
const logs = new v2.LogsApi(configuration);
const filter = { query: mark, from: "now-1h", to: "now+1h" };
(async () => {
  const body = [...Array(7).keys()].map((n) => ({ message: `from node ${n}`, ddtags: mark, service: "node" }));
  await logs.submitLog({ body, contentEncoding: "gzip" });
  const seen = [];
  for await (const log of logs.listLogsWithPagination({ body: { filter, page: { limit: 3 }, sort: "timestamp" } }))
    seen.push(log.attributes.message);
  const counted = await logs.aggregateLogs({ body: { filter, compute: [{ aggregation: "count" }] } });
  let refused = 0;
  try { await logs.listLogs({ body: { filter: { query: "(a" } } }); } catch (error) { refused = error.code; }
  console.log(JSON.stringify({ seen, count: counted.data.buckets[0].computes.c0, refused }));
})();
"""

SYSLOG_NG = """@version: {version}
source lines {{ file("{lines}" follow-freq(0.1) flags(no-parse) read-old-records(yes)); }};
destination telemetry {{
  http(
    url("{url}/api/v2/logs")
    method("POST")
    headers("DD-API-KEY: {key}", "Content-Type: application/json")
    body-prefix("[") delimiter(",") body-suffix("]")
    batch-lines(100) batch-timeout(500) workers(1)
    body('$(format-json message=$MESSAGE service=sock-shop-orders ddsource=syslog-ng ddtags={mark} hostname=$HOST
      timestamp=$R_ISODATE)')
  );
}};
log {{ source(lines); destination(telemetry); }};
"""


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path:
    """The folder of the official Node client, installed once into pytest's cache."""
    return npm.fetch(request.config, NODE_PACKAGE)


@pytest.mark.timeout(240)
def test_the_official_node_client_sends_pages_and_counts(server: "Server", node_modules: Path, tmp_path: Path) -> None:
    program = tmp_path / "logs.cjs"
    program.write_text(NODE_PROGRAM)
    environment = {**os.environ, "NODE_PATH": str(node_modules), "KEY": server.api_key, "APP": server.app_key}
    command = ["node", str(program), server.url, f"run:{uuid.uuid4().hex}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=NODE_S_MAX, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert sorted(answer["seen"]) == [f"from node {n}" for n in range(7)]
    assert (answer["count"], answer["refused"]) == (7, 400)


def test_datadogpy_lists_logs(server: "Server") -> None:
    mark, now = f"run:{uuid.uuid4().hex}", datetime.now(UTC)
    server.ask("POST", "/api/v2/logs", json.dumps({"message": "seen by datadogpy", "ddtags": mark}).encode())
    initialize(api_key=server.api_key, app_key=server.app_key, api_host=server.url, mute=False)
    time = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    found = Logs.list({"query": mark, "time": time, "sort": "asc", "limit": 5})
    assert [log["content"]["message"] for log in found["logs"]] == ["seen by datadogpy"]
    assert (found["status"], found["nextLogId"]) == ("done", None)


@pytest.fixture
def shipped(server: "Server", tmp_path: Path) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """The tag of the 250 lines of a file that syslog-ng ships to *server* while the test runs, and the shipper."""
    if shutil.which("syslog-ng", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        pytest.skip("syslog-ng is not installed (Debian: syslog-ng-core, syslog-ng-mod-http)")
    program = shutil.which("syslog-ng", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=NODE_S_MAX, check=True).stdout
    version = re.findall(r"\d+\.\d+", told)[0]
    mark, lines = f"run:{uuid.uuid4().hex}", tmp_path / "orders.log"
    lines.write_text("".join(f'line {n} says "order" and a \\ in C:\\orders\n' for n in range(250)))
    settings = SYSLOG_NG.format(version=version, lines=lines, url=server.url, key=server.api_key, mark=mark)
    (tmp_path / "syslog-ng.conf").write_text(settings)
    files = {"--cfgfile": "syslog-ng.conf", "--persist-file": "persist", "--pidfile": "pid", "--control": "control"}
    options = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    with (tmp_path / "syslog-ng.log").open("wb") as out:
        process = subprocess.Popen(
            [program, "--foreground", "--no-caps", "--stderr", *options], stdout=out, stderr=out, cwd=tmp_path
        )
        try:
            yield mark, process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def test_syslog_ng_brings_every_line_of_a_file_once(
    server: "Server", shipped: "tuple[str, subprocess.Popen[bytes]]", tmp_path: Path
) -> None:
    mark, shipper = shipped
    page = LogsListRequestPage(limit=1000)
    filter_ = LogsQueryFilter(query=f"{mark} service:sock-shop-orders source:syslog-ng", _from="now-1h", to="now+1h")
    clock = SystemClock()
    end = clock.monotonic() + SHIPPED_S_MAX
    found: list[Any] = []
    with server.client() as client:
        while len(found) < 250 and clock.monotonic() < end and shipper.poll() is None:
            sleep_blocking(POLL_S)
            found = LogsApi(client).list_logs(body=LogsListRequest(filter=filter_, page=page)).data
    wanted = {f'line {n} says "order" and a \\ in C:\\orders' for n in range(250)}
    assert {log.attributes.message for log in found} == wanted, (tmp_path / "syslog-ng.log").read_text()
    assert len(found) == 250
