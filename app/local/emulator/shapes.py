"""Small checks of JSON values, refusing in the words of the Messages API."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.local.emulator.faults import invalid

EXTRA = "Extra inputs are not permitted"
MISSING = "Field required"

JsonObject = Mapping[str, Any]


def mapping(value: object, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise invalid(f"{path}: Input should be an object")
    return value


def sequence(value: object, path: str, *, least: int = 0) -> Sequence[Any]:
    if not isinstance(value, list):
        raise invalid(f"{path}: Input should be a valid list")
    if len(value) < least:
        raise invalid(
            f"{path}: List should have at least {least} item after validation, not {len(value)}"
        )
    return value


def closed(
    value: JsonObject, path: str, allowed: Collection[str], required: Collection[str] = ()
) -> None:
    """Refuses keys that are not `allowed` and the absence of those that are `required`."""
    prefix = f"{path}." if path else ""
    for key in value:
        if key not in allowed:
            raise invalid(f"{prefix}{key}: {EXTRA}")
    for key in required:
        if key not in value:
            raise invalid(f"{prefix}{key}: {MISSING}")


def string(value: object, path: str, pattern: str | None = None) -> str:
    if not isinstance(value, str):
        raise invalid(f"{path}: Input should be a valid string")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise invalid(f"{path}: String should match pattern '^{pattern}$'")
    return value


def boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid boolean")
    return value


def integer(value: object, path: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid integer")
    if value < least:
        raise invalid(f"{path}: Input should be greater than or equal to {least}")
    return value


def number(value: object, path: str, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid number")
    if value < 0:
        raise invalid(f"{path}: Input should be greater than or equal to 0")
    if value > most:
        raise invalid(f"{path}: Input should be less than or equal to {most:g}")
    return float(value)


def one_of(value: object, path: str, choices: Collection[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise invalid(f"{path}: Input should be {alternatives(choices)}")
    return value


def tagged(value: object, path: str, tags: Collection[str]) -> tuple[str, JsonObject]:
    """The object and its `type`, which must be one of `tags`."""
    item = mapping(value, path)
    if "type" not in item:
        raise invalid(f"{path}.type: {MISSING}")
    tag = item["type"]
    if tag not in tags:
        expected = ", ".join(f"'{name}'" for name in sorted(tags))
        raise invalid(
            f"{path}: Input tag '{tag}' found using 'type' does not match any of the expected "
            f"tags: {expected}"
        )
    return str(tag), item


def alternatives(choices: Collection[str]) -> str:
    *first, last = [f"'{choice}'" for choice in choices]
    return f"{', '.join(first)} or {last}" if first else last
