"""orders: the state of every order, its append-only journal, checkout, retry and cancel.

status    the state diagram, pure
order     an order and its totals, pure
records   what a store keeps beside orders: a change, errands, letters, marks, events
store     the port; sqlite_store, sqlite_errands, sqlite_letters are SQLite behind it
          postgres_store, postgres_queue, postgres_pool, postgres_schema PostgreSQL
journal   what happened, never rewritten
events    an order as the fold of its events, pure
notices   what its customer is owed, pure; postman brings it
book      which changes an order may go through, and what each writes
gateway   the calls to payment
parcels   the calls to shipping
guard     retry (backoff), breaker, limiter in front of a call
remedies  the switches, read once
legs      the calls an order needs, one a leg, and what it is to stall
course    from where an order stands to its end
saga      authorise, ship, confirm; and back: void, recall, refund
aftermath what follows when it stalls: parked, failed, undone, dead
queue     errands carried out as they become due; resume
checkout  a request made an order and taken along; the same key again
assembly  how all is put together
upstream  profile upstream: pay, ship, save last
retry     PAYMENT_FAILED -> PENDING -> PAID and shipped, or CANCELLED; safe to repeat after any death
cancel    recall, refund, CANCELLED; safe to repeat
webhooks  what payment tells: signed, once, never backwards
hal       an order as the wire shows it
api       the routes
"""
