"""What every test shares: the command as a user runs it, on a home of the test's own; a PostgreSQL of the session.

Nothing of either is left behind.
"""

import itertools
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from oddsock.kit.clock import SystemClock, sleep_blocking

COMMAND = (sys.executable, "-m", "oddsock")
RUN_S_MAX = 90.0
POLL_S = 0.02
LOADED_S_MAX = 45.0
"""Wall seconds a condition may take on a machine that is busy with other tests."""


@dataclass(frozen=True)
class Ended:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote to stdout, read as the one JSON document it must be."""
        return json.loads(self.out)

    @property
    def told(self) -> str:
        """Everything it wrote, for a failed assertion."""
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class Oddsock:
    """The command on *home*; whatever it started is ended by `end`."""

    home: Path
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The environment of a run: this one's, with the home, and nothing of a cluster's or a terminal's."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "ODDSOCK"))}
        return {**kept, "ODDSOCK_HOME": str(self.home), "COLUMNS": "160"}

    def run(self, *arguments: str, **more: Any) -> Ended:
        """Run the command to its end."""
        environment = {**self.environment(), **more.pop("env", {})}
        ended = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
            **more,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def succeed(self, *arguments: str) -> Ended:
        """Run the command and expect exit code 0."""
        ended = self.run(*arguments)
        assert ended.code == 0, ended.told
        return ended

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command in the background."""
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
        )
        self.started.append(process)
        return process

    def cases(self, name: str = "") -> list[Path]:
        """The case folders whose names hold *name*, oldest first."""
        return sorted(path.parent for path in (self.home / "cases").glob(f"*{name}*/case.json"))

    def processes(self) -> list[str]:
        """Every living process that belongs to this home, by its command line."""
        mark = str(self.home)
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
            ours = any(mark in text for text in (*words, *environment.values()))
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append(f"{process.pid} {' '.join(words)}")
        return found

    @staticmethod
    def wait_until(condition: Callable[[], object], within_s: float = LOADED_S_MAX) -> bool:
        """Whether *condition* came true within *within_s* wall seconds."""
        clock = SystemClock()
        end = clock.monotonic() + within_s
        while not condition():
            if clock.monotonic() > end:
                return False
            sleep_blocking(POLL_S)
        return True

    @staticmethod
    def pause(wall_s: float) -> None:
        """Let the world go on for *wall_s* wall seconds."""
        sleep_blocking(wall_s)

    @staticmethod
    def read_lines(path: Path) -> list[dict[str, Any]]:
        """Every line of a JSON lines file, each of which must be whole and ended; none when there is no file."""
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        assert lines.pop() == "", f"the last line of {path} is torn"
        return [json.loads(line) for line in lines]

    def wait_until_none_is_left(self, within_s: float = LOADED_S_MAX) -> None:
        """Return when no process of this home lives; fail when some still do after *within_s*."""
        self.wait_until(lambda: not self.processes(), within_s)
        assert self.processes() == []

    def end(self) -> None:
        """End everything that was started."""
        for process in self.started:
            process.kill()
            process.communicate()
        for state in sorted((self.home / "stacks").glob("*/stack.json")):
            self.run("down", "--name", state.parent.name)
        self.wait_until_none_is_left()


@pytest.fixture
def oddsock(tmp_path: Path) -> Iterator[Oddsock]:
    """The command on a home of this test's own, whose name has a blank in it."""
    command = Oddsock(tmp_path / "a home")
    yield command
    command.end()


@dataclass
class LongStack:
    """A stack that serves many tests; every test leaves it healed and takes it as it finds its books."""

    command: Oddsock
    status: dict[str, Any]

    def api(self, method: str, path: str, body: object = None, media: str = "application/merge-patch+json") -> Any:
        """The answer of its Kubernetes API to one call."""
        user = yaml.safe_load(Path(self.status["kubeconfig"]).read_text())["users"][0]["user"]
        headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": media}
        return self._ask(self.status["server"] + path, method, body, headers)

    def ask(self, service: str, path: str) -> Any:
        """What *service* of the shop answers to GET *path*."""
        return self._ask(self.status["services"][service] + path, "GET", None, {})

    def annotate(self, name: str, value: str | None) -> None:
        """Set or take away an annotation of the shop's namespace."""
        self.api("PATCH", "/api/v1/namespaces/sock-shop", {"metadata": {"annotations": {name: value}}})

    def replicas(self, deployment: str) -> int:
        """How many replicas *deployment* asks for."""
        found = self.api("GET", f"/apis/apps/v1/namespaces/sock-shop/deployments/{deployment}/scale")
        # Kubernetes leaves a zero out.
        return int(found["spec"].get("replicas", 0))

    def scale(self, deployment: str, replicas: int) -> None:
        """Ask for *replicas* of *deployment*."""
        path = f"/apis/apps/v1/namespaces/sock-shop/deployments/{deployment}/scale"
        self.api("PATCH", path, {"spec": {"replicas": replicas}})

    @staticmethod
    def _ask(url: str, method: str, body: object, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def long_stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongStack]:
    """A stack for the tests of one module and xdist group; it starts with the module's UP, else at speed 60.

    It ends with the module: a stack at this speed costs a quarter of a processor core even when nobody asks it.
    """
    command = Oddsock(tmp_path_factory.mktemp("long"))
    try:
        command.succeed("up", "--detach", *getattr(request.module, "UP", ("--speed", "60")))
        yield LongStack(command, command.succeed("status", "--json").json)
    finally:
        command.end()


PROGRAMS = Path("/usr/lib/postgresql")
POSTGRES_WALL_S = 60.0


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs, the newest that Debian has; skips where there are none."""
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: float(path.parent.parent.name))
    if found:
        return found[-1].parent
    if beside := shutil.which("postgres"):
        return Path(beside).resolve().parent
    pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")


def _as_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as nobody, whose the folder becomes."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of the socket of a running PostgreSQL; skips where there are no programs of it."""
    programs = postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="oddsock-pg-"))
    user, data = _as_user(folder), folder / "data"
    with (folder / "log").open("wb") as log:
        started: dict[str, Any] = {"cwd": "/", "stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, **user}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True,
            timeout=POSTGRES_WALL_S,
            **started,
        )
        settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=on", "shared_buffers=32MB")
        words = [word for setting in settings for word in ("-c", setting)]
        server = subprocess.Popen([programs / "postgres", "-D", data, *words], **started)
        try:
            ready: list[str | Path] = [programs / "pg_isready", "-q", "-h", folder, "-U", "shop", "-t", "1"]
            for _ in range(int(POSTGRES_WALL_S)):
                if subprocess.run(ready, check=False, timeout=POSTGRES_WALL_S, **user).returncode == 0:
                    break
                if server.poll() is not None:
                    raise AssertionError((folder / "log").read_text())
            yield folder
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(POSTGRES_WALL_S)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(postgres: Path) -> Callable[[], str]:
    """Makes an empty schema of its own, which is made faster than a database, and answers its address."""
    psql, names = postgres_programs() / "psql", (f"shop{number}" for number in itertools.count())

    def make() -> str:
        name = next(names)
        words: list[str | Path] = ["-q", "-h", postgres, "-U", "shop", "-d", "postgres", "-c", f"CREATE SCHEMA {name}"]
        subprocess.run([psql, *words], check=True, timeout=POSTGRES_WALL_S, cwd="/")
        return f"postgresql://shop@/postgres?host={postgres}&search_path={name}"

    return make
