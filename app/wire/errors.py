"""Errors as each dialect's clients read them."""

from typing import Any

from app.errors import GatewayError


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
