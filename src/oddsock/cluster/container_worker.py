"""One container of a pod: started, probed, started again after its back-off, stopped.

Reasons and texts are the kubelet's.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from oddsock.cluster.addresses import Address, ports_text
from oddsock.cluster.backoff import FIRST_S, Backoff
from oddsock.cluster.container_log import ContainerLog
from oddsock.cluster.containers import Command, ContainerProcess
from oddsock.cluster.environment import BadConfiguration, container_environment, expanded, machine_environment
from oddsock.cluster.kinds import Obj
from oddsock.cluster.machine import Machine
from oddsock.cluster.output import Output
from oddsock.cluster.pod_status import ContainerState, restarts_after, terminated
from oddsock.cluster.probe_actions import ask_command, ask_http, ask_tcp
from oddsock.cluster.probes import Answer, Probe, probe_of, watch_probe
from oddsock.cluster.sessions import Session, begin_session
from oddsock.cluster.store import timestamp
from oddsock.cluster.volumes import led, mounts
from oddsock.kit.errors import CannotRun
from oddsock.kit.settings import FAULTS

LOGS_KEPT = 2
"""Runs of one container whose logs are kept: the current and the previous."""
START_ERROR = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the containers of one pod live: its address, its ports, its volumes and its folder."""

    pod_ip: str
    ports: Mapping[int, Address]
    folders: Mapping[str, Path]
    folder: Path


class ContainerWorker:
    """Runs one container until it is done or stopped; *publish* is called after every change of `state`."""

    def __init__(self, pod: Obj, container: Obj, machine: Machine, publish: Callable[[], None]) -> None:
        self.state = ContainerState(container["name"], container.get("image", ""))
        self._pod = pod
        self._container = container
        self._machine = machine
        self._publish = publish
        self._process: ContainerProcess | None = None
        self._output: Output | None = None
        self._sessions: WeakSet[Session] = WeakSet()
        self._command: Command | None = None
        self._place: Place | None = None
        self._probes: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._run = -1

    async def run(self, place: Place) -> None:
        """Run the container as often as its pod's restartPolicy says; returns when it ended for good."""
        self._place = place
        policy, backoff = self._pod["spec"].get("restartPolicy", "Always"), Backoff()
        while not self._is_stopping:
            entry_point = await self._pull()
            self._command = await self._configure(place, entry_point)
            begun = self._machine.clock.monotonic()
            code = await self._run_once(self._command)
            ran_s = (self._machine.clock.monotonic() - begun) * self._machine.clock.speed
            if self._is_stopping or not restarts_after(policy, code):
                return
            await self._back_off(backoff.next_s(ran_s))
            self.state.restarts += 1

    async def stop(self, kill_now: asyncio.Event) -> None:
        """End the container: SIGTERM, and SIGKILL to all of it when *kill_now* is set first."""
        self._is_stopping = True
        self._end_probes()
        process = self._process
        if process is None or process.exit_code.done():
            return
        self._tell("Killing", f"Stopping container {self.state.name}")
        await self._end(process, kill_now)

    def log_path(self, previous: bool) -> Path | None:
        """The log of the current run, or of the one before; None when there was none."""
        run = self._run - 1 if previous else self._run
        return self._log_file(run) if run >= 0 else None

    async def execute(self, arguments: Sequence[str], has_input: bool, has_terminal: bool) -> Session | None:
        """A session of a command in the container's surroundings; None while it does not run. OSError as `start`."""
        if self._command is None or self._place is None or not self.state.is_running:
            return None
        mounted, meta = mounts(self._container, self._place.folders), self._pod["metadata"]
        environment = {**({"TERM": "xterm"} if has_terminal else {}), **self._command.environment}
        told = [led(str(part), mounted) for part in arguments]
        command = Command(told, environment, self._command.folder, has_input, has_terminal)
        session = await begin_session(self._machine.spawner, command, f"{meta['namespace']}/{meta['name']}")
        self._sessions.add(session)
        return session

    def attach(self) -> Session | None:
        """A session at the container's own process, perhaps ended already; None before its first start."""
        if self._process is None or self._output is None:
            return None
        return Session(self._process, self._output, ends_input=bool(self._container.get("stdinOnce")))

    async def _end(self, process: ContainerProcess, kill_now: asyncio.Event) -> None:
        if not kill_now.is_set():
            process.ask_to_end()
            killing = asyncio.create_task(kill_now.wait())
            either: set[asyncio.Future[Any]] = {killing, process.exit_code}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                killing.cancel()
        await process.kill()

    async def _pull(self) -> list[str]:
        image, backoff, images = self.state.image, Backoff(FIRST_S), self._machine.images
        while (entry_point := images.entry_point(image)) is None:
            self._wait_in("ErrImagePull", images.refusal(image))
            self._tell("Failed", images.refusal(image), warn=True)
            self._tell("Failed", "Error: ErrImagePull", warn=True)
            await self._machine.clock.sleep(1.0)
            self._wait_in("ImagePullBackOff", f'Back-off pulling image "{image}"')
            self._tell("BackOff", f'Back-off pulling image "{image}"')
            self._tell("Failed", "Error: ImagePullBackOff", warn=True)
            await self._machine.clock.sleep(backoff.next_s())
        self._tell("Pulled", f'Container image "{image}" already present on machine')
        return entry_point

    async def _configure(self, place: Place, entry_point: list[str]) -> Command:
        backoff = Backoff(FIRST_S)
        while True:
            try:
                return self._command_of(place, entry_point)
            except CannotRun as cause:
                self._wait_in("CreateContainerConfigError", cause.sentence)
                self._tell("Failed", f"Error: {cause.sentence}", warn=True)
            await self._machine.clock.sleep(backoff.next_s())

    def _command_of(self, place: Place, entry_point: list[str]) -> Command:
        machine, pod, meta = self._machine, self._pod, self._pod["metadata"]
        namespace = meta["namespace"]
        mounted = mounts(self._container, place.folders)
        services = machine.network.service_environment(namespace)
        seen = {**pod, "status": {"podIP": place.pod_ip, "hostIP": machine.network.machine_address}}
        own = container_environment(seen, self._container, machine.store, services, mounted)
        environment = {
            **machine_environment(),
            "CURL_HOME": str(machine.network.curl_home(namespace)),
            "HOSTNAME": meta["name"],
            "POD_IP": place.pod_ip,
            **own,
            "ODDSOCK_PORTS": ports_text(place.ports),
            "ODDSOCK_HOSTS": str(machine.network.names_file(namespace)),
            FAULTS: str(machine.fault_files.path(namespace)),
            "ODDSOCK_SPEED": f"{machine.clock.speed:g}",
        }
        told = [*([] if entry_point else self._container.get("command") or ()), *(self._container.get("args") or ())]
        arguments = entry_point + [led(expanded(str(part), own), mounted) for part in told]
        if not arguments:
            raise BadConfiguration(f"no command specified for image {self.state.image}")
        folder = Path(led(str(self._container.get("workingDir") or ""), mounted))
        if not (folder.is_absolute() and folder.is_dir()):
            folder = place.folder / self.state.name
            folder.mkdir(parents=True, exist_ok=True)
        if is_at_terminal := bool(self._container.get("tty")):
            environment.setdefault("TERM", "xterm")
        is_warm = machine.images.is_warm(self.state.image)
        return Command(arguments, environment, folder, bool(self._container.get("stdin")), is_at_terminal, is_warm)

    async def _run_once(self, command: Command) -> int:
        clock, state = self._machine.clock, self.state
        self._run += 1
        if self._run >= LOGS_KEPT:
            self._log_file(self._run - LOGS_KEPT).unlink(missing_ok=True)
        output = Output(ContainerLog(self._log_file(self._run), clock), keeps_first=command.has_input)
        meta, begun_at = self._pod["metadata"], clock.now()
        self._tell("Created", f"Created container: {state.name}")
        try:
            self._process = await self._machine.spawner.start(command, output, f"{meta['namespace']}/{meta['name']}")
            self._output = output
        except OSError as cause:
            output.close()
            self._tell("Failed", f"Error: {command.arguments[0]} cannot be started: {cause.strerror}", warn=True)
            state.state = terminated(START_ERROR, begun_at, clock.now(), "")
            state.state["terminated"]["reason"] = "StartError"
            self._publish()
            return START_ERROR
        state.container_id = f"oddsock://{self._process.pid}"
        state.state = {"running": {"startedAt": timestamp(begun_at)}}
        self._tell("Started", f"Started container {state.name}")
        self._begin_probes()
        try:
            code = await asyncio.shield(self._process.exit_code)
        finally:
            self._end_probes()
            # Commands that were run beside the container end with it.
            for session in list(self._sessions):
                session.kill()
        state.state = terminated(code, begun_at, clock.now(), state.container_id)
        state.is_ready = state.is_started = False
        self._publish()
        return code

    async def _back_off(self, wait_s: float) -> None:
        self.state.last = self.state.state
        if not wait_s:
            return
        meta = self._pod["metadata"]
        whom = f"{self.state.name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
        text = f"back-off {wait_s:g}s restarting failed container={self.state.name} pod={whom.partition('pod ')[2]}"
        self._wait_in("CrashLoopBackOff", text)
        self._tell("BackOff", f"Back-off restarting failed container {whom}", warn=True)
        await self._machine.clock.sleep(wait_s)

    def _begin_probes(self) -> None:
        if startup := probe_of(self._container, "Startup"):
            self._watch(startup)
        else:
            self._begin_lasting_probes()
        self._publish()

    def _begin_lasting_probes(self) -> None:
        self.state.is_started = True
        if readiness := probe_of(self._container, "Readiness"):
            self._watch(readiness)
        else:
            self.state.is_ready = True
        if liveness := probe_of(self._container, "Liveness"):
            self._watch(liveness)

    def _watch(self, probe: Probe) -> None:
        watching = watch_probe(probe, self._ask, self._machine.clock, self._on_failure, self._on_verdict)
        task = asyncio.create_task(watching, name=f"{probe.kind} of {self.state.name}")
        self._probes.add(task)
        task.add_done_callback(self._on_probe_end)

    def _on_probe_end(self, task: "asyncio.Task[None]") -> None:
        self._probes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s probe ended", task.get_name(), exc_info=error)

    def _end_probes(self) -> None:
        for task in self._probes:
            task.cancel()

    def _on_failure(self, probe: Probe, output: str) -> None:
        self._tell("Unhealthy", f"{probe.kind} probe failed: {output}", warn=True)

    async def _on_verdict(self, probe: Probe, ok: bool) -> bool:
        if probe.kind == "Readiness":
            self.state.is_ready = ok
            self._publish()
            return False
        if ok:
            if probe.kind == "Startup":
                self._begin_lasting_probes()
                self._publish()
                return True
            return False
        self._tell("Killing", f"Container {self.state.name} failed {probe.kind.lower()} probe, will be restarted")
        # Not in the probe's own task, which the end of the process cancels.
        restart = asyncio.create_task(self._end_for_restart(probe), name=f"end of {self.state.name}")
        self._probes.add(restart)
        restart.add_done_callback(self._on_probe_end)
        return True

    async def _end_for_restart(self, probe: Probe) -> None:
        own = probe.action.get("terminationGracePeriodSeconds")
        grace_s = own if own is not None else self._pod["spec"].get("terminationGracePeriodSeconds", 30)
        if self._process is not None:
            self._process.ask_to_end()
            try:
                async with asyncio.timeout(self._machine.grace_wall_s(grace_s)):
                    await asyncio.shield(self._process.exit_code)
            except TimeoutError:
                await self._process.kill()

    async def _ask(self, probe: Probe) -> Answer:
        timeout_s = probe.timeout_wall_s(self._machine.clock.speed)
        if http := probe.action.get("httpGet"):
            return await ask_http(
                self._address(http), http.get("path") or "/", http.get("httpHeaders") or [], timeout_s
            )
        if tcp := probe.action.get("tcpSocket"):
            return await ask_tcp(self._address(tcp), timeout_s)
        if (action := probe.action.get("exec")) and self._command is not None and self._place is not None:
            mounted = mounts(self._container, self._place.folders)
            arguments = [led(str(part), mounted) for part in action["command"]]
            command = Command(arguments, self._command.environment, self._command.folder)
            return await ask_command(self._machine.spawner, command, timeout_s)
        return Answer(False, f"this cluster has no probe of {', '.join(probe.action)}")

    def _address(self, action: Obj) -> Address:
        assert self._place is not None
        named = {port.get("name"): port["containerPort"] for port in self._container.get("ports") or ()}
        port = int(str(named.get(action["port"], action["port"])))
        host, bound = self._place.ports.get(port, (self._place.pod_ip, port))
        return action.get("host") or host, bound

    def _wait_in(self, reason: str, message: str) -> None:
        self.state.state = {"waiting": {"reason": reason, "message": message}}
        self._publish()

    def _tell(self, reason: str, message: str, warn: bool = False) -> None:
        self._machine.tell(self._pod, reason, message, warn=warn, container=self.state.name)

    def _log_file(self, run: int) -> Path:
        meta = self._pod["metadata"]
        folder = f"{meta['namespace']}_{meta['name']}_{meta['uid']}"
        return self._machine.logs / folder / self.state.name / f"{run}.log"
