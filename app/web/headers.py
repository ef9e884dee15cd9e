"""What is read from request headers; all of it is hostile."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from app.core.ids import Credentials
from app.core.tags import tags as clean_tags

LONGEST_VALUE: Final = 200

LONGEST_ADDRESS: Final = 45
"""Of IPv6 with an IPv4 address in it."""

SESSION: Final = ("x-claude-code-session-id", "x-session-id")

AGENT: Final = ("x-claude-code-agent-type", "x-claude-code-agent-id")

TAGS: Final = ("x-gateway-tags", "x-litellm-tags")

_READ: Final = frozenset(
    name.encode() for name in ("authorization", "x-api-key", "user-agent", *SESSION, *AGENT, *TAGS)
)

_CONTROL: Final = re.compile(r"[^\x20-\x7e]")


def once(headers: Headers) -> Mapping[str, str]:
    """The first of each name that is read below. Starlette looks through all headers for each that
    is asked for."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in reversed(headers.raw)
        if name in _READ
    }


def secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
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


def note(headers: Mapping[str, str], *names: str) -> str | None:
    """A header kept for the record, the first that is there: short, without control characters."""
    value = next((found for name in names if (found := headers.get(name))), None)
    return _harmless(value)[:LONGEST_VALUE] if value else None


def tags(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Tags that the caller gives the request, separated by commas."""
    values = ",".join(_utf8(headers.get(name, "")) for name in TAGS)
    return clean_tags(values.split(",")) if values != "," else ()


def _utf8(value: str) -> str:
    """Headers are read as Latin-1; most clients that go beyond ASCII write UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _harmless(value: str) -> str:
    return _CONTROL.sub("", value)


def credentials(request: Request, said: Mapping[str, str] | None = None) -> Credentials:
    """The keys of a request, preferred one first, and the address that it came from. `said`:
    its headers, where they were read already."""
    return Credentials(secrets(request.headers if said is None else said), address(request))


def address(request: Request) -> str:
    """The other end of the connection, or what the outermost of our own proxies saw as that.

    Each of them adds one to X-Forwarded-For; whatever stands before was sent by the client.
    """
    proxies: int = request.app.state.proxies
    if proxies:
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        if len(hops) >= proxies and (hop := hops[-proxies].strip()):
            return hop[:LONGEST_ADDRESS]
    return request.client.host if request.client else ""
