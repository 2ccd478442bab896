"""The shop as seen over the wire.

books     rows of its books
doors     where each service answers, and one call with a deadline
counters  what a service counts at its /metrics
hal       the original's HAL documents read into rows
shop      what an operator asks of the services: books, health, retries, refunds
browser   what a customer's browser does and shows
pages     what the customer's own pages say
"""
