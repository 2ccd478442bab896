"""What a phase's evidence looks like on disk and in memory: every book with its rows, or with the reason it is missing.

    evidence/<phase>/<book>.json          {"book","phase","taken_at","source","missing","rows"}
    evidence/<phase>/logs/<pod>.log       what the pod wrote, cards masked
    evidence/<phase>/pages/<user>.html    the customer's own page of orders, cards masked

An unreachable book is no evidence (*missing* says why), never an empty book. This file knows no network, so accounting
and report read what was kept and nothing else.
"""

from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from oddsock.clients.sockshop.books import (
    CartLine,
    Charge,
    Customer,
    Notice,
    Order,
    OrderEvent,
    Owner,
    Shipment,
    Shown,
    Sock,
    StatusChange,
    with_journal_status,
)
from oddsock.kit.errors import CannotRun

Row = TypeVar("Row")

PHASES = ("before", "during", "after-heal", "after-mend")
"""The four moments at which evidence is taken, in order of time."""

SHOP_BOOKS = (
    "orders", "journal", "charges", "shipments", "notices", "shown", "carts", "customers", "catalogue",
    "owners", "order_events",
)  # fmt: skip
CLUSTER_BOOKS = ("pods", "deployments", "services", "endpoints", "events", "nodes")

NOT_TAKEN = "this phase's evidence was not taken"


class BookEvidence(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """One book in one phase: its *rows* as *source* gave them at *taken_at*, or in *missing* why there are none."""

    book: str
    phase: str
    rows: list[Row]
    taken_at: str = ""
    source: str = ""
    missing: str | None = None

    @property
    def present(self) -> bool:
        """Whether the book was read; an empty book that was read is present."""
        return self.missing is None


ClusterRow = dict[str, Any]
"""A pod, deployment, Service, endpoints, event or node as clients/kubernetes has it, flat, by field name."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one phase kept; *logs* and *pages* map a pod's or a customer's name to the masked file."""

    phase: str
    orders: BookEvidence[Order]
    journal: BookEvidence[StatusChange]
    charges: BookEvidence[Charge]
    shipments: BookEvidence[Shipment]
    notices: BookEvidence[Notice]
    shown: BookEvidence[Shown]
    carts: BookEvidence[CartLine]
    customers: BookEvidence[Customer]
    catalogue: BookEvidence[Sock]
    pods: BookEvidence[ClusterRow]
    deployments: BookEvidence[ClusterRow]
    services: BookEvidence[ClusterRow]
    endpoints: BookEvidence[ClusterRow]
    events: BookEvidence[ClusterRow]
    nodes: BookEvidence[ClusterRow]
    owners: BookEvidence[Owner] = BookEvidence(book="owners", phase="", rows=[], missing=NOT_TAKEN)
    order_events: BookEvidence[OrderEvent] = BookEvidence(book="order_events", phase="", rows=[], missing=NOT_TAKEN)
    logs: dict[str, Path] = {}
    pages: dict[str, Path] = {}

    @property
    def taken_at(self) -> str:
        """When the last of its books was read; empty when none was."""
        return str(max(getattr(self, name).taken_at for name in SHOP_BOOKS + CLUSTER_BOOKS))


class CaseFolder(Protocol):
    """What this file needs of a case: where its folder is."""

    @property
    def path(self) -> Path:
        """The case's folder."""
        ...


def load(case: CaseFolder, phase: str) -> Evidence:
    """The evidence *case* kept in *phase*; books that were not taken are missing; CannotRun when a file is damaged."""

    def book(name: str, row: type[Row]) -> BookEvidence[Row]:
        return read_book(case.path / "evidence" / phase / f"{name}.json", name, phase, row)

    return assemble(case, phase, book)


class BookReader(Protocol):
    """Reads one book of a phase."""

    def __call__(self, name: str, row: type[Row], /) -> BookEvidence[Row]:
        """The book *name* with rows of type *row*."""
        ...


def assemble(case: CaseFolder, phase: str, book: BookReader) -> Evidence:
    """All books of *phase* as *book* reads them, and the logs and pages that *case* kept.

    The file keeps an order as the shop shows it; where that is without a status, the journal's is filled in here.
    """
    folder = case.path / "evidence" / phase
    orders, journal = book("orders", Order), book("journal", StatusChange)
    return Evidence(
        phase=phase,
        orders=msgspec.structs.replace(orders, rows=with_journal_status(orders.rows, journal.rows)),
        journal=journal,
        charges=book("charges", Charge),
        shipments=book("shipments", Shipment),
        notices=book("notices", Notice),
        shown=book("shown", Shown),
        carts=book("carts", CartLine),
        customers=book("customers", Customer),
        catalogue=book("catalogue", Sock),
        pods=book("pods", ClusterRow),
        deployments=book("deployments", ClusterRow),
        services=book("services", ClusterRow),
        endpoints=book("endpoints", ClusterRow),
        events=book("events", ClusterRow),
        nodes=book("nodes", ClusterRow),
        owners=book("owners", Owner),
        order_events=book("order_events", OrderEvent),
        logs=_named_files(folder / "logs", ".log"),
        pages=_named_files(folder / "pages", ".html"),
    )


def read_book(path: Path, name: str, phase: str, row: type[Row]) -> BookEvidence[Row]:
    """The book at *path* with rows of type *row*; missing when there is no such file, CannotRun when it is damaged."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return BookEvidence(book=name, phase=phase, rows=[], missing=NOT_TAKEN)
    shape: type[BookEvidence[Row]] = BookEvidence[row]  # type: ignore[valid-type]  # a generic made at run time
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise CannotRun(f"The evidence at {path} is damaged: {cause}.", "Take the case from a backup.") from cause


def phases_taken(case: CaseFolder) -> list[str]:
    """The phases of which *case* holds any evidence, in order of time."""
    return [phase for phase in PHASES if any((case.path / "evidence" / phase).glob("*.json"))]


def latest_logs(case: CaseFolder) -> dict[str, Path]:
    """For every pod ever seen, the last log any phase kept: a pod that is gone keeps what an earlier phase took."""
    logs: dict[str, Path] = {}
    for phase in PHASES:
        logs.update(_named_files(case.path / "evidence" / phase / "logs", ".log"))
    return logs


def _named_files(folder: Path, suffix: str) -> dict[str, Path]:
    return {path.name.removesuffix(suffix): path for path in sorted(folder.glob(f"*{suffix}"))}
