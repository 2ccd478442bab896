"""Start a stack, wait until its shop is available, take it down; nothing is left running when any of it fails."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import msgspec

from oddsock.kit.clock import SystemClock, iso, wait_for
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, try_lock
from oddsock.stack import manifests
from oddsock.stack.control_plane import LOG, ControlPlane, end_process, write_private
from oddsock.stack.kubeconfig import kubeconfig_text
from oddsock.stack.state import StackState, find, folder, forget, read_state, write_state

if TYPE_CHECKING:
    from oddsock.stack.api import ApiDoor

KeptBy = Literal["terminal", "itself", "drill"]
Network = Literal["auto", "ns", "ports"]
"""Network mode; `auto` is a network namespace where the machine allows it, else `ports`."""

API_S_MAX = 15.0
"""Wall seconds the API server may take to answer for the first time."""
SHOP_S_MAX = 60.0
"""Wall seconds until every deployment must be available."""
STOP_S_MAX = 10.0
"""Wall seconds the control plane may take to end its pods and itself before it is killed."""
POLL_S = 0.05
"""Wall seconds between two looks at something that is awaited."""
NAMESPACE = "sock-shop"
NETWORK_MODE = "oddsock.dev/network-mode"
"""The annotation of every node that says which mode runs."""


class Stack:
    """A stack that this process started; leave the `async with` block and it is taken down."""

    def __init__(self, home: Path, state: StackState, plane: ControlPlane) -> None:
        self.home = home
        self.state = state
        self._plane = plane

    @classmethod
    async def start(
        cls,
        home: Path,
        name: str,
        speed: float = 1.0,
        port: int = 0,
        kept_by: KeptBy = "terminal",
        forks: bool = True,
        network: Network = "auto",
        switches: Mapping[str, str] | None = None,
    ) -> "Stack":
        """Boot stack *name* and wait for its shop; CannotRun when it is up already, the port is taken, or it fails.

        Kept by "itself" it outlives this process; otherwise it dies with this process, however that ends. Its pods are
        forked from a warm process where the machine allows it, unless *forks* is false. *switches* are values of the
        shop's switches other than its manifests'; UsageError for one that it does not have.
        """
        place = folder(home, name)
        try:
            return await cls._start(home, place, name, speed, port, kept_by, forks, network, switches or {})
        except OSError as cause:
            raise explain_disk(cause, place) from cause

    @classmethod
    async def _start(
        cls,
        home: Path,
        place: Path,
        name: str,
        speed: float,
        port: int,
        kept_by: KeptBy,
        forks: bool,
        network: Network,
        switches: Mapping[str, str],
    ) -> "Stack":
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (lock := try_lock(place / "lock")) is None:
            raise CannotRun(f"Stack {name} is being started by another process.", "Wait for it, or use another --name.")
        with lock:
            if alive := find(home, name):
                raise CannotRun(
                    f"Stack {name} is up already (process {alive.pid}, since {alive.started_at}).",
                    "Use it, end it with `oddsock down`, or choose another --name.",
                )
            return await cls._boot(home, place, name, speed, port, kept_by, forks, network, switches)

    @classmethod
    async def _boot(
        cls,
        home: Path,
        place: Path,
        name: str,
        speed: float,
        port: int,
        kept_by: KeptBy,
        forks: bool,
        network: Network,
        switches: Mapping[str, str],
    ) -> "Stack":
        token, outlives = secrets.token_urlsafe(24), kept_by == "itself"
        plane = ControlPlane.spawn(
            place, port=port, token=token, speed=speed, outlives=outlives, forks=forks, network=network
        )
        state = StackState(
            name=name,
            state="starting",
            pid=plane.pid,
            pid_started_at=plane.pid_started_at,
            started_at=iso(SystemClock().now()),
            server="",
            kubeconfig=str(place / "kubeconfig"),
            storefront="",
            services={},
            speed=speed,
            mode="",
            namespace=NAMESPACE,
            log=str(plane.log),
            kept_by=kept_by,
        )
        stack = cls(home, state, plane)
        try:
            write_state(home, state)
            await stack._bring_up(token, switches)
        except BaseException:
            stack.stop()
            raise
        return stack

    async def _bring_up(self, token: str, switches: Mapping[str, str]) -> None:
        # Not before now: its HTTP client is imported while the control plane boots.
        from oddsock.stack.api import ApiDoor

        server = await self._wait_for_api()
        write_private(Path(self.state.kubeconfig), kubeconfig_text(server, token, NAMESPACE))
        door = ApiDoor(server, token)
        try:
            for document in manifests.documents(switches=switches):
                await door.create(document)
            services = await self._wait_for_shop(door)
            nodes = (await door.get("/api/v1/nodes"))["items"]
        finally:
            await door.close()
        mode = nodes[0]["metadata"].get("annotations", {}).get(NETWORK_MODE, "ports")
        self.state = msgspec.structs.replace(
            self.state,
            state="running",
            server=server,
            mode=mode,
            services=services,
            storefront=services.get("front-end", ""),
        )
        write_state(self.home, self.state)

    async def _wait_for_api(self) -> str:
        async def has_told() -> str:
            self._plane.check()
            return self._plane.read_server()

        if not (server := await wait_for(has_told, SystemClock(), API_S_MAX, POLL_S)):
            raise CannotRun(f"The API server did not answer within {API_S_MAX:g} s.", f"See {self._plane.log}.")
        return server

    async def _wait_for_shop(self, door: "ApiDoor") -> dict[str, str]:
        """Service name to URL, once every deployment is available and every Service is listened on."""
        waiting: list[str] = []
        services: dict[str, str] = {}

        async def is_up() -> bool:
            self._plane.check()
            deployments = (await door.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"))["items"]
            listed = (await door.get(f"/api/v1/namespaces/{NAMESPACE}/services"))["items"]
            services.update(manifests.service_urls(listed))
            names = [one["metadata"]["name"] for one in deployments if not manifests.is_available(one)]
            silent = [one["metadata"]["name"] for one in listed if one["metadata"]["name"] not in services]
            waiting[:] = sorted({*names, *silent})
            return not waiting

        if not await wait_for(is_up, SystemClock(), SHOP_S_MAX, POLL_S):
            events = (await door.get(f"/api/v1/namespaces/{NAMESPACE}/events"))["items"]
            why = manifests.last_warning(events, waiting)
            raise CannotRun(
                f"Not available within {SHOP_S_MAX:g} s: {', '.join(waiting)}{why}.",
                f"See {self._plane.log} and the pods' logs.",
            )
        return services

    async def wait_for_end(self) -> None:
        """Return never while all is well; CannotRun when the control plane ends by itself."""
        clock = SystemClock()
        while True:
            self._plane.check()
            await clock.sleep(0.5)

    def stop(self) -> None:
        """Take the stack down and forget it."""
        self._plane.stop(STOP_S_MAX)
        forget(self.home, self.state.name)
        if self.state.kept_by == "drill":
            shutil.rmtree(folder(self.home, self.state.name), ignore_errors=True)

    async def __aenter__(self) -> "Stack":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def stop(home: Path, name: str, keep_books: bool = False) -> bool:
    """Take down stack *name*, whoever started it, and remove its folder but the log; False when none was up."""
    state = read_state(home, name)
    alive = state is not None and state.is_alive
    if state is not None and alive:
        end_process(state.pid, state.pid_started_at, STOP_S_MAX)
    forget(home, name)
    kept = {LOG, "lock", *(["volumes"] if keep_books else [])}
    place = folder(home, name)
    for left in place.iterdir() if place.exists() else ():
        if left.name in kept:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return alive
