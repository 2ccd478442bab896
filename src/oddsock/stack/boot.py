"""Start a stack, wait until its shop is available, take it down; nothing is left running when any of it fails."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

from oddsock.kit.clock import SystemClock, iso, sleep_blocking
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import explain_disk, try_lock
from oddsock.stack import manifests
from oddsock.stack.control_plane import LOG, ControlPlane, end_process, write_private
from oddsock.stack.kubeconfig import kubeconfig_text
from oddsock.stack.state import Child, StackState, find, folder, forget, read_state, write_state

if TYPE_CHECKING:
    from oddsock.stack.console import Console
    from oddsock.stack.telemetry import Telemetry

KeptBy = Literal["terminal", "itself", "drill"]
Network = Literal["auto", "ns", "ports"]
"""Network mode; `auto` is a network namespace where the machine allows it, else `ports`."""

API_S_MAX = 15.0
"""Wall seconds the API server may take to answer for the first time."""
SHOP_S_MAX = 60.0
"""Wall seconds until every deployment must be available."""
STOP_S_MAX = 10.0
"""Wall seconds the control plane may take to end its pods and itself before it is killed."""
POLL_S = 0.01
"""Wall seconds between two looks at what the control plane has told."""
WORD_S_MAX = 0.1
"""Wall seconds that its word is waited for before other things are looked at."""
NAMESPACE = "sock-shop"


class Wish(NamedTuple):
    """How a stack is to be.

    Kept by "itself" it outlives the process that starts it; otherwise it dies with that process, however that ends. Its
    pods are forked from a warm process where the machine allows it, unless *forks* is false. *switches* are values of
    the shop's switches other than its manifests'. With *telemetry* a store and an agent stand beside it;
    *alerts* makes the shipped monitors, *log_pipeline* the shipped log pipelines; *to_datadog* ships to the real one.
    With *console* a console answers at an address of its own.
    """

    speed: float = 1.0
    port: int = 0
    kept_by: KeptBy = "terminal"
    forks: bool = True
    network: Network = "auto"
    switches: Mapping[str, str] = MappingProxyType({})
    telemetry: bool = True
    alerts: bool = True
    log_pipeline: bool = False
    to_datadog: bool = False
    console: bool = False

    @property
    def installs(self) -> list[str]:
        """The folders of data/ whose documents the store begins with."""
        return ["dashboards", *(["monitors"] if self.alerts else []), *(["pipelines"] if self.log_pipeline else [])]


class Stack:
    """A stack that this process started; leave the `async with` block and it is taken down."""

    def __init__(
        self, home: Path, state: StackState, plane: ControlPlane, token: str, wish: Wish, lifeline: int
    ) -> None:
        self.home = home
        self.state = state
        self._plane = plane
        self._token = token
        self._wish = wish
        self._lifeline = lifeline
        self._telemetry: Telemetry | None = None
        self._console: Console | None = None
        self._ends_at = SystemClock().monotonic() + API_S_MAX

    @classmethod
    async def start(cls, home: Path, name: str, wish: Wish) -> "Stack":
        """Boot stack *name* and wait for its shop.

        CannotRun when it is up already, the port is taken, or it fails; UsageError for a switch that the shop lacks.
        """
        with _beginning(home, name):
            stack = cls._spawn(home, name, wish)
            try:
                while not stack._has_come_up():
                    await SystemClock().sleep(POLL_S)
            except BaseException:
                stack.stop()
                raise
            return stack

    @classmethod
    def start_blocking(cls, home: Path, name: str, wish: Wish, go_on: Callable[[], None]) -> "Stack":
        """`start` in a process that has no loop; *go_on* is called again and again, and ends it when it raises."""
        with _beginning(home, name):
            stack = cls._spawn(home, name, wish)
            try:
                while not stack._has_come_up():
                    go_on()
                    stack._plane.wait_for_word(WORD_S_MAX)
            except BaseException:
                stack.stop()
                raise
            return stack

    @classmethod
    def _spawn(cls, home: Path, name: str, wish: Wish) -> "Stack":
        place, token = folder(home, name), base64.urlsafe_b64encode(os.urandom(24)).decode()
        if wish.to_datadog:
            from oddsock.stack.telemetry import check_datadog

            check_datadog()
        objects = manifests.documents(switches=wish.switches, cache=home / "manifests.json")
        manifests.set_secrets(objects)
        lifeline, held = os.pipe()
        plane = ControlPlane.spawn(
            place,
            port=wish.port,
            token=token,
            speed=wish.speed,
            outlives=wish.kept_by == "itself",
            forks=wish.forks,
            network=wish.network,
            objects=objects,
            holds=held,
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
            speed=wish.speed,
            mode="",
            namespace=NAMESPACE,
            log=str(plane.log),
            kept_by=wish.kept_by,
        )
        stack = cls(home, state, plane, token, wish, lifeline)
        try:
            write_state(home, state)
        except BaseException:
            stack.stop()
            raise
        return stack

    def _has_come_up(self) -> bool:
        """Take in what the control plane has told; whether its shop is available. CannotRun when it takes too long."""
        self._plane.check()
        server, arrival = self._plane.read_told()
        if server and not self.state.server:
            self.state = self.state._replace(server=server)
            write_private(Path(self.state.kubeconfig), kubeconfig_text(server, self._token, NAMESPACE))
            self._ends_at = SystemClock().monotonic() + SHOP_S_MAX
        if arrival is None:
            if SystemClock().monotonic() >= self._ends_at:
                raise self._too_late()
            return False
        services = {name: f"http://{address}" for name, address in arrival["services"].items()}
        if self._wish.telemetry:
            self._start_telemetry(arrival.get("others", {}).get("mailbox.smtp", ""))
        self.state = self.state._replace(
            state="running",
            mode=arrival["mode"],
            services=services,
            storefront=services.get("front-end", ""),
            telemetry=self._telemetry.url if self._telemetry else "",
        )
        if self._wish.console:
            self._start_console()
        self.state = self.state._replace(children=self._children)
        write_state(self.home, self.state)
        return True

    def _start_telemetry(self, mail: str) -> None:
        wish = self._wish
        # Not before the shop is up: importing it would hold up its start.
        from oddsock.stack.telemetry import Telemetry

        self._telemetry = Telemetry.spawn(
            folder(self.home, self.state.name),
            lifeline=self._lifeline,
            outlives=wish.kept_by == "itself",
            speed=wish.speed,
            kubeconfig=self.state.kubeconfig,
            installs=wish.installs,
            to_datadog=wish.to_datadog,
            mail_server=f"smtp://{mail}" if mail else "",
        )

    def _start_console(self) -> None:
        from oddsock.stack.console import Console
        from oddsock.stack.telemetry import read_keys

        place = folder(self.home, self.state.name)
        self._console = Console.spawn(
            place,
            lifeline=self._lifeline,
            outlives=self._wish.kept_by == "itself",
            settings={
                "home": str(self.home),
                "kubeconfig": self.state.kubeconfig,
                "namespace": NAMESPACE,
                "stack": self.state.name,
                "storefront": self.state.storefront,
                "speed": self._wish.speed,
                "telemetry": self.state.telemetry,
                "to_datadog": self._wish.to_datadog,
                **read_keys(place),
            },
        )
        self.state = self.state._replace(console=self._console.url)

    @property
    def first_link(self) -> str:
        """Where the console is entered for the first time, once; empty without one."""
        return f"{self._console.url}{self._console.link}" if self._console else ""

    @property
    def _children(self) -> tuple[Child, ...]:
        """Everything beside the control plane, the agent last: `telemetry.ending` says why."""
        return (
            *((self._console.child,) if self._console else ()),
            *(self._telemetry.children if self._telemetry else ()),
        )

    def _reap(self) -> None:
        for started in (self._console, self._telemetry):
            if started is not None:
                started.reap()

    def _too_late(self) -> CannotRun:
        if not self.state.server:
            return CannotRun(f"The API server did not answer within {API_S_MAX:g} s.", f"See {self._plane.log}.")
        from oddsock.stack.api import what_is_missing

        missing = what_is_missing(self.state.server, self._token, NAMESPACE)
        return CannotRun(
            f"Not available within {SHOP_S_MAX:g} s: {missing}.", f"See {self._plane.log} and the pods' logs."
        )

    async def wait_for_end(self) -> None:
        """Return never while all is well; CannotRun when the control plane ends by itself."""
        clock = SystemClock()
        while True:
            self._plane.check()
            await clock.sleep(0.5)

    def stop(self) -> None:
        """Take the stack down and forget it."""
        if not self._children:
            self._plane.stop(STOP_S_MAX)
        else:
            from oddsock.stack.telemetry import ending

            with ending(self._children, self._reap):
                self._plane.stop(STOP_S_MAX)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        forget(self.home, self.state.name)
        if self.state.kept_by == "drill":
            from shutil import rmtree

            rmtree(folder(self.home, self.state.name), ignore_errors=True)

    def wait_for_end_blocking(self, go_on: Callable[[], None]) -> None:
        """`wait_for_end` in a process that has no loop; *go_on* as for `start_blocking`."""
        while True:
            go_on()
            self._plane.check()
            sleep_blocking(WORD_S_MAX)

    async def __aenter__(self) -> "Stack":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def _beginning(home: Path, name: str) -> Iterator[None]:
    """The time in which stack *name* is started, by this process alone; CannotRun when it is up."""
    place = folder(home, name)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (lock := try_lock(place / "lock")) is None:
            raise CannotRun(f"Stack {name} is being started by another process.", "Wait for it, or use another --name.")
        with lock:
            if alive := find(home, name):
                raise CannotRun(
                    f"Stack {name} is up already (process {alive.pid}, since {alive.started_at}).",
                    "Use it, end it with `oddsock down`, or choose another --name.",
                )
            yield
    except OSError as cause:
        raise explain_disk(cause, place) from cause


def stop(home: Path, name: str, keep_books: bool = False) -> bool:
    """Take down stack *name*, whoever started it, and remove its folder but the log; False when none was up."""
    from shutil import rmtree

    from oddsock.stack.console import LOG as CONSOLE_LOG
    from oddsock.stack.telemetry import LOGS, ending

    state = read_state(home, name)
    alive = state is not None and state.is_alive
    if state is not None:
        with ending(state.children):
            if alive:
                end_process(state.pid, state.pid_started_at, STOP_S_MAX)
    forget(home, name)
    kept = {LOG, *LOGS, CONSOLE_LOG, "lock", *(["volumes"] if keep_books else [])}
    place = folder(home, name)
    for left in place.iterdir() if place.exists() else ():
        if left.name in kept:
            continue
        if left.is_dir():
            rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return alive
