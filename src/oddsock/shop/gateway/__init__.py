"""gateway: a payment gateway of our own that speaks a subset of Stripe's API (docs/gateway.md says which).

form       form-encoded bodies with brackets, and the parameters of a call, pure
refusal    errors in Stripe's shape
cards      test cards and what becomes of a payment with each, pure
intent     the state diagram of a PaymentIntent, pure
documents  intents, refunds, events and lists as the wire shows them, pure
book       intents, refunds, events, keys in one SQLite file
keys       Idempotency-Key as Stripe has it
till       what each call does
signing    the headers of a webhook
api        routes and authentication
"""
