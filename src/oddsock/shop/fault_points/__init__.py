"""Fault points: named places inside a transaction where a drill may crash, hang, delay or drop; nothing unless armed.

points   the table: name, services, what stands done and undone there
armed    what the cluster armed for this pod, by a file; whose turn it is, and what then happens
"""

import os

from oddsock.kit.settings import FAULTS
from oddsock.shop.fault_points.armed import ArmedPoints, Dropped

__all__ = ["Dropped", "reach"]

_armed: dict[str, ArmedPoints] = {}


async def reach(name: str, **facts: object) -> None:
    """Say that the place *name* is reached, with what a fault may be chosen by; returns at once while none is armed.

    Raises Dropped or NoAnswer where a fault says so; does not return from a crash.
    """
    if not (path := os.environ.get(FAULTS)):
        return
    points = _armed.get(path)
    if points is None:
        points = _armed[path] = ArmedPoints(path, os.environ.get("HOSTNAME", ""))
    if rows := points.at(name):
        await points.meet(rows, facts)
