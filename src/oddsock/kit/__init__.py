"""The kit: small things that two rooms or more need and no library gives.

errors     one tree of errors, each built from facts, each with its exit code
clock      the only place that sleeps or reads the time; system and manual
date_math  instants as Datadog takes them: ISO 8601, milliseconds, `now-3h`
money      whole cents; the original's float32 totals exist only at the wire
ids        order ids, request ids, trace parents
settings   environment read once: listening ports, names, mounts, speed
sqlite     one file a service: WAL, synchronous=FULL, locked by its one owner
http       aiohttp servers on loopback and sessions that know Service names
log        line formats of the shop's services, and our own structured lines
mask       card numbers down to their last four
processes  children that die with their parent; who is alive
"""
