"""The written files: all formats, no card in any of them, the same bytes again, and every change found."""

import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from oddsock.drill.case import Case
from oddsock.drill.report import verify_report, write_report
from oddsock.drill.report.render import escape_cell
from oddsock.kit.errors import CannotRun

FILES = ("report.md", "report.html", "report.json", "report.xml")
SECTIONS = [
    "Summary", "Verdicts", "Impact and money", "Timeline", "Orders", "Odd socks", "What customers saw", "Cause",
    "Detection", "Recovery and mending", "Invariants", "Evidence", "Remedies", "Lessons",
    "Incident closure checklist", "Reproduce",
]  # fmt: skip


def text(case: Case, name: str) -> str:
    return (case.path / name).read_text(encoding="utf-8")


def test_the_report_is_written_in_four_formats_and_its_path_is_returned(whole_case: Case) -> None:
    assert write_report(whole_case) == whole_case.path / "report.md"
    assert [name for name in FILES if not (whole_case.path / name).exists()] == []


def test_the_sections_stand_in_their_fixed_order(reported_case: Case) -> None:
    heads = [
        re.sub(r"^\W+", "", line[3:]) for line in text(reported_case, "report.md").splitlines() if line[:3] == "## "
    ]
    assert [head for head in heads if head in SECTIONS] == SECTIONS
    numbers = re.findall(r'<span class="n">(\d+)</span>', text(reported_case, "report.html"))
    assert numbers == [str(n) for n in range(2, 18)]


def test_no_card_number_and_no_ccv_is_in_any_written_file(reported_case: Case) -> None:
    raw_logs = "".join(
        log.read_text(encoding="utf-8") for log in reported_case.path.glob("evidence/*/logs/orders-*.log")
    )
    assert "5953580604169678" in raw_logs, "the log of this case is not masked, so that the report must do it"
    written = [*(reported_case.path / name for name in FILES), *(reported_case.path / "exports").iterdir()]
    for path in written:
        kept = path.read_text(encoding="utf-8")
        assert "5953580604169678" not in kept, path.name
        assert not re.search(r"ccv[^\w\n]{1,4}\d", kept), path.name


def test_writing_twice_gives_the_same_bytes(whole_case: Case) -> None:
    write_report(whole_case)
    first = {name: (whole_case.path / name).read_bytes() for name in FILES}
    write_report(whole_case)
    assert {name: (whole_case.path / name).read_bytes() for name in FILES} == first


def test_a_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"holds no case\.json"):
        write_report(Case(tmp_path))


def test_the_html_needs_no_network_and_no_script(reported_case: Case) -> None:
    page = text(reported_case, "report.html")
    assert "<script" not in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", page)
    assert "url(" not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert page.count("<svg") == 3
    for chart in re.findall(r"<svg.*?</svg>", page):
        ElementTree.fromstring(chart)


def test_what_a_customer_wrote_cannot_become_markup(whole_case: Case) -> None:
    for name in ("evidence/during", "evidence/after-heal", "evidence/after-mend", "evidence/before"):
        path = whole_case.path / name / "orders.json"
        path.write_bytes(path.read_bytes().replace(b'"username":"Rayaan"', b'"username":"<img src=x onerror=a|b>"'))
    write_report(whole_case)
    assert "<img" not in text(whole_case, "report.html")
    assert "\\<img src=x onerror=a\\|b>" in text(whole_case, "report.md")


def test_junit_fails_for_the_system_and_passes_what_holds(reported_case: Case) -> None:
    root = ElementTree.fromstring(text(reported_case, "report.xml"))
    cases = {row.get("name", ""): row for row in root.iter("testcase")}
    assert cases["system: did not hold"].find("failure") is not None
    assert cases["fault: took effect"].find("failure") is None
    # N1 is odd after the mend only for the order that was odd before the fault.
    assert cases["N1 untold failure"].find("failure") is None
    assert any(name.startswith("L1 kube_namespace:sock-shop service:sock-shop-orders") for name in cases)
    assert sum(int(suite.get("tests", "0")) for suite in root) == len(cases) == int(root.get("tests", "0"))


def test_markdown_cells_keep_words_whole_that_a_script_looks_for() -> None:
    assert escape_cell("PAYMENT_FAILED") == "PAYMENT_FAILED"
    assert escape_cell("_a_ *b* <i> x|y") == "\\_a\\_ \\*b\\* \\<i> x\\|y"


def test_report_json_masks_what_a_book_forgot_to_mask(whole_case: Case) -> None:
    path = whole_case.path / "evidence/after-mend/journal.json"
    path.write_bytes(path.read_bytes().replace(b'"cause":"payment_declined"', b'"cause":"card 5953580604169678"'))
    write_report(whole_case)
    document = msgspec.json.decode((whole_case.path / "report.json").read_bytes())
    assert "5953580604169678" not in str(document)
    assert verify_report(whole_case) == []
