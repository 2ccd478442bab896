"""What a probe does: an HTTP GET, a TCP connect or a command; answers in the kubelet's words."""

import asyncio
import contextlib

from oddsock.cluster.addresses import Address
from oddsock.cluster.containers import Command, Spawner
from oddsock.cluster.kinds import Obj
from oddsock.cluster.probes import Answer

HEAD_BYTES_MAX = 16 * 1024
USER_AGENT = "kube-probe/1.32"


async def ask_http(address: Address, path: str, headers: list[Obj], timeout_s: float) -> Answer:
    """GET *path* within *timeout_s* wall seconds; any status from 200 to 399 is a success."""
    path = path if path.startswith("/") else f"/{path}"
    host, port = address
    sent = {"Host": f"{host}:{port}", "User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close"}
    sent |= {str(row["name"]): str(row.get("value", "")) for row in headers}
    head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n"
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=HEAD_BYTES_MAX)
            try:
                writer.write(head.encode())
                first = await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return Answer(
            False,
            f'Get "http://{host}:{port}{path}": context deadline exceeded '
            "(Client.Timeout exceeded while awaiting headers)",
        )
    except (OSError, ValueError) as cause:
        return Answer(False, f'Get "http://{host}:{port}{path}": {_dial_error(cause, address)}')
    parts = first.split()
    if len(parts) < 2 or not parts[1].isdigit():
        return Answer(False, f'Get "http://{host}:{port}{path}": EOF')
    code = int(parts[1])
    return Answer(True) if 200 <= code < 400 else Answer(False, f"HTTP probe failed with statuscode: {code}")


async def ask_tcp(address: Address, timeout_s: float) -> Answer:
    """Connect to *address* within *timeout_s* wall seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(*address)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except TimeoutError:
        return Answer(False, f"dial tcp {address[0]}:{address[1]}: i/o timeout")
    except OSError as cause:
        return Answer(False, _dial_error(cause, address))
    return Answer(True)


async def ask_command(spawner: Spawner, command: Command, timeout_s: float) -> Answer:
    """Run *command*; exit code 0 within *timeout_s* wall seconds is a success."""
    try:
        code, output = await spawner.run(command, timeout_s)
    except OSError as cause:
        return Answer(False, f"exec failed: {cause.strerror}: {command.arguments[0]}")
    if code is None:
        return Answer(False, f'command "{" ".join(command.arguments)}" timed out')
    return Answer(code == 0, output)


def _dial_error(cause: Exception, address: Address) -> str:
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {address[0]}:{address[1]}: connect: connection refused"
    if isinstance(cause, ConnectionResetError):
        return "read: connection reset by peer"
    return str(cause)
