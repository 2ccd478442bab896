"""The pages are listed, their links lead somewhere, what is generated is fresh, and the version has its changes."""

import re
import runpy
from pathlib import Path

import oddsock

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def _pages(root: Path) -> list[Path]:
    return sorted((root / "docs").rglob("*.md"))


def test_every_page_is_listed_in_the_index(root: Path) -> None:
    docs = root / "docs"
    listed = {(docs / link).resolve() for link in LINK.findall((docs / "index.md").read_text(encoding="utf-8"))}
    missing = [str(page.relative_to(docs)) for page in _pages(root) if page.resolve() not in listed]
    assert missing == ["index.md"]


def test_every_link_of_a_page_leads_to_a_file(root: Path) -> None:
    lost = [
        f"{page.relative_to(root)}: {link}"
        for page in [*_pages(root), root / "README.md", root / "CHANGELOG.md"]
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert lost == []


def test_every_generated_page_is_fresh(root: Path) -> None:
    stale = runpy.run_path(str(root / "tests/house/generated.py"))["stale_pages"]()
    assert stale == [], "run `make docs`"


def test_the_version_has_its_place_in_the_changelog(root: Path) -> None:
    assert f"## [{oddsock.__version__}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
