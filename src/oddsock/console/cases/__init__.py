"""Cases as the console reads them: from their folders only, never on the loop.

shelf        which cases and matrices there are, and the one that a name in an address means
reading      reports and books, read in threads within a time, kept while their files stay what they are
chart        a timeline as bands and marks: of a report, or of a history that is still being written
tally        the few figures of a case that a list or a comparison shows
order_rows   rows of a ledger as a page has them: the books side by side, with what is odd and its witnesses
tail         a history that is followed while it is written
mend_runs    mends that were asked for: `oddsock mend CASE --apply` as a process of its own
"""
