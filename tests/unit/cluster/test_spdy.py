"""SPDY frames are read however the bytes are cut, and what is no SPDY ends the session."""

import struct
import zlib

import pytest

from oddsock.cluster.api.spdy import FRAME_BYTES_MAX, BadFrame, Frame, Reader, Type, Writer, dictionary


def test_the_dictionary_is_the_one_that_every_end_has() -> None:
    assert (len(dictionary()), zlib.adler32(dictionary())) == (1423, 0xE3C6A7C2)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_frames_are_read_however_the_bytes_are_cut(size: int) -> None:
    writer, reader = Writer(), Reader()
    sent = writer.open(1, {"streamtype": "error", "port": "80", "requestid": "0"})
    sent += writer.open(3, {"streamtype": "data", "port": "80", "requestid": "0"})
    sent += writer.data(3, b"hello") + writer.data(3, b"", is_final=True) + writer.ping(b"\0\0\0\1")
    sent += writer.reply(5, {"a": "b"}) + writer.reset(3)
    frames = [frame for start in range(0, len(sent), size) for frame in reader.feed(sent[start : start + size])]
    assert frames == [
        Frame(Type.OPEN, 1, headers={"streamtype": "error", "port": "80", "requestid": "0"}),
        Frame(Type.OPEN, 3, headers={"streamtype": "data", "port": "80", "requestid": "0"}),
        Frame(Type.DATA, 3, b"hello"),
        Frame(Type.DATA, 3, b"", is_final=True),
        Frame(Type.PING, 0, b"\0\0\0\1"),
        Frame(Type.REPLY, 5, headers={"a": "b"}),
        Frame(Type.RESET, 3),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">II", 1, FRAME_BYTES_MAX + 1),
        struct.pack(">HHI", 0x8002, 1, 0),
        struct.pack(">HHI", 0x8003, 1, 14) + bytes(14),
        struct.pack(">HHI", 0x8003, 2, 4) + bytes(4),
    ],
)
def test_what_is_no_spdy_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Reader().feed(raw))


def test_settings_and_windows_are_passed_over() -> None:
    raw = struct.pack(">HHI", 0x8003, Type.SETTINGS, 4) + bytes(4)
    raw += struct.pack(">HHI", 0x8003, Type.WINDOW, 8) + bytes(8)
    assert list(Reader().feed(raw)) == []
