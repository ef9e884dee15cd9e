"""`/v1/messages` and `/v1/chat/completions`."""

from collections.abc import Mapping
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.ids import RequestId
from app.formats.format import Dialect
from app.inference.call import WholeAnswer
from app.inference.client import SSE_HEADERS, StreamedResponse
from app.inference.limits import notices
from app.inference.request import InferenceRequest
from app.services import services
from app.web import headers
from app.web.body import body_bytes, read_body
from app.web.errors import request_id
from app.web.headers import credentials

router = APIRouter(tags=["inference"])


@router.post("/v1/messages", summary="Anthropic Messages", response_model=None)
async def messages(request: Request) -> Response:
    """Creates a message, whole or (`stream: true`) as server-sent events."""
    return await answer(request, services(request).anthropic)


@router.post("/v1/chat/completions", summary="OpenAI Chat Completions", response_model=None)
async def chat_completions(request: Request) -> Response:
    """Creates a chat completion, whole or (`stream: true`) as server-sent events."""
    return await answer(request, services(request).openai)


async def answer(
    request: Request, dialect: Dialect, stream_headers: Mapping[str, str] = SSE_HEADERS
) -> Response:
    """The answer to an inference request in any dialect."""
    use = services(request)
    received_at, received_monotonic = use.clock.now(), use.clock.monotonic()
    said = headers.once(request.headers)
    result = await use.inference.answer(
        InferenceRequest(
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
        ),
        dialect,
    )
    notice = notices(result.grant, dialect.name, use.clock.now())
    if isinstance(result, WholeAnswer):
        return Response(result.body, headers=notice, media_type="application/json")
    return StreamedResponse(result, {**stream_headers, **notice})
