"""What the user of Claude Code sees when something is wrong, and how often it asks."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import run_claude
from tests.support.stack import Stack, running_stack


async def outcome_of(
    stack: Stack, alias: str, *, model: str = "claude-haiku-4-5", **key_fields: Any
) -> tuple[int, str, list[int]]:
    """Exit code, text, and the status of each request that was made."""
    key = stack.gateway.new_key(key_alias=alias, **key_fields)
    run = await run_claude(
        stack.gateway.public_url,
        key,
        "hello",
        model=model,
        env={"CLAUDE_CODE_MAX_RETRIES": "1"},
    )
    made = [o["status"] for o in stack.gateway.outcomes() if o["key_alias"] == alias]
    return run.exit_code, run.text, made


async def test_a_model_that_the_key_may_not_use_is_named(stack: Stack) -> None:
    code, text, made = await outcome_of(stack, "may-not", models=["claude-opus-5-5"])

    assert (code, made) == (1, [403])
    assert "may not use claude-haiku-4-5" in text


async def test_an_unknown_model_is_said_to_be_one(stack: Stack) -> None:
    code, text, made = await outcome_of(stack, "unknown-model", model="claude-nobody-7")

    assert (code, set(made)) == (1, {404})
    assert len(made) <= 2
    assert "claude-nobody-7" in text


@pytest.mark.parametrize(
    ("scenario", "status", "said"),
    [
        ({"kind": "throttle"}, 429, "quota"),
        ({"kind": "unavailable"}, 529, "no capacity"),
        ({"kind": "error", "exception": "InternalServerException"}, 502, ""),
    ],
)
async def test_a_lasting_trouble_of_bedrock_is_shown_after_the_clients_retries(
    stack: Stack, scenario: dict[str, Any], status: int, said: str
) -> None:
    stack.emulator.scenario(scenario)

    code, text, made = await outcome_of(stack, f"trouble-{status}")

    assert (code, made) == (1, [status, status])
    assert said in text


async def test_missing_access_to_bedrock_is_asked_for_once(stack: Stack) -> None:
    stack.emulator.scenario({"kind": "error", "exception": "AccessDeniedException"})

    code, text, made = await outcome_of(stack, "denied")

    assert (code, made) == (1, [502])
    assert "operator" in text


async def test_a_stream_that_breaks_at_its_start_is_streamed_again(stack: Stack) -> None:
    stack.emulator.scenario(
        {"kind": "exception_mid_stream", "after": 0, "times": 1}, {"kind": "normal"}
    )

    code, text, made = await outcome_of(stack, "breaks")

    assert (code, len(made)) == (0, 2)
    assert "emulator" in text
    streamed = [o["stream"] for o in stack.gateway.outcomes() if o["key_alias"] == "breaks"]
    assert streamed == [True, True]


async def test_a_prompt_over_the_limit_is_said_to_be_too_large(
    database_url: str, tmp_path: Path
) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_MAX_BODY_BYTES="20000") as stack:
        code, text, _ = await outcome_of(stack, "large")

    assert code == 1
    assert "too large" in text


async def test_a_prompt_beyond_the_context_window_is_recognised(stack: Stack) -> None:
    """Claude Code compacts a conversation when it recognises this error, and else shows it raw."""
    stack.emulator.scenario(
        {
            "kind": "error",
            "exception": "ValidationException",
            "message": "Input is too long for requested model.",
        }
    )

    code, text, made = await outcome_of(stack, "too-long")

    assert (code, set(made)) == (1, {400})
    assert text.startswith("Prompt is too long")


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        ("ResourceNotFoundException", "Model use case details have not been submitted."),
        ("ThrottlingException", "Too many tokens per day, please wait before trying again."),
    ],
)
async def test_a_sentence_that_somebody_must_act_on_is_shown_after_one_request(
    stack: Stack, exception: str, message: str
) -> None:
    stack.emulator.scenario({"kind": "error", "exception": exception, "message": message})

    code, text, made = await outcome_of(stack, f"act-on-{exception}")

    assert (code, len(made)) == (1, 1)
    assert message in text
