"""Every check there is, in the order of the books."""

from oddsock.drill.checks.attempts import ATTEMPTS
from oddsock.drill.checks.carts import CARTS
from oddsock.drill.checks.charges import CHARGES
from oddsock.drill.checks.check import Check
from oddsock.drill.checks.events import EVENTS
from oddsock.drill.checks.mends import MENDS
from oddsock.drill.checks.notices import NOTICES
from oddsock.drill.checks.orders import ORDERS
from oddsock.drill.checks.pages import PAGES
from oddsock.drill.checks.refunds import REFUNDS
from oddsock.drill.checks.shipments import SHIPMENTS
from oddsock.drill.checks.sums import SUMS
from oddsock.drill.checks.telemetry import TELEMETRY
from oddsock.drill.checks.views import VIEWS

BOOK_CHECKS: tuple[Check, ...] = (
    *ATTEMPTS,
    *ORDERS,
    *EVENTS,
    *CHARGES,
    *REFUNDS,
    *SHIPMENTS,
    *NOTICES,
    *VIEWS,
    *PAGES,
    *CARTS,
    *SUMS,
    *TELEMETRY,
)
"""The checks that read the books and what else was kept."""

MEND_CHECKS: tuple[Check, ...] = MENDS
"""The checks that read what the others found."""

CATALOG: tuple[Check, ...] = (*BOOK_CHECKS, *MEND_CHECKS)
