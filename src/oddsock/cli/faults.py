"""`oddsock faults`: what a plan can break, what each fault needs, and the named points inside our services."""

from typing import Any

from oddsock.cli.options import Json

EXAMPLES = """Examples:

\b
  oddsock faults                 faults, and the points a fault-point can name
  oddsock faults --json
"""


def command(json: Json = False) -> None:
    """List the faults a plan can name, and the fault points inside the services of our shop."""
    from oddsock.cli import screen

    faults, points = _faults(), _points()
    if json:
        screen.say_json({"faults": faults, "points": points})
        return
    for rows in (faults, points):
        screen.say_table(list(rows[0]), [list(row.values()) for row in rows])
        screen.say()


def _faults() -> list[dict[str, Any]]:
    from oddsock.drill.faults.catalog import FAULTS
    from oddsock.drill.faults.fault_object import ObjectFault

    return [
        {
            "fault": name,
            "does": (fault.__doc__ or "").strip().partition("\n")[0],
            "needs": "a cluster of `oddsock up`" if issubclass(fault, ObjectFault) else "any cluster",
        }
        for name, fault in sorted(FAULTS.items())
    ]


def _points() -> list[dict[str, Any]]:
    from oddsock.shop.fault_points.points import POINTS

    return [
        {"point": point.name, "in": ", ".join(point.services), "how things stand": point.stands} for point in POINTS
    ]
