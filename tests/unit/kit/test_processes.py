"""Children die with their parent; a reused process id is not taken for the old one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock, sleep_blocking

WATCHER = """
import os, sys
from oddsock.kit.clock import sleep_blocking
from oddsock.kit.processes import follow_lifeline
follow_lifeline()
print("up", flush=True)
sleep_blocking(30)
"""

FOLLOWER = """
import signal, subprocess, sys
from oddsock.kit.processes import die_with_parent
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], preexec_fn=die_with_parent)
print(child.pid, flush=True)
signal.pause()
"""


def _ends(pid: int, started_at: float, within_s: float = 3) -> bool:
    clock = SystemClock()
    end = clock.monotonic() + within_s
    while clock.monotonic() < end:
        if not processes.is_alive(pid, started_at):
            return True
        sleep_blocking(0.01)
    return False


def test_this_process_is_alive_and_another_start_time_is_not_it() -> None:
    started_at = processes.started_at(os.getpid())
    assert processes.is_alive(os.getpid(), started_at)
    assert not processes.is_alive(os.getpid(), started_at - 60)


def test_a_process_that_is_gone_or_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    started_at = processes.started_at(child.pid)
    assert _ends(child.pid, started_at)
    child.wait()
    assert not processes.is_alive(child.pid, started_at)
    assert processes.started_at(child.pid) == 0.0


def test_a_childs_whole_group_ends_with_its_lifeline() -> None:
    read, write = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", WATCHER],
        stdout=subprocess.PIPE,
        pass_fds=[read],
        env={**os.environ, processes.LIFELINE: str(read)},
        start_new_session=True,
    )
    os.close(read)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"up\n"
        os.close(write)
        assert child.wait(timeout=3) == -signal.SIGKILL
    finally:
        child.kill()
        child.communicate()


def test_without_a_lifeline_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(processes.LIFELINE, raising=False)
    processes.follow_lifeline()


def test_the_end_of_a_lifeline_can_be_heard_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setenv(processes.LIFELINE, str(read))
    heard: list[str] = []
    processes.follow_lifeline(lambda: heard.append("end"))
    os.close(write)
    end = SystemClock().monotonic() + 3
    while not heard and SystemClock().monotonic() < end:
        sleep_blocking(0.005)
    os.close(read)
    assert heard == ["end"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="PR_SET_PDEATHSIG is Linux's own")
def test_the_kernel_ends_a_child_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", FOLLOWER], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        started_at = processes.started_at(child)
        parent.kill()
        assert _ends(child, started_at)
    finally:
        parent.kill()
        parent.communicate()


def test_killing_a_group_that_is_gone_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    child.wait()
    processes.kill_group(child.pid)


def test_a_start_is_told_as_psutil_tells_it_and_a_zombie_is_not_alive() -> None:
    assert processes.started_at(os.getpid()) == pytest.approx(psutil.Process().create_time(), abs=0.01)
    child = subprocess.Popen([sys.executable, "-S", "-c", "pass"])
    started_at = processes.started_at(child.pid)
    assert started_at > 0
    assert _ends(child.pid, started_at, within_s=30)
    child.wait()
    assert processes.started_at(child.pid) == 0.0
