"""The one tree of errors; each is built from facts, says what to do next, and knows its exit code.

OddsockError                        3  the work could not be done
├── UsageError                      2  the request itself is wrong: a flag, a plan, a query
│   ├── PlanError                   2  a plan is wrong, with file, line and column
│   └── QueryError                  2  a query or a date is wrong, with its column
├── CannotRun                       3  the drill or the stack could not run
│   ├── Unreachable                 3  a server does not answer
│   ├── Forbidden                   3  a cluster or namespace that drills may not touch
│   └── Interrupted                 3  a signal ended the work; everything was healed
└── CannotHeal                      4  what was broken could not be put back
"""

EXIT_OK = 0
EXIT_ODD = 1
EXIT_USAGE = 2
EXIT_CANNOT_RUN = 3
EXIT_CANNOT_HEAL = 4


class OddsockError(Exception):
    """An error a user may meet: one sentence of what happened and, in *hint*, what to do next."""

    exit_code = EXIT_CANNOT_RUN

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".rstrip()


class UsageError(OddsockError):
    """The request is wrong; nothing was started."""

    exit_code = EXIT_USAGE


class PlanError(UsageError):
    """A plan is wrong at *line* and *column* (both from 1) of *path*."""

    def __init__(self, path: str, line: int, column: int, sentence: str, hint: str = "") -> None:
        super().__init__(f"{path}:{line}:{column}: {sentence}", hint)
        self.line = line
        self.column = column


class QueryError(UsageError):
    """A query or a date is wrong at *column* (from 1, at most one past its end); *reason* leaves the column out."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(f"Column {column}: {sentence}")
        self.column = column
        self.reason = sentence


class CannotRun(OddsockError):
    """The work could not begin or go on."""


class Unreachable(CannotRun):
    """*what* at *address* does not answer, because of *cause*."""

    def __init__(self, what: str, address: str, cause: object, hint: str = "") -> None:
        super().__init__(f"{what} at {address} does not answer: {cause}.", hint)
        self.address = address


class Forbidden(CannotRun):
    """The cluster or namespace may not be drilled."""


class Interrupted(CannotRun):
    """A signal ended the work."""


class CannotHeal(OddsockError):
    """Something that a fault changed could not be put back."""

    exit_code = EXIT_CANNOT_HEAL
