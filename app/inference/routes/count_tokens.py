"""`/v1/messages/count_tokens`."""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request

from app.inference.count_tokens import CountRequest
from app.services import services
from app.web import headers
from app.web.body import body_bytes, read_body
from app.web.headers import credentials

router = APIRouter(tags=["inference"])


@router.post("/v1/messages/count_tokens", summary="Count the tokens of a Messages request")
async def count_tokens(request: Request) -> dict[str, int]:
    """Costs nothing and counts against no limit. 501 for models that Bedrock does not count for."""
    use = services(request)
    count = await use.counter.count_messages(count_request(request), headers.betas(request.headers))
    return {"input_tokens": count}


def count_request(request: Request) -> CountRequest:
    """Of either API."""
    limit = services(request).max_body_bytes
    return CountRequest(
        credentials(request), partial(read_body, request, limit), body_bytes(request, limit)
    )
