"""What the dead left broken on this console's cluster is put back when the console starts, as by every verb."""

import asyncio
import logging

from oddsock.console.desk import Desk
from oddsock.drill.heal import close_killed_cases, heal_case, unhealed_cases
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import OddsockError

_log = logging.getLogger(__name__)


async def heal_what_the_dead_left(desk: Desk) -> list[str]:
    """Heal the open faults of killed drills and consoles on *desk*'s cluster; the names of their cases.

    What cannot be healed stays open and is listed on the page Now.
    """
    healed: list[str] = []
    try:
        cluster = await desk.cluster()
        for case in await asyncio.to_thread(unhealed_cases, desk.home):
            meta = case.meta
            if (meta.cluster.server, meta.namespace) == (cluster.server, cluster.namespace):
                for one in await heal_case(case, cluster, SystemClock(meta.speed)):
                    _log.info("Healed case %s, fault %s: %s.", case.name, one.id, one.sentence)
                healed.append(case.name)
        await asyncio.to_thread(close_killed_cases, desk.home)
    except OddsockError as error:
        _log.warning("What the dead left was not healed: %s", error)
    return healed
