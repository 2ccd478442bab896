"""The faults a plan can name, by name; adding one is one file and one line here."""

import msgspec

from oddsock.drill.faults.delete_pods import DeletePods
from oddsock.drill.faults.fault import Fault
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.faults.set_env import SetEnv

FAULTS: dict[str, type[ScaleToZero] | type[DeletePods] | type[SetEnv]] = {
    fault.name: fault for fault in (ScaleToZero, DeletePods, SetEnv)
}


def make_fault(name: str, target: str, settings: dict[str, object]) -> Fault:
    """Fault *name* on *target* with a plan's *settings*; KeyError or msgspec.ValidationError when they are wrong."""
    fault: Fault = msgspec.convert({**settings, "target": target}, FAULTS[name])
    return fault
