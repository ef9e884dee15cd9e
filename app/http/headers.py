"""What is read from request headers; all of it is hostile."""

import re
from typing import Final

from starlette.datastructures import Headers

LONGEST_VALUE: Final = 200

_HARMLESS: Final = re.compile(r"[^\x20-\x7e]")


def credentials(headers: Headers) -> tuple[str, ...]:
    """The keys sent, the one in `Authorization` first: Claude Code may send two that differ."""
    found = []
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        found.append(token.strip())
    if api_key := headers.get("x-api-key", "").strip():
        found.append(api_key)
    return tuple(found)


def betas(headers: Headers) -> tuple[str, ...]:
    """The values of `anthropic-beta`, which may be one header or several."""
    values = ",".join(headers.getlist("anthropic-beta")).split(",")
    return tuple(value.strip() for value in values if value.strip())


def note(headers: Headers, name: str) -> str | None:
    """A header kept for the record: short, and without control characters."""
    value = headers.get(name)
    return _HARMLESS.sub("", value)[:LONGEST_VALUE] if value else None
