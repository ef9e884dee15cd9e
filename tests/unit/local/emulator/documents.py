"""Parts of bodies, and the two questions that the tests of validation ask."""

import re
from typing import Any

import pytest

from app.catalog.catalog import shipped_models
from app.catalog.model import Model
from app.local.emulator.faults import BedrockFault
from app.local.emulator.thought import signature
from app.local.emulator.validation import check_body
from tests.unit.local.emulator.client import body

EXTRA = "Extra inputs are not permitted"
HOLE: Any = ...
PNG = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
TOOL = {"name": "read", "description": "d", "input_schema": {"type": "object", "properties": {}}}
SEARCH = "tool-search-tool-2025-10-19"
ENABLED = {"type": "enabled", "budget_tokens": 1024}
ADAPTIVE = {"type": "adaptive"}


def model(name: str) -> Model:
    return next(m for m in shipped_models() if m.name == f"claude-{name}")


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def call(name: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "read", "input": {}}


def result(name: str = "toolu_1", content: Any = "done") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": content}


def thought(signed: str | None = None) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "", "signature": signed or signature("x")}


def said(*messages: Any, **changes: Any) -> dict[str, Any]:
    return body(messages=list(messages), **changes)


def mark(**more: Any) -> dict[str, Any]:
    return text(cache_control={"type": "ephemeral", **more})


def source(**more: Any) -> dict[str, Any]:
    return said(user({"type": "image", "source": more}))


def shape(name: str = "json_schema", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "additionalProperties": False}
    return {"format": {"type": name, "schema": schema, **more}}


def system(content: Any = "note", **more: Any) -> dict[str, Any]:
    return {"role": "system", "content": content, **more}


HELLO = {"role": "user", "content": "Hello"}
HI = {"role": "assistant", "content": "Hi"}
EDIT = {"edits": [{"type": "clear_tool_uses_20250919"}]}
THINKING_EDIT = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
MANAGED = ["context-management-2025-06-27"]


def assert_refused(name: str, document: Any, message: str) -> None:
    """Bedrock answers 400 with a message that holds this one."""
    with pytest.raises(BedrockFault, match=re.escape(message)) as fault:
        check_body(document, model(name))
    assert (fault.value.name, fault.value.status) == ("ValidationException", 400)


def assert_accepted(name: str, document: Any) -> None:
    assert check_body(document, model(name)) == document
