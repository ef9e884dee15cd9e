"""`/bedrock`: Bedrock's own API, for its SDKs and for Claude Code in Bedrock mode.

The model is a path in all routes: it may be an ARN, whose slash comes as `%2F`.
"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.catalog.model import model_name
from app.formats.bedrock import BedrockFormat
from app.inference.routes.completions import answer
from app.inference.routes.count_tokens import count_request
from app.services import services
from app.upstream.eventstream import CONTENT_TYPE

router = APIRouter(prefix="/bedrock", tags=["bedrock"])

STREAM_HEADERS: Final = {
    "content-type": CONTENT_TYPE,
    "x-amzn-bedrock-content-type": "application/json",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


@router.post("/model/{model_id:path}/invoke", summary="InvokeModel", response_model=None)
async def invoke(request: Request, model_id: str) -> Response:
    """A non-streaming response in Bedrock's format."""
    return await answer(request, BedrockFormat(model_name(model_id), stream=False))


@router.post(
    "/model/{model_id:path}/invoke-with-response-stream",
    summary="InvokeModelWithResponseStream",
    response_model=None,
)
async def invoke_with_response_stream(request: Request, model_id: str) -> Response:
    """An answer as Amazon's event stream."""
    api_format = BedrockFormat(model_name(model_id), stream=True)
    return await answer(request, api_format, STREAM_HEADERS)


@router.post("/model/{model_id:path}/count-tokens", summary="CountTokens")
async def count_tokens(request: Request, model_id: str) -> dict[str, int]:
    """Tokens of an InvokeModel body. Costs nothing and counts against no limit."""
    use = services(request)
    count = await use.counter.count_bedrock(count_request(request), model_name(model_id))
    return {"inputTokens": count}
