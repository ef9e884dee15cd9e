"""Whoever takes the shortcut gets what FastAPI would have answered."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.apps import Shortcut
from app.errors import BudgetExceeded, GatewayError
from app.web.errors import gateway_error, http_error, unexpected_error

router = APIRouter()


@router.post("/v1/answer")
async def answer(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{request.scope['route'].path} {body!r} {request.app.title}")


@router.post("/v1/refused")
async def refused(request: Request) -> Response:
    raise BudgetExceeded("spent")


@router.post("/v1/broken")
async def broken(request: Request) -> Response:
    raise RuntimeError("a fault of ours")


class Passed:
    """Counts what goes through FastAPI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        await self.app(scope, receive, send)


def api() -> FastAPI:
    made = FastAPI(title="gateway")
    made.include_router(router)
    made.add_exception_handler(GatewayError, gateway_error)
    made.add_exception_handler(HTTPException, http_error)
    made.add_exception_handler(Exception, unexpected_error)
    return made


async def ask(app: ASGIApp, method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        scope["request_id"] = "req_1"
        await app(scope, receive, send)

    transport = httpx.ASGITransport(named, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        response = await client.request(method, path, content=b"{}")
    return response.status_code, response.content, dict(response.headers)


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/answer",
        "/v1/answer/",
        "/v1//answer",
        "/V1/answer",
        "/v1/answer?x=1",
        "/v1/refused",
        "/v1/broken",
        "/elsewhere",
        "/",
    ],
)
async def test_both_ways_lead_to_the_same_answer(method: str, path: str) -> None:
    whole = api()

    assert await ask(Shortcut(whole, router.routes), method, path) == await ask(whole, method, path)


async def test_only_a_post_to_the_exact_path_is_spared_the_layers() -> None:
    whole = api()
    shortcut = Shortcut(whole, router.routes)
    passed = shortcut._api = Passed(whole)  # type: ignore[assignment]

    for method, path in (("POST", "/v1/refused"), ("GET", "/v1/refused"), ("POST", "/v1/other")):
        await ask(shortcut, method, path)

    assert passed.paths == ["/v1/refused", "/v1/other"]


async def test_a_fault_is_raised_on_after_its_answer_so_that_it_is_logged() -> None:
    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[object] = []
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/v1/broken", "headers": []}
    scope |= {"request_id": "req_1", "query_string": b"", "server": ("gateway", 80)}
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await Shortcut(api(), router.routes)(scope, receive, send)

    assert len(sent) == 2
