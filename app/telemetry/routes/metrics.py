"""`/metrics`: open on the internal port, as scrapers bring no key; on the public one only where the
operator wants it, and only for administrators."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from app.services import services
from app.web.headers import credentials

router = APIRouter(tags=["metrics"])

public_router = APIRouter(tags=["metrics"])


@router.get("/metrics", summary="Prometheus metrics", response_model=None)
@router.get("/metrics/", include_in_schema=False, response_model=None)
async def metrics(request: Request) -> Response:
    """Those of this process, in Prometheus's text format."""
    page = await services(request).telemetry.exposition()
    return Response(page, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})


@public_router.get("/metrics", include_in_schema=False, response_model=None)
@public_router.get("/metrics/", include_in_schema=False, response_model=None)
async def public_metrics(request: Request) -> Response:
    """The same, for the master key and administrators."""
    await services(request).administrators.reader(credentials(request))
    return await metrics(request)
