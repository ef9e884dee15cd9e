from typing import Any

import pytest

from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import (
    ENABLED,
    EXTRA,
    HELLO,
    HI,
    SEARCH,
    TOOL,
    assert_accepted,
    assert_refused,
    assistant,
    call,
    mark,
    result,
    said,
    system,
    text,
    thought,
    user,
)

REFUSED = [
    # Roles and turns
    ("haiku-4-5", said(), "at least one message is required"),
    ("haiku-4-5", body(messages="Hello"), "messages: Input should be a valid list"),
    ("haiku-4-5", said(HI, HELLO), 'first message must use the "user" role'),
    ("opus-4-8", said(system(), HELLO), 'first message must use the "user" role'),
    ("haiku-4-5", said(HELLO, system()), "role: Input should be 'user' or 'assistant'"),
    ("opus-4-7", said(HELLO, system()), "role: Input should be 'user' or 'assistant'"),
    ("opus-5-5", said(HELLO, {"role": "tool", "content": "x"}), "'user', 'assistant' or 'system'"),
    ("opus-5-5", said(HELLO, system(output_config={})), f"messages.1.output_config: {EXTRA}"),
    ("opus-5-5", said(HELLO, system(clear_at=1)), f"messages.1.clear_at: {EXTRA}"),
    (
        "opus-5-5",
        said(HELLO, system([{"type": "tool_addition", "tool_name": "read"}])),
        "Input tag 'tool_addition' found",
    ),
    ("opus-4-6", said(HELLO, HI), "does not support assistant message prefill"),
    ("sonnet-5", said(HELLO, HI), "does not support assistant message prefill"),
    ("haiku-4-5", said(HELLO, {**HI, "content": "Hi "}), "cannot end with trailing whitespace"),
    ("haiku-4-5", said({"role": "user", "content": ""}), "must have non-empty content"),
    ("haiku-4-5", said({"role": "user"}), "messages.0.content: Field required"),
    # Tool calls and their results
    (
        "haiku-4-5",
        said(HELLO, assistant(call()), HELLO),
        "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after",
    ),
    ("haiku-4-5", said(HELLO, assistant(call())), "`tool_use` ids were found without"),
    (
        "haiku-4-5",
        said(HELLO, assistant(call("a"), call("b")), user(result("a"))),
        "immediately after: b.",
    ),
    (
        "haiku-4-5",
        said(HELLO, assistant(call()), user(text(), result())),
        "`tool_use` ids were found without `tool_result` blocks immediately after",
    ),
    (
        "haiku-4-5",
        said(user(result())),
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
    ),
    (
        "haiku-4-5",
        said(HELLO, assistant(call("a")), user(result("a")), assistant(call("a")), HELLO),
        "`tool_use` ids must be unique",
    ),
    ("haiku-4-5", said(HELLO, assistant(call("a b")), HELLO), "tool_use.id: String should match"),
    (
        "haiku-4-5",
        said(HELLO, assistant(call()), user(result(content=[{"type": "audio"}]))),
        "messages.2.content.0.tool_result.content.0: Input tag 'audio' found",
    ),
    (
        "haiku-4-5",
        said(
            HELLO,
            assistant(call()),
            user(result(content=[{"type": "tool_reference", "tool_name": "gone"}])),
            tools=[TOOL],
        ),
        "Tool reference 'gone' not found in available tools",
    ),
    (
        "opus-4-1",
        said(
            HELLO,
            assistant(call()),
            user(result(content=[{"type": "tool_reference", "tool_name": "read"}])),
            tools=[TOOL],
        ),
        "Input tag 'tool_reference' found",
    ),
    (
        "haiku-4-5",
        said(HELLO, assistant(call()), user(result()), thinking=ENABLED),
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_",
    ),
]

ACCEPTED = [
    ("haiku-4-5", said(HELLO, HI)),
    ("haiku-4-5", said(HELLO, HELLO)),
    ("haiku-4-5", said(HELLO, assistant(call()), user(result(), text()), tools=[TOOL])),
    ("haiku-4-5", said(HELLO, assistant(thought(), call()), user(result()), thinking=ENABLED)),
    ("opus-4-8", said(HELLO, HI, HELLO, system([mark()]))),
    ("opus-4-8", said(HELLO, assistant(call()), system(), user(result()), tools=[TOOL])),
    (
        "sonnet-5-5",
        said(
            HELLO,
            assistant(thought(), call()),
            user(result(content=[{"type": "tool_reference", "tool_name": "b"}])),
            tools=[TOOL, {**TOOL, "name": "b", "defer_loading": True}],
            anthropic_beta=[SEARCH],
        ),
    ),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses_this_conversation(name: str, document: Any, message: str) -> None:
    assert_refused(name, document, message)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts_this_conversation(name: str, document: Any) -> None:
    assert_accepted(name, document)
