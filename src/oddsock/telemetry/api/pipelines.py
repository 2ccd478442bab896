"""Log pipelines over Datadog's paths: make, read, change, order, delete. A change holds for logs that come after it."""

from aiohttp import web

from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.pipelines.errors import PipelineError
from oddsock.telemetry.pipelines.pipeline import Pipelines

PATH = "/api/v1/logs/config/pipelines"
ORDER_PATH = "/api/v1/logs/config/pipeline-order"
BODY_BYTES_MAX = 1024 * 1024


def routes(pipelines: Pipelines) -> list[web.RouteDef]:
    """The routes of *pipelines*."""

    async def list_all(_request: web.Request) -> web.Response:
        return answer_json(pipelines.list())

    async def create(request: web.Request) -> web.Response:
        return answer_json(pipelines.create(await read_json(request, BODY_BYTES_MAX)))

    async def get(request: web.Request) -> web.Response:
        pipeline_id = request.match_info["id"]
        return answer_json(_found(pipelines.get(pipeline_id), pipeline_id))

    async def replace(request: web.Request) -> web.Response:
        pipeline_id = request.match_info["id"]
        body = await read_json(request, BODY_BYTES_MAX)
        return answer_json(_found(pipelines.replace(pipeline_id, body), pipeline_id))

    async def delete(request: web.Request) -> web.Response:
        pipeline_id = request.match_info["id"]
        _found(pipelines.delete(pipeline_id) or None, pipeline_id)
        return answer_json({})

    async def get_order(_request: web.Request) -> web.Response:
        return answer_json({"pipeline_ids": pipelines.order()})

    async def set_order(request: web.Request) -> web.Response:
        body = await read_json(request, BODY_BYTES_MAX)
        if not isinstance(body, dict):
            raise ApiError(400, "An object with pipeline_ids is wanted here.")
        try:
            return answer_json({"pipeline_ids": pipelines.reorder(body.get("pipeline_ids"))})
        except PipelineError as cause:
            raise ApiError(422, str(cause)) from cause

    return [
        web.get(PATH, list_all),
        web.post(PATH, create),
        web.get(f"{PATH}/{{id}}", get),
        web.put(f"{PATH}/{{id}}", replace),
        web.delete(f"{PATH}/{{id}}", delete),
        web.get(ORDER_PATH, get_order),
        web.put(ORDER_PATH, set_order),
    ]


def _found(what: object, pipeline_id: str) -> object:
    if what is None:
        raise ApiError(404, f"There is no pipeline {pipeline_id[:100]!r}.")
    return what
