"""What a query is refused with: one sentence and the column where it stops making sense."""

from oddsock.kit.errors import UsageError


class QueryError(UsageError):
    """A query or a date is wrong at *column* (from 1, at most one past its end); *reason* leaves the column out."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(f"Column {column}: {sentence}")
        self.column = column
        self.reason = sentence
