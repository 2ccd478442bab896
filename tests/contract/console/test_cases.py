"""The pages of cases over HTTP: what they show, whom they obey, and what they never give out."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.contract.console.conftest import Visitor
from tests.unit.drill.report.conftest import create
from yarl import URL

from oddsock.drill.case import Case
from oddsock.drill.matrix.folder import MatrixFolder
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.matrix.table import tabulate
from oddsock.drill.report import write_report

NAME = "incident"
EVIL = "<script>alert(1)</script>"
ORDER = "690320cee2c84800016ceb4a"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Incident 3, whose Rayaan has a name that a browser would run."""
    incident = create(tmp_path_factory.mktemp("home"))
    incident.begin()
    incident.recover(incident.outage())
    case = incident.finish()
    for path in [case.path / "history.jsonl", *(case.path / "evidence").glob("*/*.json")]:
        path.write_text(path.read_text(encoding="utf-8").replace("Rayaan", EVIL), encoding="utf-8")
    write_report(case)
    return case.path


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Case:
    """The same under the home of the console."""
    path = tmp_path / "cases" / NAME
    path.parent.mkdir(exist_ok=True)
    shutil.copytree(made, path)
    return Case(path)


async def document_of(visitor: Visitor, path: str) -> Any:
    return await visitor.json(path)


async def status_of(visitor: Visitor, path: str) -> int:
    # As it stands: a client that tidies the path up would never send what is refused here.
    async with visitor.session.get(URL(visitor.base + path, encoded=True)) as answer:
        return answer.status


async def test_the_list_has_verdicts_and_what_is_odd(visitor: Visitor, case: Case) -> None:
    listed = await document_of(visitor, "/cases.json")
    found = await document_of(visitor, "/cases.json?q=incident&state=completed&odd=left")
    none = await document_of(visitor, "/cases.json?odd=none")

    (row,) = listed["rows"]
    assert row["verdicts"]["system"]["verdict"] == "odd"
    assert (row["odd_found"], row["odd_left"]) == (5, 2)
    assert (found["found"], none["found"]) == (1, 0)
    assert await status_of(visitor, "/cases?state=nonsense") == 400


TABS = ("", "/timeline", "/orders", f"/orders/{ORDER}", "/customers", "/mend", "/telemetry", "/report")


@pytest.mark.parametrize("tab", TABS)
async def test_every_tab_is_a_page_with_a_twin_in_which_a_name_stays_text(
    visitor: Visitor, case: Case, tab: str
) -> None:
    page = await visitor.text(f"/cases/{NAME}{tab}")
    twin = await document_of(visitor, f"/cases/{NAME}{tab}.json")

    assert twin["case"]["name"] == NAME
    assert "<h1>" in page
    assert EVIL not in page
    assert "<script>alert" not in page


async def test_the_ledger_shows_the_odd_ones_with_their_witnesses(visitor: Visitor, case: Case) -> None:
    ledger = await document_of(visitor, f"/cases/{NAME}/orders.json?phase=after-heal&outcome=odd")
    page = await visitor.text(f"/cases/{NAME}/orders?phase=after-heal&outcome=odd")

    assert ledger["found"] == 5
    assert "untold failure" in page
    assert "no notice about it" in page
    one = await document_of(visitor, f"/cases/{NAME}/orders.json?q={ORDER}")
    assert one["found"] == 1
    assert await status_of(visitor, f"/cases/{NAME}/orders?outcome=nonsense") == 400
    assert await status_of(visitor, f"/cases/{NAME}/orders?phase=nonsense") == 400


async def test_an_order_has_its_journal_and_leads_to_its_log_lines(visitor: Visitor, case: Case) -> None:
    document = await document_of(visitor, f"/cases/{NAME}/orders/{ORDER}.json")

    assert [line["status"] for line in document["order"]["journal"]][-1] == "PAID"
    assert str(document["logs"]).startswith(f"/logs?query={ORDER}&from=2026-11-24T")
    assert any("Payment failed" in str(line) for line in document["lines"])
    assert await status_of(visitor, f"/cases/{NAME}/orders/nonsense") == 404


@pytest.mark.parametrize("name", ["..", "../cases/" + NAME, "/etc/passwd", ".hidden", "..~x", "absent", "x\x00y"])
async def test_no_name_leads_out_of_the_cases(visitor: Visitor, case: Case, name: str) -> None:
    for path in (f"/cases/{quote(name, safe='')}", f"/cases/{quote(name, safe='')}/files/case.json"):
        assert await status_of(visitor, path) == 404


@pytest.mark.parametrize("file", ["lock", "../case.json", "evidence/after-heal/orders.json", "/etc/passwd", ".."])
async def test_only_the_files_that_are_meant_for_it_are_given_out(visitor: Visitor, case: Case, file: str) -> None:
    assert await status_of(visitor, f"/cases/{NAME}/files/{quote(file, safe='')}") == 404


async def test_a_report_may_do_nothing_but_be_looked_at(visitor: Visitor, case: Case) -> None:
    async with visitor.session.get(f"{visitor.base}/cases/{NAME}/files/report.html") as answer:
        policy, kind = answer.headers["Content-Security-Policy"], answer.content_type
        assert answer.status == 200
    async with visitor.session.get(f"{visitor.base}/cases/{NAME}/files/report.xml") as answer:
        assert answer.content_type == "text/plain"

    assert kind == "text/html"
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert "script" not in policy


async def test_a_stack_that_ended_cannot_be_mended_and_nobody_mends_without_the_token(
    visitor: Visitor, case: Case
) -> None:
    status, refused = await visitor.change(f"/cases/{NAME}/mend", {"replay": "all"})
    assert status == 409
    assert "has ended, with its shop" in json.dumps(refused)
    assert "has ended, with its shop" in await visitor.text(f"/cases/{NAME}/mend")

    status, _ = await visitor.change(f"/cases/{NAME}/mend", {"replay": "all"}, **{"X-Csrf-Token": "guessed"})
    assert status == 403
    status, _ = await visitor.change(f"/cases/{NAME}/mend", {"replay": "nonsense"})
    assert status == 400


async def test_a_case_is_followed_while_it_is_written(visitor: Visitor, case: Case) -> None:
    case.lock()
    case.change_meta(state="running")
    assert 'data-stream="/cases/incident/stream"' in await visitor.text(f"/cases/{NAME}")
    events: list[tuple[str, Any]] = []

    async with asyncio.timeout(30), visitor.session.get(f"{visitor.base}/cases/{NAME}/stream") as answer:
        name = ""
        async for line in answer.content:
            word, _, rest = line.decode().strip().partition(": ")
            name = rest if word == "event" else name
            if word != "data":
                continue
            events.append((name, json.loads(rest)))
            if len(events) == 1:
                case.history.append("ok", "settle", actor="runner", phase="main", value={"sentence": "all is still"})
            elif len(events) == 2:
                case.change_meta(state="completed")
                case.unlock()
            if name == "over":
                break

    names = [name for name, _ in events]
    assert names == ["lines", "lines", "over"]
    assert [line["text"] for line in events[1][1]["lines"]] == ["settle: all is still"]
    assert events[0][1]["counts"]["attempts"] == 9


async def test_a_killed_case_is_shown_as_such_and_computed_from_what_it_kept(visitor: Visitor, case: Case) -> None:
    (case.path / "report.json").unlink()
    case.change_meta(state="running")

    document = await document_of(visitor, f"/cases/{NAME}.json")

    assert document["case"]["state"] == "killed"
    assert document["report"]["odd"]["before_total"] == 5


async def test_a_damaged_case_is_a_sentence(visitor: Visitor, case: Case) -> None:
    (case.path / "report.json").unlink()
    (case.path / "evidence" / "after-heal" / "orders.json").write_text("nonsense", encoding="utf-8")

    assert "is damaged" in await visitor.text(f"/cases/{NAME}")
    assert "is damaged" in await visitor.text(f"/cases/{NAME}/orders?phase=after-heal")
    (case.path / "case.json").write_text("nonsense", encoding="utf-8")
    assert "damaged" in await visitor.text("/cases")
    assert await status_of(visitor, f"/cases/{NAME}") == 409


async def test_a_span_of_the_timeline_is_in_its_address(visitor: Visitor, case: Case) -> None:
    whole = await document_of(visitor, f"/cases/{NAME}/timeline.json")
    middle = "from=2026-11-24T10:00:02.000Z&to=2026-11-24T10:00:08.000Z"
    closer = await document_of(visitor, f"/cases/{NAME}/timeline.json?{middle}&kind=attempt")

    assert len(whole["chart"]["bands"]) == 2
    assert 0 < closer["found"] < 9
    assert await status_of(visitor, f"/cases/{NAME}/timeline?from=yesterday") == 400


async def test_two_cases_stand_side_by_side(visitor: Visitor, case: Case) -> None:
    shutil.copytree(case.path, case.path.parent / "second")

    document = await document_of(visitor, f"/compare.json?a={NAME}&b=second")
    page = await visitor.text(f"/compare?a={NAME}&b=second")

    assert len(document["sides"]) == 2
    assert not any(row["differs"] for row in document["figures"])
    assert "$374.22" in page
    assert "Choose two cases" in await visitor.text("/compare")
    assert await status_of(visitor, "/compare?a=absent") == 404


async def test_a_cell_of_a_matrix_leads_to_its_case(visitor: Visitor, case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "matrices" / "incident-3"
    shutil.copytree(case.path, folder / "cases" / "none-3")
    result = CellResult(cell="none", seed=3, remedies=(), plan_sha256="", wall_s=1, case="cases/none-3", failed=EVIL)
    MatrixFolder(folder).keep_table(tabulate("incident-3", [result], ["none"]))

    listed = await document_of(visitor, "/matrix.json")
    page = await visitor.text("/matrix/incident-3")

    assert [row["run"] for row in listed["rows"]] == ["incident-3"]
    assert 'href="/cases/incident-3~none-3"' in page
    assert EVIL not in page
    assert await status_of(visitor, "/cases/incident-3~none-3") == 200
    assert await status_of(visitor, "/matrix/..%2Fcases") == 404
    (folder / "matrix.json").write_text("nonsense", encoding="utf-8")
    assert "damaged" in await visitor.text("/matrix")
    assert await status_of(visitor, "/matrix/incident-3") == 409
