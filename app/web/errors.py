"""What a path says of its caller."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.errors import (
    GatewayError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    UpstreamOverloaded,
)
from app.formats.errors import BEDROCK_STATUS, anthropic_error, bedrock_error, openai_error


def speaks_bedrock(path: str) -> bool:
    """Whether the caller is a client of Bedrock: it reads Bedrock's errors and header names."""
    return path.startswith("/bedrock/")


ANTHROPIC_ONLY = "anthropic-"

WHERE = frozenset({"body", "query"})
"""Places of a field that an error does not name."""

OF_PYDANTIC = "Value error, "
"""Before the messages of our own checks."""


def speaks_anthropic(request: Request) -> bool:
    """Whether the caller reads Anthropic's errors: by the path, or by the header its SDKs send."""
    path = request.scope["path"]
    if path.startswith(("/v1/messages", "/v1/v1/messages")):
        return True
    return "anthropic-version" in request.headers and not path.startswith("/v1/chat/")


def error_response(request: Request, error: GatewayError) -> Response:
    """Status, body and headers of an error."""
    headers = dict(error.headers)
    if error.retryable is not None:
        headers["x-should-retry"] = "true" if error.retryable else "false"
    if speaks_bedrock(request.scope["path"]):
        headers["x-amzn-errortype"] = error.bedrock_type
        return _json(BEDROCK_STATUS[error.bedrock_type], bedrock_error(error), headers)
    if speaks_anthropic(request):
        return _json(error.status, anthropic_error(error, request_id(request)), headers)
    headers = {k: v for k, v in headers.items() if not k.startswith(ANTHROPIC_ONLY)}
    # OpenAI's clients know no 529.
    status = 503 if isinstance(error, UpstreamOverloaded) else error.status
    return _json(status, openai_error(error), headers)


def request_id(request: Request) -> str:
    return str(request.scope["request_id"])


async def gateway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - registered for this class alone
    return error_response(request, error)


async def unexpected_error(request: Request, error: Exception) -> Response:
    del error
    return error_response(
        request,
        InternalError(
            f"The gateway failed; its operator can find this by the id {request_id(request)}."
        ),
    )


async def http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    path = request.scope["path"][:200]
    if error.status_code == 405:
        return error_response(
            request, MethodNotAllowed(f"{request.method} is not allowed here.", error.headers)
        )
    if error.status_code == 400:
        # What is raised while a body is read comes wrapped.
        cause = error.__cause__
        unreadable = InvalidRequest("The body is no JSON that can be read.")
        return error_response(request, cause if isinstance(cause, GatewayError) else unreadable)
    if path.startswith("/v1/v1/"):
        return error_response(
            request,
            NotFound("Not found: /v1/v1. Remove /v1 from the end of ANTHROPIC_BASE_URL."),
        )
    return error_response(request, NotFound(f"Not found: {request.method} {path}"))


async def validation_error(request: Request, error: Exception) -> Response:
    """A body of an administrative request that does not fit; names each field."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    problems = [
        f"{'.'.join(str(part) for part in problem['loc'] if part not in WHERE) or 'body'}: "
        f"{problem['msg'].removeprefix(OF_PYDANTIC)}"
        for problem in error.errors()
    ]
    return error_response(request, InvalidRequest("; ".join(problems)))


def _json(status: int, body: dict[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(body), status, dict(headers), media_type="application/json")
