"""`python -m oddsock.cluster SETTINGS.json` runs a control plane until SIGTERM, SIGINT or the end of its lifeline.

What is imported here is what the zygote and the control plane share: the one is forked before the other imports the
rest, so that both import at the same time.
"""

import asyncio
import gc
import logging
import sys
from pathlib import Path

import msgspec

from oddsock.cluster.forks import Zygote
from oddsock.cluster.images import preload_of
from oddsock.cluster.network_mode import settle
from oddsock.cluster.settings import ControlPlaneSettings
from oddsock.kit import log
from oddsock.kit.errors import EXIT_OK, OddsockError, UsageError

_log = logging.getLogger("oddsock.cluster")


def main(arguments: list[str]) -> int:
    """Run the control plane that the JSON file named on the command line describes; the exit code of what happened."""
    # What is made while it starts stays; walking it again and again for garbage is a tenth of the start.
    gc.disable()
    log.configure()
    try:
        if len(arguments) != 1:
            raise UsageError("One argument is wanted: the file of the control plane's settings.")
        text = Path(arguments[0]).read_bytes()
        settings = msgspec.json.decode(text, type=ControlPlaneSettings)
        ground = settle(settings.network, Path(settings.root), settings.host, settings.port)
    except (msgspec.MsgspecError, FileNotFoundError) as cause:
        _log.error("The settings of the control plane cannot be read: %s.", cause)
        return UsageError.exit_code
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    # Outside of every `try`, for in a pod this call ends with whatever the pod's module raises.
    zygote = Zygote.start(preload_of(settings.images)) if settings.forks else None
    from oddsock.cluster.control_plane import collect_rarely, run

    def on_ready(_: object) -> None:
        gc.freeze()
        collect_rarely()
        gc.enable()

    try:
        asyncio.run(run(settings, on_ready, zygote=zygote, ground=ground))
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
