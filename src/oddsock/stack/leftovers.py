"""What drills that were killed left of their own stacks: no process (those died with them), but folders."""

import os
import shutil
from pathlib import Path

from oddsock.kit.files import try_lock
from oddsock.stack.state import find

PREFIX = "drill-"


def own_name() -> str:
    """The name of the stack that this process boots for a drill of its own."""
    return f"{PREFIX}{os.getpid()}"


def sweep(home: Path) -> list[str]:
    """Remove the folders of drills' own stacks that are dead, and answer their names."""
    swept = []
    for place in sorted((home / "stacks").glob(f"{PREFIX}*")):
        if find(home, place.name) is not None or (lock := try_lock(place / "lock")) is None:
            continue
        with lock:
            shutil.rmtree(place, ignore_errors=True)
        swept.append(place.name)
    return swept
