"""The intake of metrics, `POST /api/v1/series` and `POST /api/v2/series`, in JSON: plain, gzip, deflate or zstd.

The Go Agent posts protobuf and is told that it is not taken (415). An answer of 202 means that the points are on disk.
When some points were not taken, because they are ahead of the clock, too old or of a series too many, the answer is
202 and says so in `errors`; when series were refused and nothing at all was kept it is 429.
"""

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.telemetry.api.bodies import BODY_BYTES_MAX, read_body
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import TAG_LENGTH_MAX, TAGS_MAX
from oddsock.telemetry.records import Point
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.store.metrics_index import SeriesLimit

PACKED_BYTES_MAX = 500 * 1024
"""Largest compressed body, as Datadog's intake has it."""
AHEAD_S_MAX = 600
INTERVAL_S_MAX = 31 * 86_400
NAME_LENGTH_MAX = 200

KINDS = {0: "gauge", 1: "count", 2: "rate", 3: "gauge"}
NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.]")


class _SeriesV1(msgspec.Struct):
    metric: str
    points: list[tuple[float, float]]
    type: str | None = None
    host: str | None = None
    device: str | None = None
    tags: list[str] | None = None
    interval: int | None = None


class _BodyV1(msgspec.Struct):
    series: list[_SeriesV1]


class _PointV2(msgspec.Struct):
    timestamp: float
    value: float


class _Resource(msgspec.Struct):
    type: str = ""
    name: str = ""


class _SeriesV2(msgspec.Struct):
    metric: str
    points: list[_PointV2]
    type: int = 0
    resources: list[_Resource] = []
    tags: list[str] | None = None
    interval: int | None = None


class _BodyV2(msgspec.Struct):
    series: list[_SeriesV2]


Body = TypeVar("Body", _BodyV1, _BodyV2)


def routes(metrics: MetricStore, clock: Clock) -> list[web.RouteDef]:
    """`POST /api/v1/series` and `POST /api/v2/series`."""

    async def post_v1(request: web.Request) -> web.Response:
        points = _read_v1(await _read(request))
        errors = await _keep(metrics, clock, points)
        return answer_json({"status": "ok", "errors": errors} if errors else {"status": "ok"}, 202)

    async def post_v2(request: web.Request) -> web.Response:
        points = _read_v2(await _read(request))
        return answer_json({"errors": await _keep(metrics, clock, points)}, 202)

    return [web.post("/api/v1/series", post_v1), web.post("/api/v2/series", post_v2)]


async def _read(request: web.Request) -> bytes:
    if "protobuf" in request.content_type:
        raise ApiError(
            415,
            "Protobuf is not taken here: send the same series as JSON (application/json); "
            "the Agent does so with use_v2_api.series: false.",
        )
    body = await read_body(request, BODY_BYTES_MAX)
    if "Content-Encoding" in request.headers and len(await request.read()) > PACKED_BYTES_MAX:
        raise ApiError(413, f"Payload too large: at most {PACKED_BYTES_MAX // 1024} KiB are taken compressed.")
    return body


async def _keep(metrics: MetricStore, clock: Clock, points: list[Point]) -> list[str]:
    now_s = int(clock.now().timestamp())
    first_s, last_s = now_s - metrics.limits.retention_s, now_s + AHEAD_S_MAX
    taken = [point for point in points if first_s <= point.at_s <= last_s]
    errors = []
    if len(taken) < len(points):
        errors.append(
            f"{len(points) - len(taken)} points were not taken: they are more than {AHEAD_S_MAX // 60} minutes ahead "
            f"or older than {metrics.limits.retention_s // 86_400} days. Timestamps are seconds since 1970."
        )
    try:
        await metrics.write(taken)
    except SeriesLimit as refusal:
        if not refusal.stored:
            raise ApiError(429, str(refusal), *errors) from None
        errors.append(str(refusal))
    return errors


def _read_v1(body: bytes) -> list[Point]:
    points = []
    for place, series in enumerate(_decode(body, _BodyV1).series):
        device = [f"device:{series.device}"] if series.device else []
        kind = series.type if series.type in {"count", "rate"} else "count" if series.type == "counter" else "gauge"
        metric, tags = _name(series.metric, place), _tags([*(series.tags or ()), *device], place)
        interval_s, host = _interval_s(series.interval, place), series.host or ""
        points += [
            Point(metric=metric, at_s=int(at_s), value=value, kind=kind, interval_s=interval_s, host=host, tags=tags)
            for at_s, value in series.points
        ]
    return points


def _read_v2(body: bytes) -> list[Point]:
    points = []
    for place, series in enumerate(_decode(body, _BodyV2).series):
        if series.type not in KINDS:
            raise ApiError(400, f"series[{place}].type must be 0 (unspecified), 1 (count), 2 (rate) or 3 (gauge).")
        host = next((resource.name for resource in series.resources if resource.type == "host"), "")
        others = [f"{one.type}:{one.name}" for one in series.resources if one.type and one.type != "host"]
        metric, tags = _name(series.metric, place), _tags([*(series.tags or ()), *others], place)
        kind, interval_s = KINDS[series.type], _interval_s(series.interval, place)
        points += [
            Point(
                metric=metric,
                at_s=int(point.timestamp),
                value=point.value,
                kind=kind,
                interval_s=interval_s,
                host=host,
                tags=tags,
            )
            for point in series.points
        ]
    return points


def _decode(body: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, ValueError) as cause:
        raise ApiError(400, f"The body holds no series as Datadog's API has them: {cause}.") from None
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply to be read.") from None


def _interval_s(interval: int | None, place: int) -> int:
    if interval is not None and not 0 <= interval <= INTERVAL_S_MAX:
        raise ApiError(400, f"series[{place}].interval is seconds, 0 to {INTERVAL_S_MAX}.")
    return interval or 0


def _name(metric: str, place: int) -> str:
    """The metric's name; characters that names do not have become underscores, as at Datadog."""
    if not metric or not metric[0].isascii() or not metric[0].isalpha():
        raise ApiError(400, f"series[{place}].metric must begin with a letter, not {metric[:50]!r}.")
    if len(metric) > NAME_LENGTH_MAX:
        raise ApiError(400, f"series[{place}].metric is longer than {NAME_LENGTH_MAX} characters.")
    return NOT_OF_A_NAME.sub("_", metric)


def _tags(tags: list[str], place: int) -> tuple[str, ...]:
    if len(tags) > TAGS_MAX:
        raise ApiError(400, f"series[{place}].tags holds {len(tags)} tags: at most {TAGS_MAX} are taken.")
    if long := next((tag for tag in tags if len(tag) > TAG_LENGTH_MAX), None):
        raise ApiError(400, f"series[{place}] has a tag longer than {TAG_LENGTH_MAX} characters: {long[:30]!r}....")
    return tuple(tag for tag in tags if tag)
