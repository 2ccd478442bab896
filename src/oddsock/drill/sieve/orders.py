"""The book of orders: a standing for each, held back at once where order, total, card or address are not plain."""

from collections.abc import Mapping
from pathlib import Path

from oddsock.clients.sockshop.books import Owner
from oddsock.drill.sieve.blocks import lean_blocks
from oddsock.drill.sieve.lean import Basket, Baskets, LeanOrder
from oddsock.drill.sieve.standing import BOUGHT, Sheet, Standing, Unfit
from oddsock.kit.money import SHIPPING_CENTS


def read_orders(path: Path, owners: list[Owner], baskets: Baskets) -> tuple[dict[str, Standing], Sheet]:
    """The standing of every order of the book at *path* by its id, in the book's order; Unfit."""
    standings: dict[str, Standing] = {}
    sheet = Sheet(path)
    # Most orders share their basket, their customer and their customer's address with others.
    dues: dict[bytes, tuple[Basket, int]] = {}
    texts: dict[str, str] = {}
    is_anothers = _OwnersCheck(owners)
    for block, rows in lean_blocks(path, LeanOrder):
        found: list[Standing] = []
        for row in rows:
            known = dues.get(spelling := bytes(row.lines))
            if known is None:
                basket = baskets.read(spelling)
                due = sum(line.quantity * line.unit_cents for line in basket) + SHIPPING_CENTS
                known = dues[spelling] = basket, due
            basket, due = known
            customer_id = texts.setdefault(row.customer_id, row.customer_id)
            status = BOUGHT.get(row.status, "")
            standing = Standing(row.id, customer_id, status, row.total_cents, basket, row.shipment_id or "")
            # B1, B5, and what the other books are asked about: which status, which parcel, which socks.
            if (
                not (status and row.total_cents == due and basket and row.shipment_id and customer_id)
                or row.status_from != "order"
            ):
                standing.is_held = True
            if row.address:
                standing.address = texts.setdefault(row.address, row.address)
            if owners and is_anothers(row):
                standing.is_held = True
            if row.id in standings or not row.id:
                raise Unfit(f"Order {row.id} stands in the book twice.")
            standings[row.id] = standing
            found.append(standing)
        sheet.add(block, found)
    return standings, sheet


class _OwnersCheck:
    """A7's part about cards and addresses: whether an order has those of somebody else."""

    def __init__(self, owners: list[Owner]) -> None:
        self._cards: dict[str, set[str]] = {}
        self._addresses: dict[str, set[str]] = {}
        self._known = {owner.customer_id for owner in owners}
        for owner in owners:
            if owner.card_last_four:
                self._cards.setdefault(owner.card_last_four, set()).add(owner.customer_id)
            if owner.address:
                self._addresses.setdefault(owner.address, set()).add(owner.customer_id)

    def __call__(self, row: LeanOrder) -> bool:
        customer_id = row.customer_id
        return customer_id in self._known and (
            _is_of_others(self._cards, row.card_last_four, customer_id)
            or _is_of_others(self._addresses, row.address, customer_id)
        )


def _is_of_others(whose: Mapping[str, set[str]], what: str, customer_id: str) -> bool:
    return customer_id not in whose.get(what, {customer_id})
