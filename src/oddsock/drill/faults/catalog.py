"""The faults a plan can name, by name; adding one is one file and one line here."""

import msgspec

from oddsock.drill.faults.bandwidth import Bandwidth
from oddsock.drill.faults.black_hole import BlackHole
from oddsock.drill.faults.clock_skew import ClockSkew
from oddsock.drill.faults.delete_pods import DeletePods
from oddsock.drill.faults.disk_full import DiskFull
from oddsock.drill.faults.drop_reply import DropReply
from oddsock.drill.faults.fault import Fault
from oddsock.drill.faults.fault_object import ObjectFault
from oddsock.drill.faults.fault_point import FaultPoint
from oddsock.drill.faults.freeze_pods import FreezePods
from oddsock.drill.faults.http_error import HttpError
from oddsock.drill.faults.kill_pods import KillPods
from oddsock.drill.faults.latency import Latency
from oddsock.drill.faults.reset import Reset
from oddsock.drill.faults.scale import Scale
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.faults.set_env import SetEnv
from oddsock.drill.seconds import Seconds

AnyFault = ScaleToZero | Scale | DeletePods | SetEnv | ObjectFault

FAULTS: dict[str, type[AnyFault]] = {
    fault.name: fault
    for fault in (
        ScaleToZero,
        Scale,
        DeletePods,
        SetEnv,
        FreezePods,
        KillPods,
        FaultPoint,
        DiskFull,
        ClockSkew,
        Latency,
        HttpError,
        Reset,
        DropReply,
        BlackHole,
        Bandwidth,
    )
}


def make_fault(name: str, target: str, settings: dict[str, object]) -> Fault:
    """Fault *name* on *target* with a plan's *settings*; KeyError or msgspec.ValidationError when they are wrong."""
    fault: Fault = msgspec.convert({**settings, "target": target}, FAULTS[name], dec_hook=_decode)
    return fault


def lacking_types(names: list[str], types: tuple[str, ...]) -> list[str]:
    """Which of the faults *names* a cluster cannot do whose Fault objects are of *types*."""
    kinds = [(name, FAULTS[name]) for name in dict.fromkeys(names)]
    return [name for name, kind in kinds if issubclass(kind, ObjectFault) and kind.type not in types]


def _decode(kind: type, value: object) -> object:
    if kind is Seconds:
        return Seconds.parse(value)
    raise TypeError(f"a fault has no setting of type {kind.__name__}")
