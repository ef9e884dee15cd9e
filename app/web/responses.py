"""Answers of administration: JSON whose money keeps all of its digits."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from starlette.responses import Response


def json_response(body: Any, headers: Mapping[str, str] | None = None) -> Response:
    encoded = orjson.dumps(body, default=_number)
    return Response(encoded, headers=headers, media_type="application/json")


def time(when: datetime | None) -> str | None:
    """As `2026-11-23T12:00:00Z`; with milliseconds where there are any."""
    if when is None:
        return None
    return f"{when:%Y-%m-%dT%H:%M:%S}" + (
        f".{when.microsecond // 1000:03d}Z" if when.microsecond else "Z"
    )


def _number(value: Any) -> Any:
    """Money as a JSON number with all of its digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value.normalize():f}")
    raise TypeError(type(value).__name__)
