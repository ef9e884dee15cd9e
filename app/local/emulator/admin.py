"""The emulator's own calls, under `/__emulator__/`: the logs and the scenarios."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from app.local.emulator.log import RequestLog, TokenLog
from app.local.emulator.scenarios import ScenarioQueue, UnknownScenario, parse

PREFIX = "/__emulator__/"


class Admin:
    """Shows and changes what the emulator keeps."""

    def __init__(self, *, tokens: TokenLog, requests: RequestLog, queue: ScenarioQueue) -> None:
        self._tokens = tokens
        self._requests = requests
        self._queue = queue

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answers 404 to what it does not know, and 400 to unknown scenarios."""
        match request.method, request.path.removeprefix(PREFIX):
            case "GET", "usage":
                return _json({"requests": self._tokens.rows()})
            case "DELETE", "usage":
                self._tokens.clear()
                return _json({"requests": []})
            case "GET", "requests":
                return _json({"requests": self._requests.rows()})
            case "GET", "scenario":
                return _json({"scenarios": self._queue.waiting()})
            case "POST", "scenario":
                return await self._set(request)
            case _:
                return _json({"message": "no such call of the emulator"}, status=404)

    async def _set(self, request: web.BaseRequest) -> web.Response:
        try:
            self._queue.replace(parse(orjson.loads(await request.read())))
        except (orjson.JSONDecodeError, UnknownScenario) as error:
            return _json({"message": str(error)}, status=400)
        return _json({"scenarios": self._queue.waiting()})


def _json(document: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")
