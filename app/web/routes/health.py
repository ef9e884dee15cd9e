"""Whether the process lives, and whether it can serve."""

import asyncio
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.services import services

READY_WITHIN_SECONDS: Final = 2

router = APIRouter(tags=["health"])

internal_router = APIRouter(tags=["health"])


@router.head("/api/hello", include_in_schema=False)
@router.get("/api/hello", summary="Greeting of Claude Code")
async def hello() -> dict[str, str]:
    """Claude Code asks for it at its start."""
    return {"status": "ok"}


@router.get("/health/liveliness", summary="Is the process alive?")
@router.get("/health/liveness", summary="Is the process alive?")
async def liveness() -> str:
    """Says so without asking anything else."""
    return "I'm alive!"


@router.get("/health/readiness", summary="Can it serve?")
async def readiness(request: Request) -> Response:
    """503 while the database is unavailable or not migrated. The internal port says which."""
    problem = await _problem(request)
    return _status(problem, {})


@internal_router.get("/health/readiness", summary="Can it serve, and if not, why?")
async def detailed_readiness(request: Request) -> Response:
    """503 while the database is unavailable or not migrated."""
    problem = await _problem(request)
    details = {"db": "disconnected", "problem": problem} if problem else {"db": "connected"}
    return _status(problem, details)


async def _problem(request: Request) -> str | None:
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            return await services(request).health.problem()
    except TimeoutError:
        return "the database does not answer"


def _status(problem: str | None, details: dict[str, str]) -> Response:
    status = {"status": "unhealthy" if problem else "healthy", **details}
    return JSONResponse(status, 503 if problem else 200)
