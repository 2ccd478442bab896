"""The files by which pods learn what is armed in them, and tell how often a fault was met.

<folder>/<namespace>             a JSON object a line, a line a fault; not there while nothing is armed (ODDSOCK_FAULTS)
<folder>/<namespace>.<uid>       written by the pods: a line a reach of a fault point
<folder>/<namespace>.<uid>.hits  written by the pods: a byte a hit
"""

import json
from pathlib import Path

from oddsock.cluster.kinds import Obj
from oddsock.kit.files import write_whole


class FaultFiles:
    """The files of armed faults under *folder*, which is made when the first fault is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, namespace: str) -> Path:
        """The file that arms the pods of *namespace*."""
        return self._folder / namespace

    def arm(self, namespace: str, rows: list[Obj]) -> None:
        """Let *rows* and no others be armed in *namespace*; a file that says so already stays as it is."""
        path = self.path(namespace)
        if not rows:
            path.unlink(missing_ok=True)
            return
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if path.exists() and path.read_text() == text:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, durable=False)

    def hits(self, namespace: str, uid: str) -> int:
        """How often the fault *uid* was met."""
        try:
            return self._of(namespace, uid, ".hits").stat().st_size
        except FileNotFoundError:
            return 0

    def forget(self, namespace: str, uid: str) -> None:
        """Take away what pods wrote of the fault *uid*."""
        for suffix in ("", ".hits"):
            self._of(namespace, uid, suffix).unlink(missing_ok=True)

    def _of(self, namespace: str, uid: str, suffix: str) -> Path:
        return self._folder / f"{namespace}.{uid}{suffix}"
