"""Packages of npm that tests use, each fetched once into pytest's cache; skipped where there is no npm or registry."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

FETCH_S_MAX = 180


def fetch(config: pytest.Config, package: str) -> Path:
    """The folder node_modules with *package*, as `name@version`, in it."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip(f"{package} needs node and npm")
    name = package.rpartition("@")[0].strip("@").replace("/", "-")
    folder = Path(config.cache.mkdir(f"npm-{name}")) if config.cache else pytest.skip("pytest runs without its cache")
    done = folder / "done"
    with (folder / "lock").open("w") as lock:
        # Workers of one run share the folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != package:
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), package]
            try:
                ended = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S_MAX, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm could not fetch {package} within {FETCH_S_MAX} s")
            if ended.returncode:
                pytest.skip(f"npm could not fetch {package}: {ended.stderr[-300:]}")
            done.write_text(package)
    return folder / "node_modules"
