"""The curl of our own: its flags, its words, its exit codes, and Service names."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from oddsock.cluster.curl import HTTP_ERROR, NOT_CONNECTED, URL_MALFORMED, Failed, arguments, transfer
from oddsock.cluster.environment import PROGRAMS, machine_environment
from oddsock.kit import http


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server that says what it was asked."""

    async def answer(request: web.Request) -> web.Response:
        asked = f"{request.method} {request.path_qs} {await request.text()} {request.headers.get('X-Sock', '')}"
        return web.Response(text=asked, status=404 if request.path == "/nope" else 200, headers={"X-Foot": "left"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = await http.serve(app, "127.0.0.1", 0)
    yield runner.addresses[0][1]
    await runner.cleanup()


async def curl(*words: str) -> None:
    """What `curl WORDS` does."""
    asked = arguments().parse_args(words)
    await transfer(asked, asked.urls[0])


async def test_a_page_goes_to_standard_output(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    await curl("-s", f"http://127.0.0.1:{port}/orders?a=b")
    assert capfd.readouterr().out == "GET /orders?a=b  "


async def test_data_is_posted_with_headers_and_the_head_is_shown(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    await curl("-si", "-d", "left=1", "-d", "right=2", "-H", "X-Sock: blue", f"127.0.0.1:{port}/")
    head, _, body = capfd.readouterr().out.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "X-Foot: left" in head
    assert body == "POST / left=1&right=2 blue"


async def test_a_file_and_a_line_of_ones_own_are_written(
    port: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["-s", "-X", "DELETE", "-o", str(tmp_path / "page"), "-w", "%{http_code} %{size_download}\\n"]
    await curl(*words, f"http://127.0.0.1:{port}/")
    assert ((tmp_path / "page").read_text(), capfd.readouterr().out) == ("DELETE /  ", "200 10\n")


async def test_names_of_services_are_led_to_where_they_listen(
    port: int, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names").write_text(f"payment:80 127.0.0.1:{port} 10.96.100.12\n")
    monkeypatch.setenv("ODDSOCK_HOSTS", str(tmp_path / "names"))
    await curl("-v", "http://payment:80/health")
    told = capfd.readouterr()
    assert told.out == "GET /health  "
    assert "> GET /health HTTP/1.1" in told.err
    assert "> Host: payment" in told.err
    assert "< X-Foot: left" in told.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["-f", "http://127.0.0.1:{port}/nope"], HTTP_ERROR, "returned error: 404"),
        (["http://127.0.0.1:1/"], NOT_CONNECTED, "Failed to connect to 127.0.0.1 port 1: Connection refused"),
        (["ftp://127.0.0.1/"], URL_MALFORMED, "is no HTTP address"),
    ],
)
async def test_what_fails_fails_as_curl_does(words: list[str], code: int, says: str, port: int) -> None:
    with pytest.raises(Failed) as failed:
        await curl(*(word.format(port=port) for word in words))
    assert (failed.value.code, says in str(failed.value)) == (code, True)


def test_our_programs_stand_last_on_the_path_of_a_pod() -> None:
    assert machine_environment({"PATH": "/usr/bin"})["PATH"] == f"/usr/bin:{PROGRAMS}"
    assert (PROGRAMS / "curl").stat().st_mode & 0o111
