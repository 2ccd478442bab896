"""The remedy matrix: the same orders and the same faults with each recommendation on or off, judged by the books.

cells    which combinations there are, and the plan a cell runs
noticed  what a cell's telemetry noticed
measure  what the books of a cell's case say
result   what became of a cell under a seed
folder   one file a cell, one case a cell, so that a matrix can go on where it stopped
table    the cells of all seeds as columns with ranges, and what each remedy is worth
render   the table as Markdown and as one HTML file
"""
