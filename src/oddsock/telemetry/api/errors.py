"""What a request is refused with, in Datadog's shape: a status and `{"errors": [sentence, ...]}`."""

import msgspec
from aiohttp import web


class ApiError(Exception):
    """A refusal with HTTP *status* and one or more sentences; the app's middleware turns it into an answer."""

    def __init__(self, status: int, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.status = status
        self.sentences = sentences

    def answer(self) -> web.Response:
        """The refusal on the wire."""
        return answer_json({"errors": list(self.sentences)}, self.status)


def answer_json(body: object, status: int = 200) -> web.Response:
    """*body* as JSON with *status*."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
