"""`/v1/messages` and `/v1/chat/completions`."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.ids import RequestId
from app.formats.format import ApiFormat
from app.inference.call import Call
from app.inference.client import Client
from app.inference.request import InferenceRequest
from app.services import services
from app.web import headers
from app.web.body import body_bytes, read_body
from app.web.errors import error_response, request_id, unexpected_error
from app.web.headers import credentials

router = APIRouter(tags=["inference"])

SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


@router.post("/v1/messages", summary="Anthropic Messages", response_model=None)
async def messages(request: Request) -> Response:
    """Creates a message; with `stream: true` as server-sent events."""
    return await answer(request, services(request).anthropic)


@router.post("/v1/chat/completions", summary="OpenAI Chat Completions", response_model=None)
async def chat_completions(request: Request) -> Response:
    """Creates a chat completion; with `stream: true` as server-sent events."""
    return await answer(request, services(request).openai)


async def answer(
    request: Request, api_format: ApiFormat, stream_headers: Mapping[str, str] = SSE_HEADERS
) -> Response:
    """The answer to an inference request in any API format."""
    use = services(request)
    received_at, received_monotonic = use.clock.now(), use.clock.monotonic()
    said = headers.once(request.headers)
    asked = InferenceRequest(
        id=RequestId(request_id(request)),
        route=request.scope["route"].path_format,
        read=partial(read_body, request, use.max_body_bytes),
        body_bytes=body_bytes(request, use.max_body_bytes),
        credentials=credentials(request, said),
        betas=headers.betas(request.headers),
        session_id=headers.note(said, *headers.SESSION),
        agent=headers.note(said, *headers.AGENT),
        tags=headers.tags(said),
        client=headers.note(said, "user-agent"),
        received_at=received_at,
        received_monotonic=received_monotonic,
    )
    return _Answer(request, asked, api_format, stream_headers)


class _Answer(Response):
    """Runs the call when it is sent."""

    def __init__(
        self,
        request: Request,
        asked: InferenceRequest,
        api_format: ApiFormat,
        stream_headers: Mapping[str, str],
    ) -> None:
        self.background = None
        self._request = request
        self._asked = asked
        self._format = api_format
        self._stream_headers = stream_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(scope, receive, send)
        call = Call(
            services(self._request).inference,
            self._asked,
            self._format,
            client,
            stream_headers=self._stream_headers,
            error_response=partial(error_response, self._request),
        )
        try:
            await call.run()
        except Exception as error:
            if not client.started:
                await client.respond(await unexpected_error(self._request, error))
            raise
