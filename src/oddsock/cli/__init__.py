"""The command line: one file a verb, loaded when the verb is called; words and exit codes are for scripts too.

verbs      up down status env · drill heal · reconcile mend report orders · list doctor
registry   the table of verbs, and the group that loads them
outcome    from what happened to one sentence on stderr and an exit code
screen     tables, plain text, JSON
"""

import sys


def main() -> None:
    """Run the command line and end this process with one of the exit codes of kit.errors."""
    from oddsock.cli.outcome import run

    sys.exit(run(sys.argv[1:]))
