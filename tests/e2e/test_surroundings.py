"""Incident 3 where oddsock may find itself: either network, no terminal, a blank in the path, company, not root."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import oddsock as product
from oddsock.cluster.namespace_network_entry import probe

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e

NO_NAMESPACE = probe()
NOBODY = 65534
RUN_S_MAX = 90.0
WAIT_S = 60.0
IMPACT = {"orders_attempted": 5, "orders_failed": 5, "customers_affected": 2, "at_risk_cents": 37422}
RECOVERY = {"paid": 4, "declined": 1, "collected_cents": 25209, "declined_cents": 12213}
IN_NAMESPACE = pytest.param(
    "ns", marks=pytest.mark.skipif(bool(NO_NAMESPACE), reason=f"no network namespace here: {NO_NAMESPACE}")
)


class Person:
    """Somebody who runs the command without a terminal: as *user*, with *python*, in *environment*."""

    def __init__(self, python: str, environment: Mapping[str, str], user: int | None = None) -> None:
        self.python = python
        self.environment = dict(environment)
        self.started_as: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}

    def run(self, *arguments: str) -> str:
        """What one run writes, which must end with exit code 0; its session has no terminal at all."""
        ended = subprocess.run(
            [self.python, "-m", "oddsock", *arguments],
            env=self.environment,
            cwd=self.environment["ODDSOCK_HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=RUN_S_MAX,
            check=False,
            **self.started_as,
        )
        assert ended.returncode == 0, f"exit code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return str(ended.stdout)

    def succeed(self, *arguments: str) -> Any:
        """The JSON document that one run writes."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def home_of_nobody(oddsock: "Oddsock") -> Iterator[Path]:
    """A home that the user `nobody` owns, where `nobody` gets to, unlike the folders of the tests."""
    place = Path(tempfile.mkdtemp(prefix="oddsock of nobody "))
    oddsock.home = place / "a home"
    oddsock.home.mkdir()
    for folder in (place, oddsock.home):
        os.chown(folder, NOBODY, NOBODY)
    yield oddsock.home
    oddsock.end()
    shutil.rmtree(place)


def drill(person: Person, network: str) -> str:
    """Run incident 3 on a stack that stays up, and see its figures; the stack's network mode."""
    assert " " in person.environment["ODDSOCK_HOME"]
    mode = person.succeed("up", "--detach", "--speed", "60", "--network", network)["mode"]
    path = Path(person.succeed("drill", "incident-3", "--speed", "60")["report"])
    report = json.loads(path.with_suffix(".json").read_text())
    assert {key: report["impact"][key] for key in IMPACT} == IMPACT
    assert {key: report["recovery"][key] for key in RECOVERY} == RECOVERY
    assert report["odd"]["after"] == {}
    assert [report["verdicts"][name]["verdict"] for name in ("fault", "system", "cleanup")] == ["ok", "odd", "ok"]
    return str(mode)


@pytest.mark.parametrize("network", ["ports", IN_NAMESPACE])
def test_incident_3_passes_in_either_network_beside_a_second_stack(oddsock: "Oddsock", network: str) -> None:
    oddsock.home.mkdir()
    person = Person(sys.executable, oddsock.environment())
    other = person.succeed("up", "--detach", "--name", "other", "--network", network)
    assert drill(person, network) == other["mode"] == network

    after = person.succeed("status", "--name", "other")
    assert (after["pid"], after["state"], after["unhealed"]) == (other["pid"], "running", [])
    assert all(one["available"] == one["replicas"] for one in after["deployments"])
    with urllib.request.urlopen(f"{after['services']['orders']}/journal", timeout=WAIT_S) as answer:
        assert json.loads(answer.read())["changes"] == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="not root: every other test is this one already")
def test_incident_3_passes_for_a_user_without_rights(oddsock: "Oddsock", home_of_nobody: Path) -> None:
    # Not the environment of root, whose folders (HOME, TMPDIR) may be closed to anybody else.
    libraries = [str(Path(product.__file__).parents[1]), sysconfig.get_path("purelib")]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home_of_nobody),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(libraries),
        "ODDSOCK_HOME": str(home_of_nobody),
    }
    person = Person(python_for_nobody(environment), environment, NOBODY)
    mode = drill(person, "auto")
    assert mode in ("ns", "ports")
    owners = {psutil.Process(int(line.split()[0])).uids().real for line in oddsock.processes()}
    assert owners == {NOBODY}, f"in mode {mode}"
    person.run("down")
    oddsock.wait_until_none_is_left(WAIT_S)


def python_for_nobody(environment: Mapping[str, str]) -> str:
    """A Python like ours that `nobody` may run, with our libraries; skips where one of them is out of reach."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    why = ""
    for python in filter(None, (sys.executable, shutil.which(version, path=environment["PATH"]))):
        try:
            tried = subprocess.run(
                [python, "-m", "oddsock", "--version"],
                env=environment,
                cwd=environment["HOME"],
                capture_output=True,
                text=True,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                timeout=WAIT_S,
                check=False,
            )
        except OSError as cause:
            why = str(cause)
            continue
        if tried.returncode == 0:
            return python
        why = tried.stderr.strip().rpartition("\n")[2]
    pytest.skip(f"the user nobody cannot reach this checkout or its Python: {why}")
