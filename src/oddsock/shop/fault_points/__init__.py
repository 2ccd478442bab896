"""Fault points: named places inside a transaction where a drill may stop, hang, delay or drop; nothing unless armed."""


async def reach(name: str, **facts: object) -> None:
    """Say that the place *name* is reached, with what a fault may be chosen by; returns at once while none is armed."""
