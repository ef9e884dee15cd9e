"""`/metrics`, on the internal port alone: open there, as scrapers bring no key."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from app.http.services import services

router = APIRouter(tags=["metrics"])


@router.get("/metrics", summary="Prometheus metrics", response_model=None)
@router.get("/metrics/", include_in_schema=False, response_model=None)
async def metrics(request: Request) -> Response:
    """Counters of this process, in Prometheus's text format."""
    page = services(request).telemetry.exposition()
    return Response(page, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})
