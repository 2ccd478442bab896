"""The log subresource of a pod: lines out of the CRI log files that the kubelet keeps.

Parameters: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from oddsock.cluster.api.context import Context, context_of
from oddsock.cluster.api.media import flag, number
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest
from oddsock.kit.clock import instant

FOLLOW_POLL_S = 0.1
"""Wall seconds between two looks for new lines of a followed log."""

_BLOCK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which lines of a log are asked for, and how they are written."""

    tail_lines: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None
    with_timestamps: bool = False


async def serve_log(request: web.Request, target: Target) -> web.StreamResponse:
    """The log of one container as text; with `follow` until the container ends."""
    context = context_of(request)
    pod = context.store.get("Pod", target.namespace, target.name)
    container = chosen_container(pod, request.query.get("container", ""))
    previous = flag(request, "previous")
    path = context.pod_logs.log_path(target.namespace, target.name, container, previous)
    if path is None or not path.exists():
        if previous:
            raise BadRequest(f'previous terminated container "{container}" in pod "{target.name}" not found')
        raise BadRequest(
            f'container "{container}" in pod "{target.name}" is waiting to start: {_waiting(pod, container)}'
        )
    options = _options(request, context)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    follows = flag(request, "follow") and not previous
    # The reader may go away at any time: the ordinary end of `kubectl logs -f`.
    with contextlib.suppress(ConnectionResetError):
        await _send(response, context, target, container, path, options, follows)
    return response


def chosen_container(pod: Obj, name: str) -> str:
    """The container whose log is meant; BadRequest when the pod has no such one, or several and none is named."""
    names = [container["name"] for container in pod["spec"].get("containers") or ()]
    names += [container["name"] for container in pod["spec"].get("initContainers") or ()]
    pod_name = pod["metadata"]["name"]
    if not name:
        if len(names) != 1:
            listed = " ".join(names)
            raise BadRequest(f"a container name must be specified for pod {pod_name}, choose one of: [{listed}]")
        return str(names[0])
    if name not in names:
        raise BadRequest(f"container {name} is not valid for pod {pod_name}")
    return name


def written(line: bytes, options: LogOptions) -> bytes:
    """What a reader gets of one CRI *line*; nothing of an unreadable one or of one older than is asked for."""
    at, _, rest = line.rstrip(b"\n").partition(b" ")
    _, _, rest = rest.partition(b" ")
    tag, _, text = rest.partition(b" ")
    if tag not in {b"F", b"P"}:
        return b""
    if options.since is not None and instant(at.decode("ascii", "replace")) < options.since:
        return b""
    # A part of a long line goes on in the next record.
    ending = b"" if tag == b"P" else b"\n"
    return (at + b" " if options.with_timestamps else b"") + text + ending


def tail_offset(path: Path, lines: int) -> int:
    """Where the last *lines* lines of a file begin."""
    if lines <= 0:
        return path.stat().st_size
    with path.open("rb") as file:
        place = end = file.seek(0, os.SEEK_END)
        found = 0
        while place > 0:
            size = min(_BLOCK_BYTES, place)
            place -= size
            file.seek(place)
            block = file.read(size)
            # The file's very last line end begins no line of its own.
            at = size - 1 if place + size == end else size
            while (at := block.rfind(b"\n", 0, at)) >= 0:
                found += 1
                if found == lines:
                    return place + at + 1
    return 0


def _options(request: web.Request, context: Context) -> LogOptions:
    since_s, since_time = number(request, "sinceSeconds"), request.query.get("sinceTime", "")
    since = context.clock.now() - timedelta(seconds=since_s) if since_s is not None else None
    if since_time:
        try:
            since = instant(since_time)
        except ValueError as cause:
            raise BadRequest(f"invalid sinceTime: {since_time!r} is no RFC 3339 instant") from cause
    tail, limit = number(request, "tailLines"), number(request, "limitBytes")
    return LogOptions(tail, since, limit, flag(request, "timestamps"))


def _waiting(pod: Obj, container: str) -> str:
    for row in (pod.get("status") or {}).get("containerStatuses") or ():
        if row.get("name") == container:
            return str(((row.get("state") or {}).get("waiting") or {}).get("reason") or "ContainerCreating")
    return "ContainerCreating"


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start : end + 1]
        start = end + 1


async def _send(
    response: web.StreamResponse,
    context: Context,
    target: Target,
    container: str,
    path: Path,
    options: LogOptions,
    follows: bool,
) -> None:
    left = options.limit_bytes
    place = 0 if options.tail_lines is None else tail_offset(path, options.tail_lines)
    rest = b""
    with path.open("rb") as file:
        file.seek(place)
        while left is None or left > 0:
            # Asked before reading: what was written until the end is read still.
            is_live = follows and not context.is_closing and _is_live(context, target, container, path, file.fileno())
            if data := file.read(_BLOCK_BYTES):
                rest += data
                out = b"".join(written(line, options) for line in _lines(rest))
                rest = rest[rest.rfind(b"\n") + 1 :]
                if left is not None:
                    out = out[:left]
                    left -= len(out)
                await response.write(out) if out else None
            elif is_live:
                await context.clock.sleep(FOLLOW_POLL_S * context.clock.speed)
            else:
                return


def _is_live(context: Context, target: Target, container: str, path: Path, opened: int) -> bool:
    # A followed log ends with its container: the pod is gone, the run is over, or another run has its own file.
    pod = context.store.find("Pod", target.namespace, target.name)
    if pod is None or context.pod_logs.log_path(target.namespace, target.name, container, False) != path:
        return False
    try:
        if not os.path.samestat(os.fstat(opened), path.stat()):
            return False
    except FileNotFoundError:
        return False
    rows = (pod.get("status") or {}).get("containerStatuses") or []
    return not any("terminated" in (row.get("state") or {}) for row in rows if row.get("name") == container)
