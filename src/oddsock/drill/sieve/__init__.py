"""The sieve: lets orders in good order pass while the books are read once, and holds the others back for the checks.

    lean         rows with the fields that the sieve looks at, decoded far cheaper than whole ones
    standing     how far an order has come through the books, and what its lines must not contradict
    orders       the book of orders: one standing each
    attempts     the history: each checkout with its end, to the standing of its order
    lines        journal, charges, shipments, shown pages, notices: line by line to the standings
    events       the events of orders, where a shop makes orders of them
    ties         ids that stand under two orders, or under none: nobody they tie together passes
    held         what is held back, read a second time and whole: evidence and course of the other orders only
    sift         all of it, and the account of both together

An order passes when a few cheap facts, each of which names the checks it answers, imply that none of the checks has
anything to say of it, not even a doubt. In doubt it is held back, which is always right: what is held back is judged
as ever, and nothing that could bear on it has passed. Whatever does not look as expected ends the sieve, and all is
judged.
"""
