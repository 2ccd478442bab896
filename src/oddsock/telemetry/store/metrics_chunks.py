"""How points lie on disk: a journal of what was just written, and chunks, one series' points of a while in one blob.

A head holds a series' points that are in the journal still, in order of time; packing turns a head into a chunk.
Instants are whole seconds since 1970. Blobs are little-endian: a chunk is zlib of differences of instants (int64) and
values (float64); a journal entry is series ids, instants and values, one array after the other.
"""

import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate, pairwise

SHARED_MAX = 512
Points = tuple["array[int]", "array[float]"]
"""Instants and values, of one length, in order of time, each instant once; never changed, for instants are shared."""


class Head:
    """The unpacked points of one series."""

    __slots__ = ("at", "values")

    def __init__(self) -> None:
        self.at: array[int] = array("q")
        self.values: array[float] = array("d")

    def put(self, at_s: int, value: float) -> None:
        """Take a point in, in the place of an older one of the same instant."""
        if not self.at or at_s > self.at[-1]:
            self.at.append(at_s)
            self.values.append(value)
            return
        place = bisect_left(self.at, at_s)
        if self.at[place] == at_s:
            self.values[place] = value
        else:
            self.at.insert(place, at_s)
            self.values.insert(place, value)

    def between(self, from_s: int, to_s: int) -> Points:
        """A copy of the points from *from_s* to *to_s*, both included."""
        low, high = bisect_left(self.at, from_s), bisect_right(self.at, to_s)
        return self.at[low:high], self.values[low:high]


def pack_chunk(points: Points) -> bytes:
    """The blob of one chunk; every 15 s is a run of equal differences, which zlib makes vanish."""
    at, values = points
    return zlib.compress(_steps(_bytes(at)) + _bytes(values), 1)


def unpack_chunk(blob: bytes) -> Points:
    """What `pack_chunk` was given."""
    raw = zlib.decompress(blob)
    half = len(raw) // 2
    return _accumulated(raw[:half]), _values(raw[half:])


# Series of one sender have their points at the same instants, so both ways are computed once for many series.
@lru_cache(SHARED_MAX)
def _steps(instants: bytes) -> bytes:
    at = _instants(instants)
    return _bytes(array("q", [at[0], *(b - a for a, b in pairwise(at))]))


@lru_cache(SHARED_MAX)
def _accumulated(steps: bytes) -> "array[int]":
    return array("q", accumulate(_instants(steps)))


def pack_entry(series: list[int], at: list[int], values: list[float]) -> bytes:
    """The blob of one journal entry: point i is *values*[i] of series *series*[i] at *at*[i]."""
    return _bytes(array("q", series)) + _bytes(array("q", at)) + _bytes(array("d", values))


def unpack_entry(blob: bytes) -> tuple["array[int]", "array[int]", "array[float]"]:
    """What `pack_entry` was given."""
    third = len(blob) // 3
    return _instants(blob[:third]), _instants(blob[third : 2 * third]), _values(blob[2 * third :])


def merge(parts: list[Points]) -> Points:
    """One run of points of several; of two points of one instant the later part's counts."""
    parts = [part for part in parts if part[0]]
    if len(parts) == 1:
        return parts[0]
    at: array[int] = array("q")
    values: array[float] = array("d")
    if all(a[0][-1] < b[0][0] for a, b in pairwise(parts)):
        for part in parts:
            at.extend(part[0])
            values.extend(part[1])
        return at, values
    merged: dict[int, float] = {}
    for part in parts:
        merged.update(zip(*part, strict=True))
    at.extend(sorted(merged))
    values.extend(merged[instant] for instant in at)
    return at, values


def _bytes(numbers: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _instants(blob: bytes) -> "array[int]":
    numbers: array[int] = array("q")
    numbers.frombytes(blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _values(blob: bytes) -> "array[float]":
    numbers: array[float] = array("d")
    numbers.frombytes(blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
