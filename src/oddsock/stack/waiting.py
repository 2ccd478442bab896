"""`python -I -S waiting.py FD WORDS...`: wait until somebody connects to a socket, then become what answers there.

A console that nobody opens costs a few megabytes this way and none of a start's time. Imports nothing of the house,
which would be most of both. Ends with the lifeline (ODDSOCK_LIFELINE, `kit.processes`) as the program would.
"""

import os
import select
import sys


def wait_and_become(fd: int, words: list[str]) -> None:
    """Replace this process by *words* at the first connection to *fd*; return when the lifeline ends before that."""
    lifeline = int(os.environ.get("ODDSOCK_LIFELINE", "-1"))
    readable, _, _ = select.select([fd, *([lifeline] if lifeline >= 0 else [])], [], [])
    if fd in readable:
        os.execv(words[0], words)


if __name__ == "__main__":
    wait_and_become(int(sys.argv[1]), sys.argv[2:])
