"""A PostgreSQL of the session: Debian's programs, an unprivileged user, a UNIX socket only, fsync on."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

PROGRAMS = Path("/usr/lib/postgresql")
WAIT_WALL_S = 60.0


def _programs() -> Path | None:
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: float(path.parent.parent.name))
    if found:
        return found[-1].parent
    beside = shutil.which("postgres")
    return Path(beside).resolve().parent if beside else None


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
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="oddsock-pg-"))
    user, data = _as_user(folder), folder / "data"
    with (folder / "log").open("wb") as log:
        started: dict[str, Any] = {"cwd": "/", "stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, **user}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True,
            timeout=WAIT_WALL_S,
            **started,
        )
        settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=on", "shared_buffers=32MB")
        words = [word for setting in settings for word in ("-c", setting)]
        server = subprocess.Popen([programs / "postgres", "-D", data, *words], **started)
        try:
            ready: list[str | Path] = [programs / "pg_isready", "-q", "-h", folder, "-U", "shop", "-t", "1"]
            for _ in range(int(WAIT_WALL_S)):
                if subprocess.run(ready, check=False, timeout=WAIT_WALL_S, **user).returncode == 0:
                    break
                if server.poll() is not None:
                    raise AssertionError((folder / "log").read_text())
            yield folder
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(WAIT_WALL_S)
            shutil.rmtree(folder, ignore_errors=True)


_made = iter(range(10_000))


@pytest.fixture
async def new_database(postgres: Path) -> AsyncIterator[Callable[[], Any]]:
    """Makes an empty schema of its own, which is made faster than a database, and answers its address."""

    async def make() -> str:
        name = f"shop{next(_made)}"
        connection = await asyncpg.connect(host=str(postgres), user="shop", database="postgres")
        await connection.execute(f"CREATE SCHEMA {name}")
        await connection.close()
        return f"postgresql://shop@/postgres?host={postgres}&search_path={name}"

    yield make
