"""The words of a command line before the library that knows all of them is imported."""

from collections.abc import Sequence

GLOBAL_OPTIONS = {"--home": True, "--debug": False}
"""Options that may stand before or after the verb; True for those that take a value."""


def hoisted(arguments: Sequence[str]) -> list[str]:
    """*arguments* with the global options moved in front of the verb; what follows `--` stays.

    >>> hoisted(["status", "--json", "--home", "here"])
    ['--home', 'here', 'status', '--json']
    """
    front: list[str] = []
    rest: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += [word, *left]
            break
        name, equals, _ = word.partition("=")
        if name not in GLOBAL_OPTIONS:
            rest.append(word)
        elif GLOBAL_OPTIONS[name] and not equals and left:
            front += [word, left.pop(0)]
        else:
            front.append(word)
    return front + rest
