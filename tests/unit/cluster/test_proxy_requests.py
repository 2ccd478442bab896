"""Requests in a stream of bytes: found whatever the cuts, passed on byte for byte."""

import pytest

from oddsock.cluster.proxy_requests import RequestReader

PLAIN = b"GET /health HTTP/1.1\r\nHost: payment\r\n\r\n"
SIZED = b"POST /paymentAuth HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nx!"
CHUNKED = (
    b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\n\r\n\n\r\n0\r\nTrailer: 1\r\n\r\n"
)


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
@pytest.mark.parametrize("requests", [[PLAIN], [SIZED, PLAIN], [CHUNKED, SIZED, CHUNKED, PLAIN, PLAIN]])
def test_every_request_begins_and_ends_once_however_the_bytes_are_cut(requests: list[bytes], step: int) -> None:
    reader, stream = RequestReader(), b"".join(requests)
    pieces = [piece for at in range(0, len(stream), step) for piece in reader.feed(stream[at : at + step])]
    assert b"".join(piece.data for piece in pieces) == stream
    whole, found = b"", []
    for piece in pieces:
        assert piece.begins == (not whole)
        whole += piece.data
        if piece.ends:
            found.append(whole)
            whole = b""
    assert found == requests


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00 not HTTP", b"EHLO shop\r\n", b"A" * 70_000, b"GET / HTTP/2.0\r\n\r\nrest"]
)
def test_what_is_no_http_passes_without_a_request(data: bytes) -> None:
    reader = RequestReader()
    pieces = reader.feed(data) + reader.feed(b"\r\n\r\nmore")
    assert b"".join(piece.data for piece in pieces) == data + b"\r\n\r\nmore"
    assert not any(piece.begins or piece.ends for piece in pieces)


def test_after_an_upgrade_nothing_is_a_request() -> None:
    reader = RequestReader()
    head = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert [piece.begins for piece in reader.feed(head + PLAIN)] == [True, False]


def test_a_request_that_begins_carries_its_order_and_its_own_id() -> None:
    head = b"POST /paymentAuth HTTP/1.1\r\nx-order-id: 5f\r\nX-Request-Id: abc\r\nContent-Length: 1\r\n\r\n"
    (begun, body) = RequestReader().feed(head + b"x")
    assert (begun.order_id, begun.request_id, begun.begins) == ("5f", "abc", True)
    assert (body.order_id, body.begins) == ("", False)
