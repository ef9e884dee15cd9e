"""Errors as each dialect's clients read them."""

from typing import Any

from app.errors import GatewayError


def anthropic_error(error: GatewayError, request_id: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": error.anthropic_type, "message": error.message},
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
