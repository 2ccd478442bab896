"""Into a network of one's own without root: user, network and mount namespaces, and the way back out for sockets.

Wire: unshare(2), user_namespaces(7), rtnetlink(7), netdevice(7). Linux only, before there is a thread or a loop.
"""

import ctypes
import errno
import fcntl
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from oddsock.cluster import namespace_network_outside
from oddsock.cluster.networks import POD_NETWORK, SERVICE_NETWORK
from oddsock.kit import processes
from oddsock.kit.errors import CannotRun

HOSTS = Path("/etc/hosts")
ANSWER_S_MAX = 2.0
"""Wall seconds the process outside may take to hand out a socket."""

_NEWNS, _NEWUSER, _NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 0x80000
_GET_FLAGS, _SET_FLAGS, _IS_UP = 0x8913, 0x8914, 0x1
_NEW_ROUTE, _REQUEST_CREATE_ACK = 24, 0x1 | 0x4 | 0x400
_TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL = 255, 3, 254, 2
_DESTINATION, _OUT_BY = 1, 4
_LOW_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


class Outside:
    """Sockets of the network that this process leaves: make it before `enter`."""

    def __init__(self) -> None:
        self._wire, theirs = socket.socketpair()
        self._wire.settimeout(ANSWER_S_MAX)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", namespace_network_outside.__file__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            preexec_fn=processes.die_with_parent,
        )
        theirs.close()

    def socket(self) -> socket.socket:
        """A TCP socket that binds and connects outside; OSError when the process that makes them is gone."""
        self._wire.sendall(b"s")
        _, fds, _, _ = socket.recv_fds(self._wire, 1, 1)
        if not fds:
            raise ConnectionError(errno.EPIPE, "the process outside of the namespace is gone")
        return socket.socket(fileno=fds[0])

    def close(self) -> None:
        """End the process outside."""
        self._wire.close()
        self._process.kill()
        self._process.wait()


class HostsFile:
    """What is /etc/hosts inside: the machine's own lines, and more; written in place, for a mount is of one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"hosts.{os.getpid()}"
        self._own = HOSTS.read_text().rstrip("\n") + "\n"
        self._file = self.path.open("w")
        self.write("")

    def write(self, more: str) -> None:
        """Put *more* behind the machine's own lines."""
        self._file.seek(0)
        self._file.write(self._own + more)
        self._file.flush()
        self._file.truncate()

    def forget_name(self) -> None:
        """Take the file's name away; it lives on as what is mounted."""
        self.path.unlink(missing_ok=True)


def probe() -> str:
    """Why this process cannot have a network of its own, tried out in a child; empty when it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no network namespaces"
    if threading.active_count() > 1:
        return "this process has threads already"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, _try_out().encode()[:4000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        found = told.read()
    os.waitpid(child, 0)
    return found.removesuffix(_WORKS) if found.endswith(_WORKS) else found or "the child that tried it out died"


_WORKS = "it works"


def enter(hosts: Path) -> None:
    """Move this process into a network where every cluster IP and pod IP is its own, with *hosts* as /etc/hosts.

    OSError where that is not allowed; the process may then be half inside, so `probe` first.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if user == 0 and not libc.unshare(_NEWNET | _NEWNS):
        pass
    elif libc.unshare(_NEWUSER | _NEWNET | _NEWNS):
        raise _failure("unshare")
    else:
        # Everybody stays who he is: files keep their owners and `id` says the truth.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    if libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None):
        raise _failure("mount of / as a slave")
    if libc.mount(os.fsencode(hosts), os.fsencode(HOSTS), None, _MS_BIND, None):
        raise _failure(f"mount over {HOSTS}")
    _raise_loopback()
    _own((SERVICE_NETWORK, POD_NETWORK))
    try:
        _LOW_PORTS.write_text("0")
    except OSError:
        # Read-only in some containers; this process may bind low ports all the same, its pods then may not.
        return


def _try_out() -> str:
    try:
        enter(HOSTS)
        with socket.create_server((str(SERVICE_NETWORK[1]), 80)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=1.0).close()
    except OSError as cause:
        return cause.strerror or str(cause)
    return _WORKS


def _failure(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        found = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", found)[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", flags | _IS_UP))


def _own(networks: Iterable[ipaddress.IPv4Network]) -> None:
    # `ip route add local NETWORK dev lo`, for machines without iproute2.
    by = socket.if_nametoindex("lo")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.bind((0, 0))
        for number, network in enumerate(networks, start=1):
            length, kinds = network.prefixlen, (_TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL)
            route = struct.pack("=BBBBBBBBI", socket.AF_INET, length, 0, 0, *kinds, 0)
            route += struct.pack("=HH4s", 8, _DESTINATION, network.network_address.packed)
            route += struct.pack("=HHI", 8, _OUT_BY, by)
            netlink.send(struct.pack("=IHHII", 16 + len(route), _NEW_ROUTE, _REQUEST_CREATE_ACK, number, 0) + route)
            error = -struct.unpack_from("=i", netlink.recv(4096), 16)[0]
            if error not in (0, errno.EEXIST):
                raise OSError(error, f"route of {network}: {os.strerror(error)}")


def open_api_listener(host: str, port: int) -> socket.socket:
    """The socket of the API server, bound while still outside; CannotRun when the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise CannotRun(
            f"Port {port} on {host} cannot be listened on: {os.strerror(cause.errno or 0)}.",
            "Stop the program that has it, or choose another port.",
        ) from cause
    return listener
