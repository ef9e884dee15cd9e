"""Requests made from the OpenAPI document, as it says and against it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
from hypothesis import assume
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.support.bedrock import HAIKU

NOT_OURS: Final = {"content-length", "transfer-encoding", "connection", "host", "expect"}
"""Headers of the connection; tests/hostile sends odd ones on raw sockets."""

KNOWN: Final[Mapping[str, tuple[Any, ...]]] = {
    "model": ("claude-haiku-4-5", "claude-opus-5-5"),
    "model_id": (HAIKU, "claude-haiku-4-5"),
    "max_tokens": (16, 100_000),
    "user_id": ("fuzzed",),
    "user_ids": (["fuzzed"],),
    "budget_id": ("fuzzed",),
    "budgets": (["fuzzed"],),
    "key": ("sk-fuzzed-key-of-nobody",),
    "keys": (["sk-fuzzed-key-of-nobody"],),
    "api_key": ("sk-fuzzed-key-of-nobody",),
    "start_date": ("2026-11-01",),
    "end_date": ("2026-11-30",),
}
"""Values that exist, so that a request gets past the first look."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is kept: the operation as the document calls it, and all that went out."""

    port: str
    caller: str
    method: str
    operation: str
    address: str
    headers: dict[str, str]
    body: str | None
    """In base64."""

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()


@st.composite
def requests(draw: st.DrawFn, callers: Sequence[str], operation: Any) -> Sent:
    """One for an operation: as the document says or not, and with values that exist or not."""
    mode = draw(st.sampled_from(list(GenerationMode)))
    case = draw(operation.as_strategy(generation_mode=mode))
    known = draw(st.booleans())
    path, query = dict(case.path_parameters or {}), dict(case.query or {})
    body = case.body
    if known:
        path = {n: draw(st.sampled_from(KNOWN[n])) if n in KNOWN else v for n, v in path.items()}
        query = {n: draw(st.sampled_from(KNOWN[n])) if n in KNOWN else v for n, v in query.items()}
        if isinstance(body, dict):
            body = {
                n: draw(st.sampled_from(KNOWN[n])) if n in KNOWN else v for n, v in body.items()
            }
    address = operation.path
    for name, value in path.items():
        address = address.replace(f"{{{name}}}", quote(str(value), safe=""))
    if query:
        address += f"?{httpx.QueryParams({n: _text(v) for n, v in query.items()})}"
    headers = {str(n): str(v) for n, v in (case.headers or {}).items()}
    assume(all(v.isascii() and n.isascii() for n, v in headers.items()))
    administers = "403" in operation.definition.raw["responses"] and body is not None
    usual = (
        "master"
        if administers and not address.startswith(("/v1/", "/bedrock"))
        else "internal_user"
    )
    caller = draw(st.sampled_from([usual, usual, usual, *callers]))
    kept = {n.lower(): v for n, v in headers.items() if n.lower() not in NOT_OURS}
    if caller != "nobody":
        kept.pop("authorization", None)
    port = draw(st.sampled_from(["public", "internal"]))
    if usual == "master":
        port = "internal"
    encoded = _encoded(body)
    return Sent(
        port,
        caller,
        operation.method.upper(),
        operation.path,
        address,
        kept,
        base64.b64encode(encoded).decode() if encoded is not None else None,
    )


def _text(value: Any) -> Any:
    return value if isinstance(value, str | list | int | float | bool) else json.dumps(value)


def _encoded(body: Any) -> bytes | None:
    if isinstance(body, bytes):
        return body
    return None if type(body).__name__ == "NotSet" else json.dumps(body).encode()
