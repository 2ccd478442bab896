"""The exec and attach subresources of a pod, over WebSockets.

Parameters: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (connect requests)
"""

import asyncio
import contextlib
import json

from aiohttp import web

from oddsock.cluster.api.channels import (
    CLOSE,
    ERRORS,
    INPUT,
    OUTPUT,
    SIZE,
    V4,
    V5,
    ended,
    failed,
    messages,
    open_socket,
    refuse_other_streams,
    send,
    send_status,
)
from oddsock.cluster.api.context import ContainerDoor, context_of
from oddsock.cluster.api.media import flag
from oddsock.cluster.api.paths import Target
from oddsock.cluster.api.pod_logs import chosen_container
from oddsock.cluster.kinds import Obj
from oddsock.cluster.sessions import Session
from oddsock.cluster.status import ApiError, BadRequest, MethodNotAllowed

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
ARGUMENTS_MAX = 4096
"""Words of one command."""


async def serve_exec(request: web.Request, target: Target) -> web.StreamResponse:
    """Run a command beside a container: its input, output, errors and exit code over one WebSocket."""
    pod, door = _door(request, target)
    words = request.query.getall("command", [])
    if not words or len(words) > ARGUMENTS_MAX:
        raise BadRequest("you must specify at least 1 command for the container")
    if not _is_running(pod, request):
        raise ApiError(f'unable to upgrade connection: container not found ("{_name(pod, request)}")')
    refuse_other_streams(request)
    has_terminal = flag(request, "tty")
    async with open_socket(request, (V5, V4)) as socket:
        try:
            session = await door.execute(words, flag(request, "stdin"), has_terminal)
        except OSError as cause:
            why = "executable file not found in $PATH" if isinstance(cause, FileNotFoundError) else cause.strerror
            await send_status(socket, failed(f'error executing command in container: exec: "{words[0]}": {why}'))
            return socket
        if session is None:
            await send_status(socket, failed(f'container not found ("{_name(pod, request)}")'))
            return socket
        await _talk(request, socket, session)
        return socket


async def serve_attach(request: web.Request, target: Target) -> web.StreamResponse:
    """Sit down at a container's own process; one with an input of its own tells its first guest what it said so far."""
    pod, door = _door(request, target)
    if (session := door.attach()) is None:
        raise ApiError(
            f'unable to upgrade connection: container {_name(pod, request)} not found in pod "{target.name}"'
        )
    try:
        refuse_other_streams(request)
        async with open_socket(request, (V5, V4)) as socket:
            await _talk(request, socket, session)
            return socket
    finally:
        session.close()


async def _talk(request: web.Request, socket: web.WebSocketResponse, session: Session) -> None:
    # Until the process has ended and is read, or the client has left.
    takes_input = flag(request, "stdin")
    speaking = asyncio.create_task(_pass_output(request, socket, session))
    hearing = asyncio.create_task(_pass_input(socket, session, takes_input))
    try:
        await asyncio.wait({speaking, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if speaking.done() and not speaking.cancelled() and speaking.exception() is None:
            with contextlib.suppress(ConnectionError):
                await send_status(socket, ended(await session.exit_code()))
    finally:
        session.close()
        for task in (speaking, hearing):
            await _quietly(task)


async def _pass_output(request: web.Request, socket: web.WebSocketResponse, session: Session) -> None:
    wanted = {"stdout": flag(request, "stdout"), "stderr": flag(request, "stderr")}
    while (chunk := await session.read()) is not None:
        stream, data = chunk
        if wanted[stream]:
            await send(socket, ERRORS if stream == "stderr" else OUTPUT, data)


async def _pass_input(socket: web.WebSocketResponse, session: Session, takes_input: bool) -> None:
    async for channel, data in messages(socket):
        if channel == INPUT and takes_input:
            await session.write(data)
        elif channel == CLOSE and data[:1] == bytes([INPUT]):
            session.end_input()
        elif channel == SIZE:
            # A size that cannot be read changes nothing.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                size = json.loads(data)
                session.resize(int(size["Width"]) & 0xFFFF, int(size["Height"]) & 0xFFFF)


async def _quietly(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        await task


def _door(request: web.Request, target: Target) -> tuple[Obj, ContainerDoor]:
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    context = context_of(request)
    pod = context.store.get("Pod", target.namespace, target.name)
    name = _name(pod, request)
    doors = context.pod_doors
    door = doors.container(target.namespace, target.name, name) if doors is not None else None
    if door is None:
        raise BadRequest(f"pod {target.name} does not have a host assigned")
    return pod, door


def _name(pod: Obj, request: web.Request) -> str:
    told = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    return chosen_container(pod, request.query.get("container", "") or told)


def _is_running(pod: Obj, request: web.Request) -> bool:
    rows = (pod.get("status") or {}).get("containerStatuses") or []
    return any("running" in (row.get("state") or {}) for row in rows if row["name"] == _name(pod, request))
