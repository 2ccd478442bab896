"""A name in an address means a case, and never anything outside of the folders of cases."""

from pathlib import Path

import pytest
from aiohttp import web

from oddsock.console.cases.shelf import Shelf, name_of
from oddsock.drill.case import Case


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    home = tmp_path / "home"
    Case.create(home, "incident-3", stem="one").unlock()
    Case.create(home / "matrices" / "incident-3", "incident-3", stem="retry+idempotency-3").unlock()
    Case.create(tmp_path, "secret", stem="secret").unlock()
    (home / "cases" / "linked").symlink_to(tmp_path / "cases" / "secret")
    return Shelf(home)


@pytest.mark.parametrize("name", ["one", "incident-3~retry+idempotency-3"])
def test_a_case_is_found_by_its_name(shelf: Shelf, name: str) -> None:
    assert name_of(shelf.find(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../cases/one",
        "../../cases/secret",
        "/etc",
        "one/../one",
        "one/",
        "one\x00",
        "linked",
        "~one",
        "..~one",
        "../..~one",
        "incident-3~../../../cases/one",
        "absent",
        "one\n",
        "a" * 300,
    ],
)
def test_no_name_leads_elsewhere(shelf: Shelf, name: str) -> None:
    with pytest.raises(web.HTTPNotFound):
        shelf.find(name)


def test_a_matrix_is_found_by_its_name_only(shelf: Shelf) -> None:
    assert shelf.matrix("incident-3").name == "incident-3"
    for name in ("..", "../cases", "", "absent"):
        with pytest.raises(web.HTTPNotFound):
            shelf.matrix(name)
