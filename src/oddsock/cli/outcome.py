"""From what happened to one sentence on stderr and an exit code; a user never meets a traceback unasked."""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from oddsock.cli import screen
from oddsock.cli.up_order import read_up
from oddsock.cli.words import hoisted
from oddsock.kit.errors import EXIT_CANNOT_RUN, EXIT_OK, EXIT_USAGE, CannotRun, Interrupted, OddsockError

if TYPE_CHECKING:
    import typer

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(arguments: Sequence[str]) -> int:
    """Run the command line *arguments* and answer the exit code; every failure is one sentence on stderr."""
    words = hoisted(arguments)
    if home := _option(words, "--home"):
        os.environ["ODDSOCK_HOME"] = str(Path(home).expanduser().absolute())
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        if (order := read_up(words)) is not None:
            from oddsock.cli.booting import boot

            boot(order)
            return EXIT_OK
        return _run_verb(words)
    except OddsockError as cause:
        return _say(cause)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); nothing is wrong. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as cause:
        return _say(_from_disk(cause)) if cause.errno in _DISK else _say_unexpected(cause, "--debug" in words)
    except Exception as cause:  # noqa: BLE001 - the last net: a user reads a sentence, the log file holds the rest
        return _say_unexpected(cause, "--debug" in words)


def _run_verb(words: Sequence[str]) -> int:
    import typer

    from oddsock.cli.registry import application

    try:
        return int(application()(words, prog_name="oddsock", standalone_mode=False) or EXIT_OK)
    except typer.TyperException as cause:
        return _say_usage(cause)
    except typer.Abort:
        return _say(Interrupted("Stopped before anything was done."))


def _option(words: Sequence[str], name: str) -> str:
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word == "--":
            break
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second signal must not cut short what the first one set going.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(f"Stopped by {signal.Signals(number).name}.")


def _say(error: OddsockError) -> int:
    screen.note(f"oddsock: {error}")
    return error.exit_code


def _say_usage(cause: "typer.TyperException") -> int:
    if not (sentence := cause.format_message().strip()):
        return EXIT_USAGE
    context = getattr(cause, "ctx", None)
    path = context.command_path if context is not None else "oddsock"
    if type(cause).__name__ == "NoArgsIsHelpError":
        screen.say(sentence)
        return EXIT_USAGE
    full_stop = "" if sentence.endswith((".", "?", "!")) else "."
    screen.note(f"{path}: {sentence}{full_stop} See `{path} --help`.")
    return EXIT_USAGE


def _from_disk(cause: OSError) -> CannotRun:
    what = cause.filename or "A file"
    return CannotRun(
        f"{what} cannot be written or read: {os.strerror(cause.errno or 0)}.",
        "Free space, or choose another folder with --home.",
    )


def _say_unexpected(cause: BaseException, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(cause)
    sentence = " ".join(f"{type(cause).__name__}: {cause}".split())
    screen.note(f"oddsock: This should not have happened: {sentence} ({_keep(cause)})")
    return EXIT_CANNOT_RUN


def _keep(cause: BaseException) -> str:
    """Write the traceback into the home's log folder; where it stands, or how to see it when it could not be kept."""
    import traceback

    from oddsock.kit.clock import SystemClock
    from oddsock.kit.mask import mask_private
    from oddsock.kit.settings import home

    path = home() / "logs" / f"error-{SystemClock().now():%Y%m%dT%H%M%S%f}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(mask_private("".join(traceback.format_exception(cause))), encoding="utf-8")
    except OSError:
        return "run it again with --debug to see where"
    return f"the whole of it is in {path}"
