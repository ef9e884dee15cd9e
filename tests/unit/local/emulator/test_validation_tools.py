from typing import Any

import pytest

from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import (
    ADAPTIVE,
    ENABLED,
    EXTRA,
    SEARCH,
    TOOL,
    assert_accepted,
    assert_refused,
)

REFUSED = [
    ("haiku-4-5", body(tools={}), "tools: Input should be a valid list"),
    ("haiku-4-5", body(tools=[{**TOOL, "custom": {}}]), f"tools.0.custom.custom: {EXTRA}"),
    (
        "haiku-4-5",
        body(tools=[{**TOOL, "eager_input_streaming": True}]),
        f"tools.0.custom.eager_input_streaming: {EXTRA}",
    ),
    ("opus-4-8", body(tools=[{**TOOL, "strict": True}]), f"tools.0.custom.strict: {EXTRA}"),
    ("haiku-4-5", body(tools=[{**TOOL, "name": "a b"}]), "tools.0.custom.name: String should"),
    ("haiku-4-5", body(tools=[{"input_schema": {}}]), "tools.0.custom.name: Field required"),
    ("haiku-4-5", body(tools=[{"name": "x"}]), "tools.0.custom.input_schema: Field required"),
    (
        "haiku-4-5",
        body(tools=[{**TOOL, "input_schema": {"type": "custom"}}]),
        "input_schema.type: Input should be 'object'",
    ),
    ("haiku-4-5", body(tools=[TOOL, TOOL]), "Tool names must be unique"),
    (
        "haiku-4-5",
        body(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        "tools.0: Input tag 'web_search_20250305' found using 'type' does not match",
    ),
    ("haiku-4-5", body(tools=[{"type": "web_fetch_20250910", "name": "f"}]), "Input tag 'web_f"),
    ("haiku-4-5", body(tools=[{"type": "code_execution_20250825", "name": "c"}]), "Input tag"),
    ("haiku-4-5", body(tools=[{"type": "mcp_toolset"}]), "Input tag 'mcp_toolset' found"),
    ("haiku-4-5", body(tools=[TOOL, {**TOOL, "name": "b", "defer_loading": True}]), EXTRA),
    ("opus-4-1", body(tools=[TOOL], anthropic_beta=[SEARCH]), "invalid beta flag"),
    (
        "haiku-4-5",
        body(tools=[{**TOOL, "defer_loading": True}], anthropic_beta=[SEARCH]),
        "All tools have defer_loading set",
    ),
    ("haiku-4-5", body(tool_choice={"type": "auto"}), "only be specified while providing tools"),
    ("haiku-4-5", body(tools=[TOOL], tool_choice={"type": "required"}), "Input tag 'required'"),
    (
        "haiku-4-5",
        body(tools=[TOOL], tool_choice={"type": "tool", "name": "write"}),
        "Tool 'write' not found in provided tools",
    ),
    ("opus-5-5", body(tools=[TOOL], tool_choice={"type": "any"}), '"any" is not supported'),
    ("fable-5-1", body(tools=[TOOL], tool_choice={"type": "any"}), '"any" is not supported'),
    (
        "sonnet-5-5",
        body(tools=[TOOL], tool_choice={"type": "tool", "name": "read"}),
        '"tool" is not supported for this model',
    ),
    (
        "haiku-4-5",
        body(tools=[TOOL], tool_choice={"type": "any"}, thinking=ENABLED),
        "Thinking may not be enabled when tool_choice forces tool use",
    ),
]

ACCEPTED = [
    ("haiku-4-5", body(tools=[TOOL], tool_choice={"type": "tool", "name": "read"})),
    ("haiku-4-5", body(tools=[{"type": "bash_20250124", "name": "bash"}])),
    ("fable-5", body(tools=[TOOL], tool_choice={"type": "any"}, thinking=ADAPTIVE)),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses_these_tools(name: str, document: Any, message: str) -> None:
    assert_refused(name, document, message)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts_these_tools(name: str, document: Any) -> None:
    assert_accepted(name, document)
