"""Lines out of CRI log files."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.cluster.api.paths import target
from oddsock.cluster.api.pod_logs import LogOptions, tail_offset, written
from oddsock.cluster.api.service_proxy import service_and_port
from oddsock.cluster.status import NotFound
from oddsock.kit.clock import instant


@pytest.mark.parametrize("wanted", [0, 1, 3, 10, 20000, 50000])
def test_the_tail_begins_at_a_line_however_long_the_file(wanted: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    lines = [f"line {number} {'x' * (number % 40)}\n".encode() for number in range(20000)]
    path.write_bytes(b"".join(lines))
    assert path.read_bytes()[tail_offset(path, wanted) :] == b"".join(
        lines[len(lines) - wanted if wanted < 20000 else 0 :]
    )


@given(st.lists(st.integers(0, 70000), max_size=6), st.integers(0, 8))
def test_the_tail_is_right_across_blocks(lengths: list[int], wanted: int) -> None:
    with tempfile.NamedTemporaryFile() as file:
        lines = [b"x" * length + b"\n" for length in lengths]
        file.write(b"".join(lines))
        file.flush()
        start = tail_offset(Path(file.name), wanted)
        assert start == sum(len(line) for line in lines[: max(0, len(lines) - wanted)])


def test_parts_of_a_line_are_joined_and_instants_shown_when_asked() -> None:
    part, end = b"2025-10-30T08:24:00.000000001Z stderr P abc\n", b"2025-10-30T08:24:00.000000002Z stderr F d e\n"
    assert written(part, LogOptions()) + written(end, LogOptions()) == b"abcd e\n"
    assert written(end, LogOptions(with_timestamps=True)) == b"2025-10-30T08:24:00.000000002Z d e\n"


def test_old_and_unreadable_lines_are_left_out() -> None:
    since = LogOptions(since=instant("2025-10-30T08:24:00Z"))
    assert written(b"2025-10-30T08:23:59.999999999Z stdout F old\n", since) == b""
    assert written(b"2025-10-30T08:24:00.000000000Z stdout F new\n", since) == b"new\n"
    assert written(b"no log line\n", LogOptions()) == b""
    assert written(b"2025-10-30T08:24:00.000000000Z stdout F \n", LogOptions()) == b"\n"


def test_paths_name_kind_place_object_and_part() -> None:
    proxied = target("/api/v1/namespaces/sock-shop/services/payment:80/proxy/charges/1")
    assert (proxied.name, proxied.subresource, proxied.rest) == ("payment:80", "proxy", "charges/1")
    scale = target("/apis/apps/v1/namespaces/sock-shop/deployments/payment/scale")
    assert (scale.kind.name, scale.namespace, scale.subresource) == ("Deployment", "sock-shop", "scale")
    space = target("/api/v1/namespaces/sock-shop")
    assert (space.kind.name, space.name, space.namespace) == ("Namespace", "sock-shop", "")
    assert target("/api/v1/namespaces/sock-shop/status").subresource == "status"


@pytest.mark.parametrize(
    "path", ["/api/v2/pods", "/apis/apps/v1/unicorns", "/nothing", "/apis/apps", "/api/v1/namespaces/n/nodes"]
)
def test_paths_of_nothing_are_not_found(path: str) -> None:
    with pytest.raises(NotFound, match="could not find the requested resource"):
        target(path)


@pytest.mark.parametrize(
    ("text", "pair"), [("payment", ("payment", "")), ("payment:http", ("payment", "http")), ("http:p:80", ("p", "80"))]
)
def test_a_proxied_service_may_name_its_port(text: str, pair: tuple[str, str]) -> None:
    assert service_and_port(text) == pair
