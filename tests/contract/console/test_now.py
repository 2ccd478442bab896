"""The page Now over HTTP: what it shows, what it changes, and whom it refuses."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.case import list_cases
from oddsock.drill.heal import journal_of
from oddsock.kit.clock import SystemClock, wait_for

if TYPE_CHECKING:
    from tests.contract.console.conftest import Visitor

AWAY = {"type": "scale", "target": "payment", "replicas": 0}


async def test_the_twin_says_what_the_page_shows(visitor: "Visitor") -> None:
    document: Any = await visitor.json("/now.json")
    page = await visitor.text("/")

    assert [one["name"] for one in document["deployments"]] == ["front-end", "orders", "payment"]
    assert [node["name"] for node in document["flow"]["nodes"]] == ["customers", "front-end", "orders", "payment"]
    for node in document["flow"]["nodes"]:
        assert f'data-node="{node["name"]}"' in page
    assert "Nothing is broken." in page
    assert "This stack runs without telemetry." in page
    assert "They cannot be counted" in page


async def test_a_fault_is_a_case_with_its_undo_and_is_healed_by_its_button(
    visitor: "Visitor", memory: MemoryCluster, tmp_path: Path
) -> None:
    status, made = await visitor.change("/faults", AWAY)
    assert status == 201, made
    assert memory.counts["payment"] == 0
    (case,) = list_cases(tmp_path)
    assert made["case"] == case.name
    assert len(journal_of(case).open_entries()) == 1
    page: Any = await visitor.json("/now.json")
    assert [(one["case"], one["target"], one["state"]) for one in page["broken"]] == [(case.name, "payment", "stands")]
    assert "Heal payment" in await visitor.text("/")

    status, healed = await visitor.change(f"/faults/{case.name}/heal", {})

    assert status == 200, healed
    assert memory.counts["payment"] == 2
    assert healed["healed"][0]["sentence"] == "payment spec.replicas put back to 2"  # type: ignore[index]  # whatever JSON holds
    assert (await visitor.json("/now.json"))["broken"] == []


async def test_without_javascript_a_button_asks_first_and_then_acts(visitor: "Visitor", memory: MemoryCluster) -> None:
    status, asked = await visitor.submit("/faults", type="scale", target="payment", replicas="0")
    assert (status, memory.counts["payment"]) == (200, 2)
    assert 'name="confirmed" value="yes"' in asked

    status, where = await visitor.submit("/faults", type="scale", target="payment", replicas="0", confirmed="yes")
    assert (status, where, memory.counts["payment"]) == (303, "/", 0)
    page: Any = await visitor.json("/now.json")

    status, where = await visitor.submit(f"/faults/{page['broken'][0]['case']}/heal")
    assert (status, where, memory.counts["payment"]) == (303, "/", 2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"type": "earthquake", "target": "payment"}, "earthquake"),
        ({"type": "scale", "target": "paiment", "replicas": 0}, "did you mean"),
        ({"type": "scale", "target": "payment", "replicas": 99}, "20"),
        ({"type": "scale", "target": "payment"}, "replicas"),
        ({"type": "scale", "target": "<script>", "replicas": 0}, "small letters"),
        ({"kind": "scale"}, "no fault"),
        ([], "no fault"),
    ],
)
async def test_a_wrong_order_is_one_sentence_and_breaks_nothing(
    visitor: "Visitor", memory: MemoryCluster, body: object, said: str
) -> None:
    status, refused = await visitor.change("/faults", body)

    assert status == 400
    assert said in json.dumps(refused["error"])
    assert memory.writes == []


async def test_what_was_not_broken_cannot_be_healed(visitor: "Visitor") -> None:
    status, refused = await visitor.change("/faults/20251030-082400-incident-3/heal", {})
    assert (status, "case" in str(refused["error"])) == (400, True)


async def test_a_change_without_the_token_is_refused(visitor: "Visitor", memory: MemoryCluster) -> None:
    by_script, _ = await visitor.change("/faults", AWAY, **{"X-Csrf-Token": "guessed"})
    by_form, _ = await visitor.submit("/faults", csrf="", type="scale", target="payment", replicas="0", confirmed="yes")

    assert (by_script, by_form) == (403, 403)
    assert memory.writes == []


@pytest.mark.parametrize(
    ("headers", "expected"), [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)]
)
async def test_a_strange_host_or_origin_is_refused(
    visitor: "Visitor", memory: MemoryCluster, headers: dict[str, str], expected: int
) -> None:
    status, _ = await visitor.change("/faults", AWAY, **headers)
    async with visitor.session.get(visitor.base + "/now.json", headers=headers) as answer:
        read = answer.status

    assert (status, read) == (expected, expected)
    assert memory.writes == []


async def test_nobody_without_a_session_sees_or_changes_anything(console: str, memory: MemoryCluster) -> None:
    async with aiohttp.ClientSession() as stranger:
        for path in ("/", "/now.json", "/now/stream"):
            async with stranger.get(console + path) as answer:
                assert answer.status == 401
        async with stranger.post(console + "/faults", json=AWAY) as answer:
            assert answer.status == 401
    assert memory.writes == []


async def test_a_name_with_markup_stays_text(visitor: "Visitor", memory: MemoryCluster) -> None:
    memory.counts["<script>alert(1)</script>"] = 0
    memory.variables["<script>alert(1)</script>"] = {}
    await memory.create_fault("a", FaultSpec(type="freeze", target={"deployment": '"><script>alert(2)'}), "")

    # The look that the first page was made of may still count as fresh.
    async with asyncio.timeout(30):
        while "alert(1)" not in (page := await visitor.text("/")):
            await SystemClock().sleep(0.1)
    _, asked = await visitor.submit("/faults", type="scale-to-zero", target="<script>alert(3)")

    assert "&lt;script&gt;alert(1)" in page
    for text in (page, asked):
        assert "<script>alert" not in text


async def test_followers_share_one_poller_which_stops_when_nobody_follows(
    visitor: "Visitor", memory: MemoryCluster
) -> None:
    looks = 0
    look = memory.deployments

    async def count() -> Any:
        nonlocal looks
        looks += 1
        return await look()

    memory.deployments = count  # type: ignore[method-assign]  # the test counts how often it is asked
    url = visitor.base + "/now/stream"
    async with visitor.session.get(url) as first, visitor.session.get(url) as second:
        for _ in range(3):
            assert (await _event(first))["namespace"] == "sock-shop"
            assert (await _event(second))["namespace"] == "sock-shop"
        await visitor.change("/faults", AWAY)
        async with asyncio.timeout(20):
            while not (seen := await _event(first))["broken"]:
                pass
    assert seen["deployments"][2]["replicas"] == 0

    clock = SystemClock()

    async def is_still() -> bool:
        before = looks
        await clock.sleep(0.2)
        return looks == before

    assert await wait_for(is_still, clock, 20)


async def _event(stream: aiohttp.ClientResponse) -> Any:
    async with asyncio.timeout(20):
        while True:
            line = (await stream.content.readline()).decode()
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
