"""A small curl for pods of machines that have none: the flags people type, and curl's own words and exit codes.

It knows Service names (ODDSOCK_HOSTS). https://curl.se/docs/manpage.html
"""

import argparse
import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp
from yarl import URL

from oddsock.kit.http import session

USAGE, URL_MALFORMED, NOT_RESOLVED, NOT_CONNECTED, HTTP_ERROR, TIMED_OUT, RECEIVE_ERROR = 2, 3, 6, 7, 22, 28, 56
TIMEOUT_S = 300.0
"""Wall seconds one transfer may take unless --max-time says otherwise."""
BLOCK_BYTES = 65536
_FORM = "application/x-www-form-urlencoded"


class Failed(Exception):
    """A transfer that did not succeed: curl's exit code and sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def arguments() -> argparse.ArgumentParser:
    """The flags, spelt as curl's."""
    parser = argparse.ArgumentParser(prog="curl", description="A small curl; the machine has none of its own.")
    parser.add_argument("urls", nargs="+", metavar="url")
    flags = ("silent", "show-error", "verbose", "include", "head", "fail", "location", "insecure")
    for letter, name in zip("sSviIfLk", flags, strict=True):
        parser.add_argument(f"-{letter}", f"--{name}", action="store_true")
    parser.add_argument("-X", "--request", default="")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data", "--data-raw", action="append", default=[])
    parser.add_argument("-u", "--user", default="")
    parser.add_argument("-o", "--output", default="")
    parser.add_argument("-w", "--write-out", default="")
    parser.add_argument("-m", "--max-time", type=float, default=TIMEOUT_S)
    parser.add_argument("--connect-timeout", type=float)
    return parser


async def transfer(asked: argparse.Namespace, text: str) -> None:
    """Fetch one URL and write what is asked for; Failed as curl fails."""
    url = URL(text if "://" in text else f"http://{text}")
    if not url.host or url.scheme not in {"http", "https"}:
        raise Failed(URL_MALFORMED, f"URL rejected: {text} is no HTTP address")
    body = "&".join(_data(part) for part in asked.data).encode() if asked.data else None
    method = asked.request or ("HEAD" if asked.head else "POST" if body is not None else "GET")
    headers = {"User-Agent": "curl/8.0-oddsock", "Accept": "*/*", **({"Content-Type": _FORM} if body else {})}
    for line in asked.header:
        name, _, value = line.partition(":")
        headers = {key: kept for key, kept in headers.items() if key.lower() != name.strip().lower()}
        headers |= {name.strip(): value.strip()} if value.strip() else {}
    user, _, password = asked.user.partition(":")
    auth = aiohttp.BasicAuth(user, password) if user else None
    try:
        async with (
            session(asked.max_time) as client,
            client.request(
                method,
                url,
                headers=headers,
                data=body,
                auth=auth,
                allow_redirects=asked.location,
                ssl=not asked.insecure,
                timeout=aiohttp.ClientTimeout(asked.max_time, sock_connect=asked.connect_timeout),
            ) as answered,
        ):
            await _write(asked, method, answered)
    except aiohttp.ClientConnectorDNSError as cause:
        raise Failed(NOT_RESOLVED, f"Could not resolve host: {url.host}") from cause
    except aiohttp.ClientConnectorError as cause:
        raise Failed(
            NOT_CONNECTED, f"Failed to connect to {url.host} port {url.port}: {os.strerror(cause.errno or 0)}"
        ) from cause
    except TimeoutError as cause:
        raise Failed(TIMED_OUT, f"Operation timed out after {asked.max_time:g} seconds") from cause
    except aiohttp.ClientError as cause:
        raise Failed(RECEIVE_ERROR, f"Recv failure: {cause}") from cause


async def _write(asked: argparse.Namespace, method: str, answered: aiohttp.ClientResponse) -> None:
    version = answered.version or aiohttp.HttpVersion11
    status = f"HTTP/{version.major}.{version.minor} {answered.status} {answered.reason}"
    head = [f"{name}: {value}" for name, value in answered.headers.items()]
    if asked.verbose:
        sent = [f"{method} {answered.url.raw_path_qs} HTTP/1.1"]
        sent += [f"{name}: {value}" for name, value in answered.request_info.headers.items()]
        sys.stderr.write("".join(f"> {line}\n" for line in [*sent, ""]))
        sys.stderr.write("".join(f"< {line}\n" for line in [status, *head, ""]))
    if asked.fail and answered.status >= 400:
        raise Failed(HTTP_ERROR, f"The requested URL returned error: {answered.status}")
    size = 0
    with Path(asked.output).open("wb") if asked.output else os.fdopen(os.dup(1), "wb") as out:
        if asked.include or asked.head:
            out.write("".join(f"{line}\r\n" for line in [status, *head, ""]).encode())
        async for block in answered.content.iter_chunked(BLOCK_BYTES):
            size += len(block)
            out.write(block)
        if asked.write_out and not asked.output:
            out.write(_written_out(asked.write_out, answered, size).encode())
    if asked.write_out and asked.output:
        sys.stdout.write(_written_out(asked.write_out, answered, size))
        sys.stdout.flush()


def _written_out(template: str, answered: aiohttp.ClientResponse, size: int) -> str:
    known = {
        "http_code": f"{answered.status:03}",
        "response_code": f"{answered.status:03}",
        "size_download": str(size),
        "content_type": answered.headers.get("Content-Type", ""),
        "url_effective": str(answered.url),
    }
    text = template.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    return re.sub(r"%\{(\w+)\}", lambda found: known.get(found[1], ""), text)


def _data(part: str) -> str:
    if not part.startswith("@"):
        return part
    text = sys.stdin.read() if part == "@-" else Path(part[1:]).read_text()
    return text.replace("\n", "").replace("\r", "")


def main(words: list[str]) -> int:
    """Fetch every URL in *words*; the exit code of the last that failed, 0 when none did."""
    asked, code = arguments().parse_args(words), 0
    for url in asked.urls:
        try:
            asyncio.run(transfer(asked, url))
        except (Failed, OSError, ValueError) as cause:
            code = cause.code if isinstance(cause, Failed) else USAGE
            if asked.show_error or not asked.silent:
                sys.stderr.write(f"curl: ({code}) {cause}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
