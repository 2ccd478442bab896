"""How many bytes went through one endpoint, as the proxy counts and everybody adds up."""

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Bytes that went through one endpoint: what clients sent and what they got."""

    received: int = 0
    sent: int = 0
    connections: int = 0
