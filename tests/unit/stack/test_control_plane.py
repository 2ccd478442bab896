"""What `oddsock up` does around the control plane: its log's last word, its ending, private files."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock
from oddsock.stack.control_plane import end_process, last_line, write_private

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def test_the_last_word_of_a_log_is_its_message(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_line(log) == "it said nothing."
    log.write_text('{"message":"first"}\n{"message":"Port 80 is taken."}\n\n')
    assert last_line(log) == "Port 80 is taken."
    log.write_text("Traceback\nValueError: broken\n")
    assert last_line(log) == "ValueError: broken"


def test_a_private_file_is_its_owners_only_even_when_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old and longer")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_process_that_ignores_a_polite_signal_is_killed_with_its_group() -> None:
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == b"up\n"
    started_at = processes.started_at(child.pid)
    before = SystemClock().monotonic()
    end_process(child.pid, started_at, deadline_s=0.1, reap=child.poll)
    child.communicate()
    assert child.returncode == -9
    assert SystemClock().monotonic() - before < 2


def test_ending_a_process_that_is_gone_touches_nobody() -> None:
    end_process(os.getpid(), started_at=1.0, deadline_s=0.1)
