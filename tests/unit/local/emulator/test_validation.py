import re
from typing import Any

import pytest

from app.catalog.loader import shipped_models
from app.domain.models import Model
from app.local.emulator.faults import BedrockFault
from app.local.emulator.thought import signature
from app.local.emulator.validation import check_body
from tests.unit.local.emulator.client import Client, body

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
    return {"format": {"type": name, "schema": {"type": "object"}, **more}}


def system(content: Any = "note", **more: Any) -> dict[str, Any]:
    return {"role": "system", "content": content, **more}


HELLO = {"role": "user", "content": "Hello"}
HI = {"role": "assistant", "content": "Hi"}
EDIT = {"edits": [{"type": "clear_tool_uses_20250919"}]}
THINKING_EDIT = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
MANAGED = ["context-management-2025-06-27"]

REFUSED = [
    # The fields of the body
    ("haiku-4-5", body(model="claude"), f"model: {EXTRA}"),
    ("haiku-4-5", body(stream=True), f"stream: {EXTRA}"),
    ("haiku-4-5", body(service_tier="auto"), f"service_tier: {EXTRA}"),
    ("haiku-4-5", body(cache_control={"type": "ephemeral"}), f"cache_control: {EXTRA}"),
    ("opus-5-5", body(safeguards={}), f"safeguards: {EXTRA}"),
    ("opus-5-5", body(tags={"a": "b"}), f"tags: {EXTRA}"),
    ("haiku-4-5", body(anthropic_version=HOLE), "anthropic_version: Field required"),
    ("haiku-4-5", body(anthropic_version="2023-06-01"), "Input should be 'bedrock-2023-05-31'"),
    ("opus-5-5", body(anthropic_version="2026-10-21"), "Input should be 'bedrock-2023-05-31'"),
    ("haiku-4-5", body(max_tokens=HOLE), "max_tokens: Field required"),
    ("haiku-4-5", body(max_tokens="1"), "max_tokens: Input should be a valid integer"),
    ("haiku-4-5", body(max_tokens=True), "max_tokens: Input should be a valid integer"),
    ("haiku-4-5", body(max_tokens=0), "max_tokens: Input should be greater than or equal to 1"),
    ("haiku-4-5", body(max_tokens=64_001), "max_tokens: 64001 > 64000, which is the maximum"),
    ("haiku-4-5", body(stop_sequences="x"), "stop_sequences: Input should be a valid list"),
    ("haiku-4-5", body(stop_sequences=[" "]), "each stop sequence must contain non-whitespace"),
    ("haiku-4-5", body(metadata={"team": "x"}), f"metadata.team: {EXTRA}"),
    ("haiku-4-5", body(metadata={"user_id": 1}), "metadata.user_id: Input should be a valid str"),
    ("haiku-4-5", [], "body: Input should be an object"),
    # Betas
    ("haiku-4-5", body(anthropic_beta="x"), "anthropic_beta: Input should be a valid list"),
    ("haiku-4-5", body(anthropic_beta=["oauth-2025-04-20"]), "invalid beta flag"),
    ("haiku-4-5", body(anthropic_beta=["claude-code-20250219"]), "invalid beta flag"),
    ("haiku-4-5", body(anthropic_beta=["interleaved-thinking-2025-05-14"]), "invalid beta flag"),
    ("opus-4-6", body(anthropic_beta=["thinking-token-count-2026-05-13"]), "invalid beta flag"),
    ("sonnet-4-5", body(anthropic_beta=["context-1m-2025-08-07"]), "invalid beta flag"),
    # Thinking
    ("3-5-haiku", body(thinking=ENABLED), '"thinking.type.enabled" is not supported'),
    ("haiku-4-5", body(thinking=ADAPTIVE), "adaptive thinking is not supported"),
    ("opus-4-7", body(thinking=ENABLED), 'Use "thinking.type.adaptive"'),
    ("fable-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supported'),
    ("opus-5-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supported'),
    ("sonnet-5-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supp'),
    ("haiku-4-5", body(thinking={"type": "auto"}), "Input tag 'auto' found using 'type'"),
    ("haiku-4-5", body(thinking={"type": "enabled"}), "budget_tokens: Field required"),
    (
        "haiku-4-5",
        body(thinking={"type": "enabled", "budget_tokens": 1023}),
        "Input should be greater than or equal to 1024",
    ),
    (
        "haiku-4-5",
        body(thinking=ENABLED, max_tokens=1024),
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    (
        "haiku-4-5",
        body(thinking={**ENABLED, "display": "omitted"}),
        f"thinking.enabled.display: {EXTRA}",
    ),
    ("opus-4-6", body(thinking={**ADAPTIVE, "display": "omitted"}), f"display: {EXTRA}"),
    (
        "opus-4-8",
        body(thinking={**ADAPTIVE, "display": "updates"}),
        "thinking.adaptive.display: Input should be 'summarized' or 'omitted'",
    ),
    # Effort and format
    ("haiku-4-5", body(output_config={"effort": "high"}), "does not support the effort"),
    ("sonnet-4-5", body(output_config={"effort": "low"}), "does not support the effort"),
    ("opus-4-5", body(output_config={"effort": "xhigh"}), "Input should be 'low', 'medium' or"),
    ("opus-4-6", body(output_config={"effort": "xhigh"}), "'medium', 'high' or 'max'"),
    ("opus-4-1", body(output_config={"effort": "low"}), f"output_config: {EXTRA}"),
    ("opus-4-8", body(output_config=shape()), f"output_config.format: {EXTRA}"),
    ("haiku-4-5", body(output_config=shape("regex")), "Input tag 'regex' found"),
    ("haiku-4-5", body(output_config=shape(strict=True)), f"format.strict: {EXTRA}"),
    ("haiku-4-5", body(output_config={"verbosity": "low"}), f"output_config.verbosity: {EXTRA}"),
    # Sampling
    ("opus-4-7", body(temperature=1), "`temperature` is not supported for this model"),
    ("sonnet-5", body(top_p=0.9), "`top_p` is not supported for this model"),
    ("fable-5-2", body(top_k=5), "`top_k` is not supported for this model"),
    ("haiku-4-5", body(temperature=1.1), "temperature: Input should be less than or equal to 1"),
    ("haiku-4-5", body(temperature="1"), "temperature: Input should be a valid number"),
    ("haiku-4-5", body(temperature=0.5, top_p=0.5), "cannot both be specified"),
    ("haiku-4-5", body(temperature=0, thinking=ENABLED), "`temperature` may only be set to 1"),
    ("haiku-4-5", body(top_p=0.5, thinking=ENABLED), "`top_p` must be greater than"),
    ("opus-4-6", body(top_k=5, thinking=ADAPTIVE), "`top_k` must be unset"),
    # Context management
    ("haiku-4-5", body(context_management=EDIT), f"context_management: {EXTRA}"),
    (
        "haiku-4-5",
        body(context_management=THINKING_EDIT, anthropic_beta=MANAGED),
        "Input tag 'clear_thinking_20251015' found using 'type' does not match",
    ),
    (
        "haiku-4-5",
        body(context_management={"edits": []}, anthropic_beta=MANAGED),
        "context_management.edits: List should have at least 1 item",
    ),
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
    # Blocks
    ("haiku-4-5", said(user(text(""))), "text content blocks must be non-empty"),
    ("haiku-4-5", said(user({"text": "x"})), "messages.0.content.0.type: Field required"),
    ("haiku-4-5", said(user(text(colour="x"))), f"messages.0.content.0.text.colour: {EXTRA}"),
    ("haiku-4-5", said(user({"type": "video"})), "messages.0.content.0: Input tag 'video' found"),
    ("haiku-4-5", said(user(thought())), "Input tag 'thinking' found"),
    ("haiku-4-5", said(HELLO, assistant({"type": "image", "source": PNG})), "Input tag 'image'"),
    ("haiku-4-5", source(type="url", url="https://example.com"), "Input tag 'url' found"),
    ("haiku-4-5", source(type="file", file_id="x"), "Input tag 'file' found"),
    ("haiku-4-5", source(**{**PNG, "media_type": "image/tiff"}), "media_type: Input should be"),
    ("haiku-4-5", source(**{**PNG, "data": "%%%"}), "data: Input should be valid base64"),
    ("haiku-4-5", body(system=[{"type": "image", "source": PNG}]), "system.0: Input tag 'image'"),
    (
        "opus-4-8",
        said(HELLO, assistant({"type": "thinking", "thinking": "x"}), HELLO),
        "messages.1.content.0.thinking.signature: Field required",
    ),
    (
        "opus-4-8",
        said(HELLO, assistant(thought("c2lnbmVk")), HELLO),
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    # The prompt cache
    ("haiku-4-5", said(user(mark(scope="global"))), f"cache_control.ephemeral.scope: {EXTRA}"),
    ("haiku-4-5", said(user(mark(ttl="2h"))), "ephemeral.ttl: Input should be '5m' or '1h'"),
    ("opus-4-1", said(user(mark(ttl="1h"))), f"cache_control.ephemeral.ttl: {EXTRA}"),
    ("haiku-4-5", said(user(*[mark()] * 5)), "A maximum of 4 blocks with cache_control"),
    ("haiku-4-5", said(user(mark(), mark(ttl="1h"))), "must not come after a ttl='5m'"),
    # Tools
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
    ("haiku-4-5", body()),
    ("haiku-4-5", body(system="Be brief.", stop_sequences=["END"], metadata={"user_id": "{}"})),
    ("haiku-4-5", body(temperature=0.5)),
    ("haiku-4-5", body(thinking=ENABLED, temperature=1)),
    ("haiku-4-5", body(thinking={"type": "disabled"})),
    ("haiku-4-5", body(output_config=shape())),
    ("haiku-4-5", body(context_management=EDIT, anthropic_beta=MANAGED)),
    ("haiku-4-5", said(HELLO, HI)),
    ("haiku-4-5", said(HELLO, HELLO)),
    ("haiku-4-5", said(user(mark(ttl="1h"), mark(ttl="5m"), mark()))),
    ("haiku-4-5", said(user({"type": "image", "source": PNG}, text()))),
    ("haiku-4-5", said(HELLO, assistant(call()), user(result(), text()), tools=[TOOL])),
    ("haiku-4-5", said(HELLO, assistant(thought(), call()), user(result()), thinking=ENABLED)),
    ("haiku-4-5", body(tools=[TOOL], tool_choice={"type": "tool", "name": "read"})),
    ("haiku-4-5", body(tools=[{"type": "bash_20250124", "name": "bash"}])),
    ("opus-4-5", body(output_config={"effort": "high"})),
    ("opus-4-6", body(thinking=ENABLED)),
    ("opus-4-6", body(thinking=ADAPTIVE, output_config={"effort": "max"})),
    ("opus-4-7", body(thinking={**ADAPTIVE, "display": "omitted"})),
    ("opus-4-8", said(HELLO, HI, HELLO, system([mark()]))),
    ("opus-4-8", said(HELLO, assistant(call()), system(), user(result()), tools=[TOOL])),
    ("opus-5-5", body(thinking=ADAPTIVE, output_config={"effort": "xhigh"})),
    (
        "opus-5-5",
        body(
            thinking={**ADAPTIVE, "display": "updates"},
            anthropic_beta=["thinking-display-updates-2026-08-18"],
        ),
    ),
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
    ("fable-5", body(tools=[TOOL], tool_choice={"type": "any"}, thinking=ADAPTIVE)),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses(name: str, document: Any, message: str) -> None:
    with pytest.raises(BedrockFault, match=re.escape(message)) as fault:
        check_body(document, model(name))

    assert (fault.value.name, fault.value.status) == ("ValidationException", 400)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts(name: str, document: Any) -> None:
    assert check_body(document, model(name)) == document


GOLDEN = {
    "haiku-4-5": (ENABLED, None, [SEARCH]),
    "sonnet-4-5": (ENABLED, None, ["interleaved-thinking-2025-05-14", SEARCH]),
    "opus-4-5": (ENABLED, None, ["interleaved-thinking-2025-05-14", SEARCH]),
    "sonnet-4-6": (ADAPTIVE, "high", ["interleaved-thinking-2025-05-14", SEARCH]),
    "opus-4-6": (ADAPTIVE, "high", ["context-1m-2025-08-07", SEARCH]),
    **dict.fromkeys(
        ["opus-4-7", "opus-4-8", "opus-5", "opus-5-5", "sonnet-5", "haiku-5-5", "fable-5-2"],
        (
            {**ADAPTIVE, "display": "omitted"},
            "xhigh",
            [SEARCH, "interleaved-thinking-2025-05-14", "thinking-token-count-2026-05-13"],
        ),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_what_claude_code_sends_to_bedrock_is_accepted(name: str) -> None:
    thinking, effort, betas = GOLDEN[name]
    document = body(
        anthropic_beta=betas,
        max_tokens=32_000,
        thinking=thinking,
        output_config={"effort": effort} if effort else HOLE,
        system=[text("x-header"), mark(), mark()],
        tools=[TOOL, {**TOOL, "name": "later", "defer_loading": True}],
        metadata={"user_id": "{}"},
        messages=[user(text(), mark())],
    )

    assert check_body(document, model(name)) == document


async def test_over_the_wire_a_refusal_is_a_validation_exception_and_costs_nothing(
    client: Client,
) -> None:
    reply = await client.invoke(body(stream=True))

    assert reply.error == (400, "ValidationException", "stream: Extra inputs are not permitted")
    assert reply.headers["x-amzn-requestid"]
    assert client.emulator.usage() == []


async def test_over_the_wire_what_is_no_json_is_refused(client: Client) -> None:
    reply = await client.invoke(b"{")

    assert reply.error[:2] == (400, "ValidationException")
    assert "Malformed input request" in reply.error[2]


async def test_over_the_wire_a_payload_of_more_than_20_mb_is_refused(client: Client) -> None:
    reply = await client.invoke(b" " * 20_000_001)

    assert reply.error[:2] == (413, "RequestEntityTooLargeException")


async def test_over_the_wire_a_prompt_beyond_the_context_is_refused(client: Client) -> None:
    reply = await client.invoke(body("x" * 800_001))

    assert reply.error == (
        400,
        "ValidationException",
        "Input is too long for requested model.",
    )
