"""Errors as clients of each API format read them."""

from collections.abc import Mapping
from typing import Any, Final

from app.errors import GatewayError

BEDROCK_STATUS: Final[Mapping[str, int]] = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "ModelTimeoutException": 408,
    "RequestEntityTooLargeException": 413,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 401,
    "ValidationException": 400,
}
"""Bedrock's own, but for a wrong key: its 403 makes Claude Code try eleven times."""

IN_STREAM: Final = frozenset(
    {
        "ModelTimeoutException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "ValidationException",
    }
)
"""Exceptions that a stream may end with; others are an internal one there."""


def anthropic_error(error: GatewayError, request_id: str) -> dict[str, Any]:
    return _anthropic(error.anthropic_type, error.message, request_id)


def anthropic_stream_error(error: GatewayError, request_id: str) -> dict[str, Any]:
    """An error after the first byte. For all that may pass it says "overloaded": any other type
    makes Claude Code send the whole request again at once, without streaming."""
    kind = error.anthropic_type if error.retryable is False else "overloaded_error"
    return _anthropic(kind, error.message, request_id)


def _anthropic(kind: str, message: str, request_id: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id,
    }


def openai_error(error: GatewayError) -> dict[str, Any]:
    return {
        "error": {
            "message": error.message,
            "type": error.openai_type,
            "param": None,
            "code": error.openai_code or error.code,
        }
    }


def bedrock_error(error: GatewayError) -> dict[str, str]:
    return {"message": error.bedrock_words + error.message}


def bedrock_stream_exception(error: GatewayError) -> str:
    """How the frame is called that a stream ends with, such as `throttlingException`."""
    kind = error.bedrock_type if error.bedrock_type in IN_STREAM else "InternalServerException"
    return kind[0].lower() + kind[1:]
