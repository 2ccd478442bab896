"""What a customer's own pages say, read as a browser would show it.

Our front-end renders `<tr data-order="ID"> ... <td data-shown>Shipped</td> <td data-amount>$ 104.98</td>`. The
original's page has no rows: its script makes one for each of the customer's orders and prints a constant label, so for
that page the constant label is what is shown.
"""

import re
from html.parser import HTMLParser

import msgspec

from oddsock.kit import money

_CONSTANT_LABEL = re.compile(r"""class=\\?["']label[^>]*>\s*([^<'"+]+?)\s*<""")
_AMOUNT = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


class ShownRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the page shows it; the amount is None where there is none."""

    order_id: str
    label: str
    amount_cents: int | None


class _Rows(HTMLParser):
    """Collects data-order rows with the text of their data-shown and data-amount cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self._cell = ""
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A row begins, or a cell of it."""
        found = dict(attrs)
        if "data-order" in found:
            self.rows.append({"order": found["data-order"] or "", "shown": "", "amount": ""})
        for cell in ("shown", "amount"):
            if f"data-{cell}" in found and self.rows:
                self._cell, self._tag = cell, tag

    def handle_data(self, data: str) -> None:
        """Text of the cell that is open."""
        if self._cell:
            self.rows[-1][self._cell] += data

    def handle_endtag(self, tag: str) -> None:
        """The open cell ends with its own tag."""
        if tag == self._tag:
            self._cell = self._tag = ""


def read_rows(page: str) -> list[ShownRow]:
    """The rows that stand in the page itself.

    >>> read_rows('<tr data-order="a1"><td data-shown> Paid </td><td data-amount>$ 104.98</td></tr>')
    [ShownRow(order_id='a1', label='Paid', amount_cents=10498)]
    """
    parser = _Rows()
    parser.feed(page)
    parser.close()
    return [
        ShownRow(order_id=row["order"], label=" ".join(row["shown"].split()), amount_cents=_cents(row["amount"]))
        for row in parser.rows
    ]


def constant_label(page: str) -> str:
    """The label that the page's script prints for every order; empty when it has none.

    >>> constant_label("'<td><span class=\\"label label-success\\">Shipped</span></td>'")
    'Shipped'
    """
    found = _CONSTANT_LABEL.search(page)
    return found.group(1).strip() if found else ""


def _cents(text: str) -> int | None:
    found = _AMOUNT.search(text)
    return money.cents(found.group().replace(",", "")) if found else None
