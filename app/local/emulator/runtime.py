"""From a request to an answer: path, signature, body, model, scenario."""

import asyncio
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from app.catalog.catalog import shipped_models
from app.core import exact_json
from app.local.emulator import guardrails
from app.local.emulator.admin import PREFIX, Admin
from app.local.emulator.cache import PromptCache
from app.local.emulator.faults import BedrockFault, invalid
from app.local.emulator.invocation import Call, Invoker
from app.local.emulator.log import RequestLog, TokenLog
from app.local.emulator.models import Directory
from app.local.emulator.options import EmulatorOptions
from app.local.emulator.prompt import prompt_tokens, segments
from app.local.emulator.scenarios import ScenarioQueue
from app.local.emulator.signature import Authenticator, Credentials, Received
from app.local.emulator.validation import check_body

PATH = re.compile(
    r"/model/(?P<model>[^/?]+)/(?P<operation>invoke|invoke-with-response-stream|count-tokens)"
    r"(\?.*)?"
)
BETWEEN_SEGMENTS_SECONDS = 0.02
MOST_BYTES = 20_000_000
MALFORMED = "Malformed input request, please reformat your input and try again."


class Emulator:
    """All that one emulator knows; `handle` is its request handler."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.tokens = TokenLog()
        self.requests = RequestLog()
        self.queue = ScenarioQueue()
        self._admin = Admin(tokens=self.tokens, requests=self.requests, queue=self.queue)
        self._now = options.now
        self._directory = Directory(shipped_models())
        self._authenticator = Authenticator(
            Credentials(
                options.access_key, options.secret_key, options.session_token, options.bearer_token
            ),
            region=options.region,
            now=options.now,
        )
        self._invoker = Invoker(
            cache=PromptCache(options.monotonic),
            log=self.tokens,
            tokens_per_delta=options.tokens_per_delta,
            on_disconnect=options.on_disconnect,
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request of any kind."""
        if request.raw_path.startswith(PREFIX):
            return await self._admin.handle(request)
        request_id = str(uuid4())
        try:
            return await self._call(request, request_id)
        except BedrockFault as fault:
            return await _refuse(request, fault, request_id)

    async def _call(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        path = PATH.fullmatch(request.raw_path)
        if path is None or request.method != "POST":
            raise BedrockFault("UnknownOperationException")
        raw = await _read(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body, parsed = _parse(raw)
        self.requests.add(
            request_id=request_id,
            path=request.raw_path,
            model=path["model"],
            operation=path["operation"],
            headers=headers,
            body=body,
        )
        self._authenticator.check(Received(request.method, request.raw_path, headers, raw))
        if not parsed:
            raise invalid(MALFORMED)
        if path["operation"] == "count-tokens":
            return self._count(path["model"], body, request_id)
        stream = path["operation"] == "invoke-with-response-stream"
        return await self._invoke(request, path["model"], body, request_id, stream=stream)

    async def _invoke(
        self, request: web.BaseRequest, model: str, body: object, request_id: str, *, stream: bool
    ) -> web.StreamResponse:
        asked = self._directory.invoked(model)
        checked = check_body(body, asked.model)
        prompt = tuple(segments(checked, asked.model))
        if prompt_tokens(prompt) > asked.model.context_tokens:
            raise invalid("Input is too long for requested model.")
        call = Call(
            request_id=request_id,
            asked=asked,
            body=checked,
            prompt=prompt,
            scenario=self.queue.take(asked.model_id),
            stream=stream,
            guarded=guardrails.named(request.headers, checked),
            traced=request.headers.get("x-amzn-bedrock-trace") == "ENABLED",
            started_at=self._now(),
        )
        return await self._invoker.run(request, call)

    def _count(self, model: str, document: object, request_id: str) -> web.Response:
        asked = self._directory.counted(model)
        body = check_body(_counted_body(document), asked.model)
        if body.get("tools") == []:
            raise invalid("tools: List should have at least 1 item after validation, not 0")
        count = prompt_tokens(segments(body, asked.model))
        return _json({"inputTokens": count}, request_id)


def _counted_body(document: object) -> object:
    match document:
        case {"input": {"invokeModel": {"body": str(encoded)}}}:
            try:
                return orjson.loads(b64decode(encoded, validate=True))
            except ValueError:
                raise invalid(MALFORMED) from None
        case _:
            raise invalid("The emulator counts tokens of input.invokeModel.body alone.")


async def _read(request: web.BaseRequest) -> bytes:
    raw = b""
    if (request.content_length or 0) <= MOST_BYTES:
        raw = await request.content.read(-1)
    if len(raw) > MOST_BYTES or (request.content_length or 0) > MOST_BYTES:
        raise BedrockFault("RequestEntityTooLargeException")
    return raw


def _parse(raw: bytes) -> tuple[object, bool]:
    try:
        return exact_json.loads(raw), True
    except ValueError:
        return raw[:1000].decode(errors="replace"), False


async def _refuse(
    request: web.BaseRequest, fault: BedrockFault, request_id: str
) -> web.StreamResponse:
    body = orjson.dumps(fault.body)
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": fault.name}
    if fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after
    if fault.segments == 1:
        return web.Response(
            body=body, status=fault.status, content_type="application/json", headers=headers
        )
    headers |= {"content-type": "application/json", "content-length": str(len(body))}
    response = web.StreamResponse(status=fault.status, headers=headers)
    await response.prepare(request)
    size = -(-len(body) // fault.segments)
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await asyncio.sleep(BETWEEN_SEGMENTS_SECONDS)
    return response


def _json(document: Mapping[str, Any], request_id: str) -> web.Response:
    return web.Response(
        body=orjson.dumps(document),
        content_type="application/json",
        headers={"x-amzn-requestid": request_id},
    )
