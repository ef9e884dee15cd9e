"""The real Claude Code in Bedrock mode, with the gateway for Bedrock."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeRun, run_claude
from tests.support.stack import Stack, assert_spend_equals_the_bill

NOWHERE = "http://127.0.0.1:9"
"""For the variable that Bedrock mode does not read."""

TOKEN = {"CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1"}
"""With it the key is ANTHROPIC_AUTH_TOKEN."""


async def run_in_bedrock_mode(
    stack: Stack, key: str, prompt: str, *, model: str | None = None, args: Sequence[str] = ()
) -> ClaudeRun:
    return await run_claude(NOWHERE, key, prompt, model=model, args=args, env=mode(stack, **TOKEN))


def mode(stack: Stack, **more: str) -> dict[str, str]:
    return {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": f"{stack.gateway.public_url}/bedrock",
        "AWS_REGION": "us-east-1",
        **more,
    }


def calls(stack: Stack) -> list[tuple[Any, ...]]:
    return [(o["api_format"], o["status"], o["error_code"]) for o in stack.gateway.outcomes()]


async def test_each_name_is_answered_in_one_request_and_billed_to_the_digit(
    own_stack: Stack,
) -> None:
    key = own_stack.gateway.new_key()
    expected = []
    for asked, profile in (
        (None, "us.anthropic.claude-opus-5-5"),
        ("sonnet", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("haiku", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("fable", "us.anthropic.claude-fable-5-2"),
        ("claude-sonnet-4-6[1m]", "us.anthropic.claude-sonnet-4-6"),
        ("global.anthropic.claude-sonnet-5-5", "global.anthropic.claude-sonnet-5-5"),
        ("claude-haiku-4-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ):
        run = await run_in_bedrock_mode(own_stack, key, "[[say=Forty-two.]]", model=asked)

        assert (run.exit_code, run.text) == (0, "Forty-two.")
        expected.append((profile, "completed", True))
    rows = own_stack.spend_log()
    assert [(row["upstream_model"], row["ending"], row["stream"]) for row in rows] == expected
    assert {row["session_id"] for row in rows}.isdisjoint({None})
    assert_spend_equals_the_bill(own_stack)


async def test_a_tool_is_called_and_its_result_answered(own_stack: Stack) -> None:
    own_stack.emulator.scenario(
        {
            "kind": "tool_then_text",
            "tool": "Bash",
            "input": {"command": "echo stargate-$((40 + 2))", "description": "Say it"},
        }
    )

    run = await run_in_bedrock_mode(
        own_stack,
        own_stack.gateway.new_key(),
        "Run a command.",
        model="sonnet",
        args=["--allowedTools", "Bash(echo:*)"],
    )

    assert run.exit_code == 0
    assert "Claude Sonnet 4.5" in run.text
    results = str(own_stack.emulator.received()[-1]["body"]["messages"])
    assert "stargate-42" in results
    assert calls(own_stack) == [("bedrock", 200, None)] * 2
    assert_spend_equals_the_bill(own_stack)


@pytest.mark.parametrize(
    ("key_fields", "model", "status", "code", "shown"),
    [
        ({"blocked": True}, None, 401, "blocked_key", "is blocked."),
        (None, None, 401, "invalid_key", "API Error: 401 Invalid API key."),
        (
            {"max_budget": 0.000001, "budget_duration": "1d"},
            None,
            429,
            "budget_exceeded",
            "The budget of this API key has $0.000001 of $0.000001 left",
        ),
        (
            {"models": ["claude-haiku-4-5"]},
            None,
            403,
            "model_not_allowed",
            "This API key may not use claude-opus-5-5.",
        ),
        (
            {},
            "us.anthropic.claude-nonsense-9",
            404,
            "unknown_model",
            "model: us.anthropic.claude-nonsense-9 is not known here; try one of",
        ),
    ],
    ids=["blocked", "key", "budget", "model list", "unknown model"],
)
async def test_a_refusal_costs_one_request_and_shows_why(
    own_stack: Stack,
    key_fields: dict[str, object] | None,
    model: str | None,
    status: int,
    code: str,
    shown: str,
) -> None:
    key = "sk-not-a-key-of-ours-at-all"
    if key_fields is not None:
        key = own_stack.gateway.new_key(**key_fields)

    run = await run_in_bedrock_mode(own_stack, key, "hello", model=model)

    assert run.exit_code == 1
    assert shown in run.text
    assert calls(own_stack) == [("bedrock", status, code)]


async def test_an_answer_that_breaks_is_shown_as_broken_and_not_asked_for_again(
    own_stack: Stack,
) -> None:
    """As when Claude Code speaks to Bedrock itself."""
    own_stack.emulator.scenario({"kind": "break_mid_stream", "after": 5, "times": 1})

    run = await run_in_bedrock_mode(own_stack, own_stack.gateway.new_key(), "[[tokens=200]]")

    assert run.exit_code == 1
    assert "The connection to Bedrock was lost" in run.text
    assert [row["ending"] for row in own_stack.spend_log()] == ["upstream_failed"]


async def test_with_a_bedrock_token_claude_code_tries_its_models_and_counts_the_context(
    own_stack: Stack,
) -> None:
    """With AWS_BEARER_TOKEN_BEDROCK it asks for profiles with the key, unlike with
    CLAUDE_CODE_SKIP_BEDROCK_AUTH, and so learns which model to count tokens by."""
    key = own_stack.gateway.new_key()

    run = await run_claude(
        NOWHERE,
        "",
        "/context",
        model="sonnet",
        env=mode(own_stack, AWS_BEARER_TOKEN_BEDROCK=key),
    )

    assert run.exit_code == 0
    assert "Context Usage" in run.text
    counted = [c["path"] for c in own_stack.emulator.received() if "count" in c["path"]]
    assert set(counted) == {"/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"}
    tried = [(row["output_tokens"], row["stream"]) for row in own_stack.spend_log()]
    assert tried == [(1, False)] * 3
    assert_spend_equals_the_bill(own_stack)


async def test_a_prompt_beyond_the_context_window_is_recognised(own_stack: Stack) -> None:
    too_long = "Input is too long for requested model."
    own_stack.emulator.scenario(
        {"kind": "error", "exception": "ValidationException", "message": too_long}
    )

    run = await run_in_bedrock_mode(own_stack, own_stack.gateway.new_key(), "hello")

    assert run.exit_code == 1
    assert run.text.startswith("Prompt is too long")
    assert {code for _, _, code in calls(own_stack)} == {"prompt_too_long"}
