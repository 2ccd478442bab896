"""What a service counts at GET /metrics: Prometheus text, exposition format 0.0.4."""

import re
from collections.abc import Iterator

import msgspec

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value: its *name*, its labels, the number."""

    name: str
    labels: dict[str, str]
    value: float


def read_samples(text: str) -> Iterator[Sample]:
    """Every sample of *text*; a line that is none is left out.

    >>> [(one.name, one.labels, one.value) for one in read_samples('# HELP x\\nx{path="/orders"} 2\\n')]
    [('x', {'path': '/orders'}, 2.0)]
    """
    for line in text.splitlines():
        if found := _SAMPLE.fullmatch(line.strip()):
            try:
                value = float(found[3])
            except ValueError:
                continue
            yield Sample(name=found[1], labels=dict(_LABEL.findall(found[2] or "")), value=value)
