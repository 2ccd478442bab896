"""`python -m oddsock.telemetry.agent SETTINGS.json`: runs an agent until SIGTERM, SIGINT or the end of its lifeline."""

import asyncio
import logging
import sys
from pathlib import Path

import msgspec

from oddsock.kit import log
from oddsock.kit.errors import EXIT_CANNOT_RUN, EXIT_OK, OddsockError, UsageError
from oddsock.telemetry.agent.settings import AgentSettings

_log = logging.getLogger("oddsock.telemetry.agent")


def main(arguments: list[str]) -> int:
    """Run the agent that the JSON file named on the command line describes; the exit code of what happened."""
    log.configure()
    for library in ("httpx", "httpx2", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        if len(arguments) != 1:
            raise UsageError("One argument is wanted: the file of the agent's settings.")
        settings = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=AgentSettings)
        settings.check()
        from oddsock.telemetry.agent.agent import run

        asyncio.run(run(settings))
    except (msgspec.MsgspecError, FileNotFoundError) as cause:
        _log.error("The settings of the agent cannot be read: %s.", cause)
        return UsageError.exit_code
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    except BaseExceptionGroup as group:
        _log.error("the agent ended by a fault of ours", exc_info=group)
        return EXIT_CANNOT_RUN
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
