"""The requests that are sent: the same bytes every time, and no prompt of anybody."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal

ApiFormat = Literal["messages", "chat"]

MODEL: Final = "claude-haiku-4-5"
SMALL: Final = "small"
CODE: Final = "code"
"""As large and as deep as what Claude Code sends for its first words: twelve tools, three blocks
of system prompt, about 90 kB."""

WORDS: Final = "the quick brown fox looks into the file and says what it would change in it, "

VERSION: Final = {"anthropic-version": "2023-06-01"}
BETAS: Final = {"anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14"}


@lru_cache(maxsize=32)
def request_body(api_format: ApiFormat, size: str, model: str, *, stream: bool) -> bytes:
    """`size` is "small", "code", or about how many bytes a body of plain text shall have."""
    body = _BUILDERS[api_format](size)
    asked = {"model": model, **body, "stream": stream}
    if stream and api_format == "chat":
        asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked).encode()


def request_headers(api_format: ApiFormat, size: str) -> Mapping[str, str]:
    """What a client of that kind sends beside its key."""
    if api_format == "chat":
        return {}
    return {**VERSION, **BETAS} if size == CODE else VERSION


def _text(size: int) -> str:
    return (WORDS * (size // len(WORDS) + 1))[:size]


def _messages(size: str) -> dict[str, Any]:
    if size == CODE:
        return {
            "max_tokens": 32000,
            "system": [
                {"type": "text", "text": _text(9_500), "cache_control": {"type": "ephemeral"}}
                for _ in range(3)
            ],
            "tools": [
                {"name": name, "description": text, "input_schema": schema}
                for name, text, schema in _tools()
            ],
            "messages": [{"role": "user", "content": _conversation()}],
        }
    return {"max_tokens": 256, "messages": [{"role": "user", "content": _content(size)}]}


def _chat(size: str) -> dict[str, Any]:
    if size == CODE:
        functions = [
            {"name": name, "description": text, "parameters": schema}
            for name, text, schema in _tools()
        ]
        return {
            "max_tokens": 32000,
            "tools": [{"type": "function", "function": one} for one in functions],
            "messages": [
                {"role": "system", "content": _text(28_500)},
                {"role": "user", "content": _conversation()},
            ],
        }
    return {"max_tokens": 256, "messages": [{"role": "user", "content": _content(size)}]}


def _content(size: str) -> str:
    return "Say hi." if size == SMALL else _text(int(size))


def _conversation() -> list[dict[str, str]]:
    return [{"type": "text", "text": _text(3_000)} for _ in range(3)]


def _tools() -> list[tuple[str, str, dict[str, Any]]]:
    return [(f"tool_{number}", _text(2_800), _schema()) for number in range(12)]


def _schema() -> dict[str, Any]:
    properties = {
        f"argument_{number}": {"type": "string", "description": _text(160)} for number in range(6)
    }
    return {"type": "object", "properties": properties, "required": ["argument_0"]}


_BUILDERS: Final = {"messages": _messages, "chat": _chat}
