"""The process that stands at a socket until somebody calls."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from oddsock.kit.processes import LIFELINE
from oddsock.stack import waiting

ANSWER = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); c, _ = s.accept(); c.sendall(b'here')"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made


def _wait_at(listener: socket.socket, lifeline: int) -> "subprocess.Popen[bytes]":
    fd = str(listener.fileno())
    words = [sys.executable, "-I", "-S", waiting.__file__, fd, sys.executable, "-S", "-c", ANSWER, fd]
    environment = {**os.environ, LIFELINE: str(lifeline)}
    return subprocess.Popen(words, env=environment, pass_fds=[listener.fileno(), lifeline])


def test_the_first_caller_is_answered_by_the_program_that_takes_its_place(listener: socket.socket) -> None:
    follow, held = os.pipe()
    process = _wait_at(listener, follow)
    with socket.create_connection(listener.getsockname(), timeout=30) as caller:
        assert caller.recv(100) == b"here"

    assert process.wait(30) == 0
    os.close(follow)
    os.close(held)


def test_it_ends_with_its_lifeline_when_nobody_has_called(listener: socket.socket) -> None:
    follow, held = os.pipe()
    process = _wait_at(listener, follow)

    os.close(held)

    assert process.wait(30) == 0
    os.close(follow)
