"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know of them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI

from app.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    DatabaseUnavailable,
    GatewayError,
    HeadTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    NotSupported,
    PermissionDenied,
    RequestTimeout,
    RequestTooLarge,
    UnknownModel,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from app.formats.errors import BEDROCK_STATUS
from app.web import bodies
from app.web.bodies import Schema
from app.web.errors import speaks_bedrock

_TEXT: Final = {"type": "string"}

SCHEMAS: Final[Mapping[str, Schema]] = {
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error", "request_id"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": _TEXT, "message": _TEXT},
            },
            "request_id": _TEXT,
        },
    },
    "OpenAIError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": {"type": "null"},
                    "code": _TEXT,
                },
            }
        },
    },
    "BedrockError": {
        "type": "object",
        "required": ["message"],
        "properties": {"message": _TEXT},
    },
}

BODIES: Final[Mapping[str, Schema]] = {
    "/v1/messages": bodies.MESSAGES,
    "/v1/messages/count_tokens": bodies.COUNT_TOKENS,
    "/v1/chat/completions": bodies.CHAT_COMPLETIONS,
    "/bedrock/model/{model_id}/invoke": bodies.INVOKE_MODEL,
    "/bedrock/model/{model_id}/invoke-with-response-stream": bodies.INVOKE_MODEL,
    "/bedrock/model/{model_id}/count-tokens": bodies.COUNT_OF_INVOKE_MODEL,
}

STREAMS: Final[Mapping[str, str]] = {
    "/v1/messages": "text/event-stream",
    "/v1/chat/completions": "text/event-stream",
    "/bedrock/model/{model_id}/invoke-with-response-stream": "application/vnd.amazon.eventstream",
}

FOR_CLIENTS: Final = ("/v1/messages", "/v1/chat/", "/v1/models", "/v1/usage", "/bedrock/")

OF_CONNECTIONS: Final[tuple[type[GatewayError], ...]] = (RequestTimeout, HeadTooLarge)
"""Answered before it is known who asks for what: always in OpenAI's shape."""

OF_CLIENTS: Final[tuple[type[GatewayError], ...]] = (
    InvalidRequest,
    AuthenticationFailed,
    PermissionDenied,
    UnknownModel,
    DatabaseUnavailable,
)

OF_BODIES: Final[tuple[type[GatewayError], ...]] = (
    RequestTooLarge,
    BudgetExceeded,
    NotSupported,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamOverloaded,
)

KEYS: Final[list[dict[str, list[str]]]] = [{"HTTPBearer": []}, {"APIKeyHeader": []}]


def describe(api: FastAPI) -> None:
    """Document bodies, errors and keys where the routes of `api` read the request themselves."""
    read: Callable[[], dict[str, Any]] = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = read()
            for path, item in document["paths"].items():
                for operation in item.values():
                    _complete(path, operation)
            found = document["components"]["schemas"]
            # FastAPI's own refusal, which is never sent.
            for name in ("HTTPValidationError", "ValidationError"):
                found.pop(name, None)
            found.update(SCHEMAS)
        return api.openapi_schema or {}

    api.openapi = openapi  # type: ignore[method-assign]


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    errors: list[type[GatewayError]] = [MethodNotAllowed]
    if path.startswith(FOR_CLIENTS):
        errors += OF_CLIENTS
        operation["security"] = KEYS
    if path in BODIES:
        errors += OF_BODIES
        content = {"application/json": {"schema": BODIES[path]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif "requestBody" in operation:
        errors.append(RequestTooLarge)
    if path in STREAMS:
        responses["200"].setdefault("content", {})[STREAMS[path]] = {"schema": _TEXT}
    for error in errors:
        status = BEDROCK_STATUS[error.bedrock_type] if speaks_bedrock(path) else error.status
        responses.setdefault(str(status), {"description": error.__doc__})
    if path == "/health/readiness":
        responses["503"] = {"description": "It cannot serve: the status is `unhealthy`."}
    else:
        for status, response in responses.items():
            if status >= "400":
                _shaped(response, _shape(path))
    for error in OF_CONNECTIONS:
        responses[str(error.status)] = _shaped({"description": error.__doc__}, "OpenAIError")


def _shaped(response: dict[str, Any], shape: str) -> dict[str, Any]:
    content = response.setdefault("content", {}).setdefault("application/json", {})
    content["schema"] = {"$ref": f"#/components/schemas/{shape}"}
    return response


def _shape(path: str) -> str:
    if speaks_bedrock(path):
        return "BedrockError"
    return "AnthropicError" if path.startswith("/v1/messages") else "OpenAIError"
