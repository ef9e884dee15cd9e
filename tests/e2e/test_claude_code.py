"""The real Claude Code, talking to Bedrock's emulator through the gateway."""

import pytest

from tests.e2e.claude_code import run_claude
from tests.support.stack import Stack, assert_spend_equals_the_bill


def inference_calls(stack: Stack, key_alias: str) -> list[dict[str, object]]:
    """The requests that a key made, as the gateway logged them."""
    return [o for o in stack.gateway.outcomes() if o["key_alias"] == key_alias]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (None, "claude-opus-5-5"),
        ("sonnet", "claude-sonnet-5-5"),
        ("haiku", "claude-haiku-5-5"),
        ("claude-haiku-4-5", "claude-haiku-4-5"),
    ],
)
async def test_a_question_is_answered_in_one_request(
    stack: Stack, asked: str | None, answered: str
) -> None:
    key = stack.gateway.new_key(key_alias=f"plain-{asked}")

    run = await run_claude(stack.gateway.public_url, key, "[[say=Forty-two.]]", model=asked)

    assert (run.exit_code, run.text) == (0, "Forty-two.")
    assert run.output["total_cost_usd"] > 0
    calls = inference_calls(stack, f"plain-{asked}")
    assert [(c["status"], c["model"], c["ending"]) for c in calls] == [(200, answered, "completed")]


async def test_a_tool_is_called_and_its_result_answered(own_stack: Stack) -> None:
    stack = own_stack
    key = stack.gateway.new_key(key_alias="tools")
    stack.emulator.scenario(
        {
            "kind": "tool_then_text",
            "tool": "Bash",
            "input": {"command": "echo stargate-$((40 + 2))", "description": "Say it"},
        }
    )

    run = await run_claude(
        stack.gateway.public_url,
        key,
        "Run a command.",
        model="claude-sonnet-4-5",
        args=["--allowedTools", "Bash(echo:*)"],
    )

    assert run.exit_code == 0
    assert "Claude Sonnet 4.5" in run.text
    results = [
        block
        for request in stack.emulator.received()
        for message in request["body"]["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    assert "stargate-42" in str(results[-1]["content"])
    assert_spend_equals_the_bill(stack)


async def test_a_refused_key_costs_one_request_and_shows_why(stack: Stack) -> None:
    before = len(stack.gateway.outcomes())

    run = await run_claude(stack.gateway.public_url, "sk-not-a-key-of-ours-at-all", "hello")

    assert run.exit_code == 1
    assert "Invalid API key" in run.text
    refused = stack.gateway.outcomes()[before:]
    assert [(o["status"], o["error_code"]) for o in refused] == [(401, "invalid_key")]


async def test_an_exhausted_budget_costs_one_request_and_shows_why(stack: Stack) -> None:
    key = stack.gateway.new_key(key_alias="poor", max_budget=0.000001, budget_duration="1d")

    run = await run_claude(stack.gateway.public_url, key, "hello")

    assert run.exit_code == 1
    assert "The budget of this API key" in run.text
    calls = inference_calls(stack, "poor")
    assert [(c["status"], c["error_code"]) for c in calls] == [(429, "budget_exceeded")]
