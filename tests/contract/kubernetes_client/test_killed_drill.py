"""A drill's process that is killed: what it wrote is whole, and the next one puts back what it broke."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.drill.case import Case, list_cases
from oddsock.drill.heal import heal_case, journal_of, unhealed_cases
from oddsock.kit.clock import SystemClock

DRILL = """
import asyncio, sys
from pathlib import Path
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.heal import journal_of
from oddsock.drill.undo import inject
from oddsock.kit.clock import SystemClock

async def main(home, kubeconfig):
    cluster = await Cluster.connect(Path(kubeconfig), None, "sock-shop")
    case = Case.create(Path(home), "killed", cluster=ClusterMeta(server=cluster.server))
    await inject(ScaleToZero(target="payment"), "payment-away", cluster, journal_of(case), SystemClock())
    print("broken", flush=True)
    while True:
        case.history.append("note", "tick", actor="runner", phase="main", value={"text": "x" * 200})

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def settling(world: Any) -> AsyncIterator[None]:
    """Stands for the controllers: payment's status says at once what its spec asks for."""

    async def settle() -> None:
        clock = SystemClock()
        while True:
            found = world.store.get("Deployment", "sock-shop", "payment")
            count, generation = found["spec"]["replicas"], found["metadata"]["generation"]
            if found["status"].get("observedGeneration") != generation:
                status = {"observedGeneration": generation, "readyReplicas": count, "updatedReplicas": count}
                world.store.update_status("Deployment", "sock-shop", "payment", status)
            await clock.sleep(0.02)

    task = asyncio.create_task(settle())
    yield
    task.cancel()


async def _break_and_kill(home: Path, kubeconfig: Path, after_s: float) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DRILL, str(home), str(kubeconfig), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"broken\n"
        await SystemClock().sleep(after_s)
        (case,) = list_cases(home)
        assert case.is_alive() and unhealed_cases(home) == []
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.1])
async def test_a_killed_drill_leaves_whole_lines_and_is_healed_by_the_next(
    cluster: Cluster, world: Any, settling: None, tmp_path: Path, after_s: float
) -> None:
    home = tmp_path / "home"
    await _break_and_kill(home, world.kubeconfig(), after_s)
    assert await cluster.replicas("payment") == 0
    (case,) = unhealed_cases(home)
    ticks = list(case.history)
    raw = case.history.path.read_bytes() if ticks else b""
    assert (len(ticks), raw[-1:]) == (raw.count(b"\n"), b"\n" if ticks else b"")

    (healed,) = await heal_case(case, cluster, SystemClock())
    assert (await cluster.replicas("payment"), healed.result) == (2, "restored")
    assert [entry.n for entry in case.history] == list(range(len(ticks) + 1))
    assert (case.meta.state, journal_of(case).open_entries()) == ("interrupted", [])
    assert await heal_case(Case.open(case.path), cluster, SystemClock()) == []
