"""Log files to the store: nothing is lost or told twice over rotation, removal, restarts and a store that is away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Unreachable
from oddsock.telemetry.agent.log_files import LogFiles
from oddsock.telemetry.agent.log_shipping import LogShipping, Tagger
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pods import Pods

UID = "0a1b2c3d-0000-4000-8000-000000000001"
POD = {
    "metadata": {
        "name": "orders-7d9c8b6f5d-x2v4k",
        "namespace": "sock-shop",
        "uid": UID,
        "ownerReferences": [{"kind": "ReplicaSet", "name": "orders-7d9c8b6f5d", "controller": True}],
    },
    "spec": {
        "nodeName": "sockshop-worker",
        "containers": [{"name": "orders", "image": "oddsock/sock-shop-orders:0.4.7"}],
    },
    "status": {"containerStatuses": [{"name": "orders", "containerID": "oddsock://4711"}]},
}
SPRING = "2025-10-30 08:24:46.328  INFO [orders,,,] 7 --- [main] w.w.s.o.Controller : "


@dataclass
class Store:
    """Takes entries as our store does: one of a name and an offset is taken once, later offsets only."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    repeats: int = 0
    last: dict[str, int] = field(default_factory=dict)

    async def send(self, rows: Sequence[Any]) -> None:
        """Take *rows*, or fail as was planned."""
        if self.failures:
            raise self.failures.pop(0)
        for row in rows:
            name, _, offset = row["_oddsock.source_offset"].rpartition(":")
            if int(offset) <= self.last.get(name, -1):
                self.repeats += 1
                continue
            self.last[name] = int(offset)
            self.entries.append(row)

    @property
    def said(self) -> list[str]:
        """What the entries say."""
        return [entry["message"] for entry in self.entries]


class Ground:
    """A folder of logs, an agent's memory, and the store; `agent` begins an agent's life."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.memory_folder = folder / "logs", folder / "agent"
        self.file = self.logs / f"sock-shop_{POD['metadata']['name']}_{UID}" / "orders" / "0.log"  # type: ignore[index]  # a literal of mixed types
        self.file.parent.mkdir(parents=True)
        self.store, self.clock, self.pods = Store(), ManualClock(), Pods()
        self.pods.replace([POD])
        self.memories: list[Memory] = []
        self._second = 0

    def write(self, *texts: str, stream: str = "stdout", tag: str = "F") -> None:
        """Append lines as a container runtime does."""
        with self.file.open("a") as out:
            for text in texts:
                self._second += 1
                out.write(f"2025-10-30T08:{self._second // 60:02d}:{self._second % 60:02d}.5Z {stream} {tag} {text}\n")

    def end(self) -> None:
        """The agent's life is over."""
        while self.memories:
            self.memories.pop().close()

    def agent(self, masks_all: bool = False) -> LogShipping:
        """A new life of the agent; the one before has ended."""
        self.end()
        memory = Memory.open(self.memory_folder)
        self.memories.append(memory)
        tagger = Tagger(self.pods, "sockshop-kind", ("env:test",), masks_all)
        files = LogFiles(self.logs, memory.positions())
        return LogShipping(files, tagger, self.store.send, memory, self.clock, 0.2)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Logs of one pod of orders."""
    made = Ground(tmp_path)
    yield made
    made.end()


async def test_an_entry_has_the_tags_service_source_and_host_of_a_real_agent(ground: Ground) -> None:
    ground.write("hello")
    await ground.agent().drain()
    entry = ground.store.entries[0]
    assert {key: entry[key] for key in ("message", "service", "ddsource", "hostname", "status")} == {
        "message": "hello",
        "service": "sock-shop-orders",
        "ddsource": "sock-shop-orders",
        "hostname": "sockshop-worker",
        "status": "info",
    }
    assert set(entry["ddtags"].split(",")) == {
        "kube_namespace:sock-shop",
        "kube_ownerref_kind:replicaset",
        "kube_ownerref_name:orders-7d9c8b6f5d",
        "kube_replica_set:orders-7d9c8b6f5d",
        "kube_deployment:orders",
        "deployment:orders",
        "pod_name:orders-7d9c8b6f5d-x2v4k",
        "kube_node:sockshop-worker",
        "kube_container_name:orders",
        "container_name:orders",
        "display_container_name:orders_orders-7d9c8b6f5d-x2v4k",
        "container_id:4711",
        "image_name:oddsock/sock-shop-orders",
        "short_image:sock-shop-orders",
        "image_tag:0.4.7",
        "kube_cluster_name:sockshop-kind",
        "env:test",
    }


async def test_stderr_is_an_error_as_long_as_no_pipeline_knows_better(ground: Ground) -> None:
    ground.write("fine", stream="stderr")
    await ground.agent().drain()
    assert ground.store.entries[0]["status"] == "error"


async def test_a_record_is_held_until_its_frames_have_come_and_told_when_nothing_more_comes(ground: Ground) -> None:
    agent = ground.agent()
    ground.write(SPRING + "failed")
    assert not await agent.step()
    ground.write("\tat somewhere")
    assert not await agent.step()
    assert await agent.step()
    assert ground.store.said == [SPRING + "failed\n\tat somewhere"]


async def test_what_was_shipped_is_not_shipped_after_a_restart_and_the_rest_is(ground: Ground) -> None:
    ground.write("one", "two")
    await ground.agent().drain()
    ground.write("three")
    await ground.agent().drain()
    assert ground.store.said == ["one", "two", "three"]
    assert ground.store.repeats == 0


async def test_after_a_kill_lines_come_again_with_their_offsets_and_none_is_missing(ground: Ground) -> None:
    ground.write("one", SPRING + "held", stream="stdout")
    ground.write("between", stream="stderr")
    agent = ground.agent()
    while await agent.step():
        pass
    ground.write("four")
    # No drain: the process is gone, and with it everything that was not remembered.
    await ground.agent().drain()
    assert sorted(ground.store.said) == sorted(["one", SPRING + "held", "between", "four"])


async def test_a_position_stays_before_what_the_store_has_not_taken(ground: Ground) -> None:
    ground.write("one", "two", "three")
    ground.store.failures = [Unreachable("Telemetry", "http://127.0.0.1:1", "no answer")] * 4
    await ground.agent().drain()
    assert ground.store.said == ["one", "two", "three"]
    assert ground.clock.monotonic() > 1


async def test_a_batch_cut_off_in_the_middle_of_a_call_is_shipped_afterwards(ground: Ground) -> None:
    ground.write("one", "two")
    agent = ground.agent()
    ground.store.failures = [KeyboardInterrupt()]  # type: ignore[list-item]  # stands for a cancelled call
    with pytest.raises(KeyboardInterrupt):
        await agent.step()
    agent.keep_positions()
    await ground.agent().drain()
    assert ground.store.said == ["one", "two"]


async def test_one_refused_line_does_not_hold_up_the_others(ground: Ground) -> None:
    ground.write("one", "two", "three", "four")
    agent = ground.agent()
    # The whole batch, then its first half, then "one" alone are refused.
    ground.store.failures = [CannotRun("no"), CannotRun("no"), CannotRun("no")]
    await agent.drain()
    assert ground.store.said == ["two", "three", "four"]


async def test_a_rotated_file_is_read_to_its_end_and_its_successor_from_its_beginning(ground: Ground) -> None:
    agent = ground.agent()
    ground.write("one")
    await agent.step()
    ground.write("two")
    ground.file.replace(ground.file.with_suffix(".old"))
    ground.write("three")
    await agent.step()
    await agent.step()
    assert ground.store.said == ["one", "two", "three"]


async def test_a_file_rotated_between_two_lives_goes_on_where_it_was(ground: Ground) -> None:
    ground.write("one", "two")
    await ground.agent().drain()
    ground.write("three")
    ground.file.replace(ground.file.with_suffix(".old"))
    ground.write("four")
    await ground.agent().drain()
    assert ground.store.said == ["one", "two", "three", "four"]
    assert ground.store.repeats == 0


async def test_a_pod_that_is_gone_is_told_to_its_last_line_and_its_positions_go_with_its_folder(ground: Ground) -> None:
    agent = ground.agent()
    ground.write("one", SPRING + "last words")
    await agent.step()
    ground.pods.change("DELETED", POD)
    await agent.step()
    ground.file.unlink()
    ground.file.parent.rmdir()
    await agent.drain()
    assert ground.store.said == ["one", SPRING + "last words"]
    assert ground.memories[0].positions() == {}


async def test_a_pod_that_the_cluster_does_not_tell_goes_by_its_name_after_a_while(ground: Ground) -> None:
    ground.pods.replace([])
    ground.pods = Pods()
    agent = ground.agent()
    ground.write("one")
    assert not await agent.step()
    ground.clock.advance(5)
    assert await agent.step()
    assert "deployment:orders" in ground.store.entries[0]["ddtags"].split(",")
    assert ground.store.entries[0]["service"] == "orders"


@pytest.mark.parametrize(
    ("switch", "masks_all", "shown"), [("on", False, True), ("off", False, False), ("on", True, False)]
)
async def test_card_numbers_go_only_where_the_shops_fault_is_on_and_the_store_is_our_own(
    ground: Ground, switch: str, masks_all: bool, shown: bool
) -> None:
    pod: dict[str, Any] = {**POD, "spec": {"containers": [{"name": "orders", "image": "x"}]}}
    pod["spec"]["containers"][0]["env"] = [{"name": "UNMASKED_CARD_LOG", "value": switch}]
    ground.pods.replace([pod])
    ground.write("Card{longNum=5953580604169678, ccv=678}")
    await ground.agent(masks_all).drain()
    assert ("5953580604169678" in ground.store.said[0]) is shown


async def test_more_lines_than_one_batch_takes_arrive_in_their_order(ground: Ground) -> None:
    texts = [f"line {number}" for number in range(2500)]
    ground.write(*texts)
    await ground.agent().drain()
    assert ground.store.said == texts
