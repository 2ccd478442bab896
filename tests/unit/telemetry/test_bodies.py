"""Bodies come unpacked within their limit, whatever they were packed with."""

import gzip
import zlib

import pytest
import zstandard

from oddsock.telemetry.api.bodies import decompress
from oddsock.telemetry.api.errors import ApiError

BODY = b'[{"message":"a log"}]' * 50


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": gzip.compress(BODY, mtime=0),
    "deflate": zlib.compress(BODY),
    "zstd": zstandard.compress(BODY),
}


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("identity", BODY),
        ("", BODY),
        *PACKED.items(),
        ("gzip", gzip.compress(BODY[:100], mtime=0) + gzip.compress(BODY[100:], mtime=0)),
        ("deflate", _raw_deflate(BODY)),
        ("zstd1", zstandard.compress(BODY[:100]) + zstandard.compress(BODY[100:])),
        ("gzip", b""),
    ],
)
def test_every_encoding_gives_the_body_back(encoding: str, raw: bytes) -> None:
    assert decompress(raw, encoding) == (BODY if raw else b"")


@pytest.mark.parametrize(("encoding", "packed"), PACKED.items())
def test_the_limit_holds_after_decompression(encoding: str, packed: bytes) -> None:
    assert decompress(packed, encoding, len(BODY)) == BODY
    with pytest.raises(ApiError) as refused:
        decompress(packed, encoding, len(BODY) - 1)
    assert refused.value.status == 413


@pytest.mark.parametrize(("encoding", "packed"), PACKED.items())
def test_a_torn_or_false_body_is_refused(encoding: str, packed: bytes) -> None:
    for raw in (packed[:-5], b"no such thing"):
        with pytest.raises(ApiError) as refused:
            decompress(raw, encoding)
        assert refused.value.status == 400


def test_an_encoding_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ApiError, match="'br' is not taken") as refused:
        decompress(BODY, "br")
    assert refused.value.status == 415
