"""orders: the state of every order, its append-only journal, checkout, retry and cancel.

status    the state diagram, pure
order     an order and its totals, pure
journal   what happened, never rewritten
book      orders, keys and the journal in one SQLite file
gateway   the calls to payment
parcels   the calls to shipping
checkout  profile incident-3: CREATED -> PENDING -> PAID or PAYMENT_FAILED, as the report's shop did it
upstream  profile upstream: pay, ship, save last
retry     PAYMENT_FAILED -> PENDING -> PAID and shipped, or CANCELLED; safe to repeat after any death
cancel    recall, refund, CANCELLED; safe to repeat
webhooks  what payment tells: signed, once, never backwards
hal       an order as the wire shows it
api       the routes
"""
