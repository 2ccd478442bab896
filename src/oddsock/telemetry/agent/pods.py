"""The pods of the cluster, followed by a watch; those that are gone are remembered a while, for their last lines."""

import asyncio
import logging
from collections import OrderedDict

from oddsock.kit.clock import Clock
from oddsock.kit.errors import OddsockError
from oddsock.telemetry.agent.api_server import ApiServer, Obj, backoff_s, pause

GONE_MAX = 300
"""Pods that are gone and still known."""

PATH = "/api/v1/pods"
_log = logging.getLogger(__name__)


class Pods:
    """Every pod of *namespaces* (all when it is empty), by uid, as the cluster last told it."""

    def __init__(self, namespaces: tuple[str, ...] = ()) -> None:
        self._namespaces = namespaces
        self._here: dict[str, Obj] = {}
        self._gone: OrderedDict[str, Obj] = OrderedDict()
        self.is_known = asyncio.Event()

    def here(self) -> list[Obj]:
        """The pods that are there."""
        return list(self._here.values())

    def find(self, uid: str) -> Obj | None:
        """Pod *uid*, there or gone; None when it was never seen."""
        return self._here.get(uid) or self._gone.get(uid)

    def uids(self) -> list[str]:
        """Every uid that `find` knows."""
        return [*self._here, *self._gone]

    def replace(self, pods: list[Obj]) -> None:
        """These *pods* are all there are."""
        fresh = {pod["metadata"]["uid"]: pod for pod in pods if self._is_ours(pod)}
        for uid in [uid for uid in self._here if uid not in fresh]:
            self._part(uid, self._here[uid])
        self._here = fresh
        self.is_known.set()

    def change(self, kind: str, pod: Obj) -> None:
        """One pod was ADDED, MODIFIED or DELETED."""
        if not self._is_ours(pod):
            return
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            self._part(uid, pod)
            self._here.pop(uid, None)
        else:
            self._here[uid] = pod

    async def follow(self, server: ApiServer, clock: Clock) -> None:
        """Keep up with *server* until cancelled; while it is away what was known stays."""
        failures = 0
        while True:
            try:
                pods, version = await server.listed(PATH)
                self.replace(pods)
                failures = 0
                async for kind, pod in server.changes(PATH, version):
                    self.change(kind, pod)
            except OddsockError as cause:
                failures += 1
                if failures == 1:
                    _log.warning("the pods cannot be followed: %s", cause)
            await pause(clock, backoff_s(max(failures, 1)))

    def _is_ours(self, pod: Obj) -> bool:
        return not self._namespaces or pod["metadata"].get("namespace") in self._namespaces

    def _part(self, uid: str, pod: Obj) -> None:
        self._gone[uid] = pod
        self._gone.move_to_end(uid)
        while len(self._gone) > GONE_MAX:
            self._gone.popitem(last=False)
