"""Reading hostile JSON: each function returns what it was asked for, or names the wrong field."""

from typing import Any

import orjson

from app.core import exact_json
from app.errors import InvalidRequest

JsonObject = dict[str, Any]


def json_object(body: bytes) -> JsonObject:
    """The request body as a JSON object. Raises InvalidRequest."""
    try:
        parsed = exact_json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return parsed


def encoded(value: Any, option: int = 0) -> bytes:
    """As JSON. Raises InvalidRequest: orjson reads deeper nesting than it writes."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError as error:
        raise InvalidRequest("The body is nested too deeply.") from error


def text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{field}: must be a string")
    return value


def positive_integer(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidRequest(f"{field}: must be an integer of at least 1")
    return value


def flag(value: Any, field: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidRequest(f"{field}: must be true or false")
    return value


def object_(value: Any, field: str) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{field}: must be an object")
    return value


def objects(value: Any, field: str) -> list[JsonObject]:
    """A list of objects."""
    if not isinstance(value, list):
        raise InvalidRequest(f"{field}: must be a list")
    for index, item in enumerate(value):
        object_(item, f"{field}.{index}")
    return value


def messages(body: JsonObject) -> list[JsonObject]:
    """`messages`: at least one object, each with a role."""
    found = objects(body.get("messages"), "messages")
    if not found:
        raise InvalidRequest("messages: must hold at least one message")
    for index, message in enumerate(found):
        text(message.get("role"), f"messages.{index}.role")
    return found


def blocks(content: Any, field: str) -> list[JsonObject]:
    """Message content as blocks: a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects(content, field)
