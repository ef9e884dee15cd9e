from typing import Any

import pytest

from tests.unit.local.emulator.client import Client, body
from tests.unit.local.emulator.documents import (
    ADAPTIVE,
    EDIT,
    ENABLED,
    EXTRA,
    HOLE,
    MANAGED,
    SEARCH,
    THINKING_EDIT,
    TOOL,
    assert_accepted,
    assert_refused,
    mark,
    shape,
    text,
    user,
)

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
]

ACCEPTED = [
    ("haiku-4-5", body()),
    ("haiku-4-5", body(system="Be brief.", stop_sequences=["END"], metadata={"user_id": "{}"})),
    ("haiku-4-5", body(temperature=0.5)),
    ("haiku-4-5", body(output_config=shape())),
    ("haiku-4-5", body(context_management=EDIT, anthropic_beta=MANAGED)),
    ("opus-4-5", body(output_config={"effort": "high"})),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses_these_fields(name: str, document: Any, message: str) -> None:
    assert_refused(name, document, message)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts_these_fields(name: str, document: Any) -> None:
    assert_accepted(name, document)


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

    assert_accepted(name, document)


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
