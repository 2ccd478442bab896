"""Which cluster a verb means: the stack of that name, or another cluster that was named on the line."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from oddsock.kit.errors import CannotHeal, CannotRun
from oddsock.kit.settings import home

if TYPE_CHECKING:
    from oddsock.clients.kubernetes.cluster import Cluster
    from oddsock.drill.case import Case


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the line says about the cluster; another one only by *kubeconfig* or *context*, never by KUBECONFIG."""

    name: str
    kubeconfig: str
    context: str
    namespace: str

    @property
    def is_other(self) -> bool:
        """Whether the line names another cluster than a stack."""
        return bool(self.kubeconfig or self.context)


async def connect(wanted: Wanted) -> "Cluster":
    """The cluster that *wanted* means, once it has answered; CannotRun when its stack is not up or it does not."""
    from oddsock.clients.kubernetes.cluster import Cluster
    from oddsock.stack.state import require

    if wanted.is_other:
        kubeconfig = Path(wanted.kubeconfig) if wanted.kubeconfig else None
        return await Cluster.connect(kubeconfig, wanted.context or None, wanted.namespace)
    state = require(home(), wanted.name)
    return await Cluster.connect(Path(state.kubeconfig), None, state.namespace)


async def connect_to_case(case: "Case", wanted: Wanted) -> "Cluster":
    """The cluster of *case*: the one on the line, else the stack that still answers where the case says."""
    from oddsock.stack.state import living

    if wanted.is_other:
        return await connect(wanted)
    meta = case.meta
    for state in living(home()):
        if state.server == meta.cluster.server:
            return await connect(replace(wanted, name=state.name))
    if meta.cluster.own or meta.cluster.stack:
        raise CannotRun(
            f"The stack that case {case.name} ran on has ended, with its shop.",
            "Start one that stays (`oddsock up --detach`) and drill on it.",
        )
    raise name_its_cluster(case)


def name_its_cluster(case: "Case") -> CannotHeal:
    """The error for a case whose cluster is none of the stacks and was not named on the line."""
    return CannotHeal(
        f"Case {case.name} broke something on {case.meta.cluster.server}, which is no stack of this machine.",
        f"Name that cluster: oddsock heal {case.name} --context CONTEXT.",
    )
