"""Takes a phase's evidence: every book of the shop, the cluster's state, the pods' logs, the customers' own pages.

All at once, each with a deadline of its own. What does not answer is kept as missing with the reason: no evidence,
never zero. What an earlier phase kept of a pod that is gone now stays where it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Pod
from oddsock.clients.sockshop.books import CartLine, Shown
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.case import Case
from oddsock.drill.ledger import is_never_kept
from oddsock.drill.shopper import Sessions
from oddsock.kit.errors import OddsockError
from oddsock.kit.files import explain_disk, write_whole
from oddsock.kit.mask import mask_private

BOOK_S_MAX = 20.0
"""Wall seconds after which a book that is still being read is missing."""

OFFERED = frozenset({"order_events"})
"""The books a shop keeps on a switch: while it is off, nothing is missing."""

LOGS_AT_ONCE = 4
"""Pod logs read at the same time."""


class EvidenceTaker:
    """Takes evidence of *cluster* and *shop* into *case*, phase by phase; all of it, or only the *books* named."""

    def __init__(
        self,
        case: Case,
        cluster: ClusterDoor,
        shop: Shop,
        sessions: Sessions,
        book_s_max: float = BOOK_S_MAX,
        books: Collection[str] = (),
    ) -> None:
        self._case = case
        self._cluster = cluster
        self._shop = shop
        self._sessions = sessions
        self._book_s_max = book_s_max
        self._books = books

    async def take(self, phase: str) -> dict[str, str]:
        """Keep everything *phase* has; answers what is missing with its reason; CannotRun when the disk refuses."""
        cluster, shop = self._cluster, self._shop
        server, namespace = cluster.server, cluster.namespace
        readers: dict[str, tuple[str, Callable[[], Awaitable[Iterable[object]]]]] = {
            "orders": ("orders: GET /orders", shop.orders),
            "journal": ("orders: GET /journal", shop.journal),
            "charges": ("payment: GET /charges", shop.charges),
            "shipments": ("shipping: GET /shipments", shop.shipments),
            "notices": ("mailbox: GET /notices", shop.notices),
            "catalogue": ("catalogue: GET /catalogue", shop.catalogue),
            "customers": ("user: GET /customers", shop.customers),
            "owners": ("user: GET /cards, /addresses", shop.owners),
            "order_events": ("orders: GET /events", shop.events),
            "carts": ("carts: GET /carts/ID/items", self._carts),
            "shown": ("front-end: GET /customer-orders.html", lambda: self._shown(phase)),
        }
        for kind in ("pods", "deployments", "services", "endpoints", "events", "nodes"):
            readers[kind] = (f"{server} namespace {namespace}: {kind}", getattr(cluster, kind))
        readers["logs"] = (f"{server} namespace {namespace}: pods/NAME/log", lambda: self._logs(phase))
        if self._books:
            readers = {book: reader for book, reader in readers.items() if book in self._books}
        try:
            reasons = await asyncio.gather(*(self._keep(phase, book, *reader) for book, reader in readers.items()))
        except OSError as cause:
            raise explain_disk(cause, self._case.evidence_dir(phase)) from cause
        missing = {book: reason for book, reason in zip(readers, reasons, strict=True) if reason}
        # Orders without event sourcing lack nothing that anybody could have had.
        return {book: why for book, why in missing.items() if not (book in OFFERED and is_never_kept(why))}

    async def _keep(
        self, phase: str, book: str, source: str, read: Callable[[], Awaitable[Iterable[object]]]
    ) -> str | None:
        missing: str | None = None
        rows: Iterable[object] = ()
        try:
            async with asyncio.timeout(self._book_s_max):
                rows = await read()
        except TimeoutError:
            missing = f"no whole answer within {self._book_s_max:g} s"
        except OddsockError as error:
            missing = error.sentence
        self._case.write_book(phase, book, rows, source=source, missing=missing)
        return missing

    async def _carts(self) -> list[CartLine]:
        ids = {customer.id for customer in await self._shop.customers()} | set(self._sessions.customer_ids())
        return await self._shop.carts(sorted(ids))

    async def _shown(self, phase: str) -> list[Shown]:
        known = {customer.username: customer.id for customer in await self._shop.customers()}
        pages = await self._sessions.open_pages(known)
        folder = self._case.evidence_dir(phase) / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        for username, page in sorted(pages.items()):
            write_whole(folder / f"{username}.html", mask_private(page.html))
        return [row for _, page in sorted(pages.items()) for row in page.shown]

    async def _logs(self, phase: str) -> list[dict[str, Any]]:
        """Keep the log of every pod there is; a row each with its size, or why it could not be read."""
        folder = self._case.evidence_dir(phase) / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        gate = asyncio.Semaphore(LOGS_AT_ONCE)

        async def keep(pod: Pod) -> dict[str, Any]:
            row: dict[str, Any] = {"pod": pod.name, "deployment": pod.deployment, "bytes": 0, "missing": None}
            try:
                async with gate:
                    text = await self._whole_log(pod)
            except OddsockError as error:
                return {**row, "missing": error.sentence}
            masked = mask_private(text)
            write_whole(folder / f"{pod.name}.log", masked)
            return {**row, "bytes": len(masked.encode())}

        return list(await asyncio.gather(*(keep(pod) for pod in await self._cluster.pods())))

    async def _whole_log(self, pod: Pod) -> str:
        """The pod's log, after that of its container before the last restart."""
        before = await self._cluster.pod_log(pod.name, previous=True) if pod.restarts else ""
        return before + await self._cluster.pod_log(pod.name)
