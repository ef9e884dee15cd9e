"""`/v1/messages/count_tokens`."""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request

from app.http import headers
from app.http.body import read_body
from app.http.credentials import credentials
from app.http.services import services

router = APIRouter(tags=["inference"])


@router.post("/v1/messages/count_tokens", summary="Count the tokens of a Messages request")
async def count_tokens(request: Request) -> dict[str, int]:
    """Costs nothing and counts against no limit. 501 for models that Bedrock does not count for."""
    use = services(request)
    count = await use.counter.count_messages(
        credentials(request),
        headers.betas(request.headers),
        partial(read_body, request, use.max_body_bytes),
    )
    return {"input_tokens": count}
