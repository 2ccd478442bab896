"""A process that stays in the host's network and hands out its sockets to a control plane that has left it.

Run as a script with a bare interpreter: `namespace_network_outside.py FD`. For every byte on that UNIX socket it sends
one TCP socket back, not bound and not connected (SCM_RIGHTS, unix(7)). It ends with the other end.
"""

import signal
import socket
import sys


def hand_out(wire: socket.socket) -> None:
    """Answer until the end of *wire*."""
    while asked := wire.recv(64):
        for _ in asked:
            with socket.socket() as made:
                socket.send_fds(wire, [b"s"], [made.fileno()])


def main(arguments: list[str]) -> None:
    """Serve the inherited socket whose number is the only argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(arguments[0])) as wire:
        try:
            hand_out(wire)
        except ConnectionError:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
