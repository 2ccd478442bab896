"""What this machine can do, looked at without changing anything but one file that is removed again."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import msgspec

DISK_BYTES_MIN = 50 * 1024 * 1024
"""Free bytes that one drill with its case and its stack may need (measured: about 8 MB)."""
KUBECTL_S_MAX = 5.0
PYTHON_MIN = (3, 11)


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `missing` means that drills cannot run without it, `without` that they can."""

    what: str
    verdict: Literal["ok", "without", "missing"]
    found: str


def examine(home: Path) -> list[Symptom]:
    """Everything that matters to a drill on this machine, with *home* as the folder of stacks and cases."""
    return [_python(), _processes(), _loopback(), _network(), *_disk(home), _kubectl(), _faults()]


def _python() -> Symptom:
    verdict: Literal["ok", "missing"] = "ok" if sys.version_info >= PYTHON_MIN else "missing"
    return Symptom(what="python", verdict=verdict, found=f"{platform.python_version()} ({sys.executable})")


def _processes() -> Symptom:
    if os.name != "posix":
        return Symptom(what="processes", verdict="missing", found="pods need POSIX processes; use WSL on Windows")
    nets = "lifeline and PR_SET_PDEATHSIG" if sys.platform == "linux" else "lifeline only"
    return Symptom(what="processes", verdict="ok", found=f"pods end with their parent by {nets}")


def _loopback() -> Symptom:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return Symptom(
                what="ports", verdict="ok", found=f"127.0.0.1 gives free ports (such as {server.getsockname()[1]})"
            )
    except OSError as cause:
        return Symptom(what="ports", verdict="missing", found=f"127.0.0.1 cannot be listened on: {cause.strerror}")


def _network() -> Symptom:
    from oddsock.cluster.namespace_network_entry import probe

    if why := probe():
        found = f"ports: each Service at a port of its own on 127.0.0.1 (ns is not possible here: {why})"
        return Symptom(what="network mode", verdict="without", found=found)
    return Symptom(what="network mode", verdict="ok", found="ns: service names and cluster IPs are real; or ports")


def _disk(home: Path) -> list[Symptom]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home) as trial:
            trial.write(b"oddsock")
            os.fsync(trial.fileno())
    except OSError as cause:
        return [Symptom(what="home", verdict="missing", found=f"{home} cannot be written: {cause.strerror}")]
    free = shutil.disk_usage(home).free
    verdict: Literal["ok", "missing"] = "ok" if free >= DISK_BYTES_MIN else "missing"
    return [
        Symptom(what="home", verdict="ok", found=str(home)),
        Symptom(
            what="disk", verdict=verdict, found=f"{free // 2**20} MB free, {DISK_BYTES_MIN // 2**20} MB are enough"
        ),
    ]


def _kubectl() -> Symptom:
    path = shutil.which("kubectl")
    if path is None:
        return Symptom(what="kubectl", verdict="without", found="not found; drills do not need it")
    try:
        answer = subprocess.run(
            [path, "version", "--client"], capture_output=True, text=True, timeout=KUBECTL_S_MAX, check=True
        )
    except (OSError, subprocess.SubprocessError) as cause:
        return Symptom(what="kubectl", verdict="without", found=f"{path} does not run: {cause}")
    version = answer.stdout.partition("\n")[0].removeprefix("Client Version: ").strip()
    return Symptom(what="kubectl", verdict="ok", found=f"{version} ({path})")


def _faults() -> Symptom:
    from oddsock.drill.faults.catalog import FAULTS

    return Symptom(what="faults", verdict="ok", found=", ".join(sorted(FAULTS)))
