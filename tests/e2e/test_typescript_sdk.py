"""The real TypeScript SDK, run by Node, against a running gateway."""

import json
import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.stack import Stack

CLIENTS = Path(__file__).parent / "node_clients"
SECONDS = 60


async def ask(
    stack: Stack, what: str, prompt: str = "hi", *, model: str = "claude-haiku-4-5", key: str = ""
) -> dict[str, Any]:
    """What `messages.mjs` prints: the answer, or what is known of the error."""
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules" / "@anthropic-ai" / "sdk").exists():
        pytest.skip("the TypeScript SDK is not installed: ./dev test installs it where npm is")
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            [node, str(CLIENTS / "messages.mjs"), what, model, prompt],
            env={
                "ANTHROPIC_BASE_URL": stack.gateway.public_url,
                "ANTHROPIC_API_KEY": key or stack.gateway.new_key(),
            },
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def test_a_message_is_created(stack: Stack) -> None:
    answer = await ask(stack, "create", "[[say=Good morning]]")

    assert answer["content"] == [{"type": "text", "text": "Good morning"}]
    assert (answer["model"], answer["stop_reason"]) == ("claude-haiku-4-5", "end_turn")


async def test_a_message_is_streamed(stack: Stack) -> None:
    answer = await ask(stack, "stream", "[[tokens=60]]")

    assert answer["pieces"] > 5
    assert answer["usage"]["output_tokens"] == 60


async def test_models_are_listed(stack: Stack) -> None:
    answer = await ask(stack, "models")

    assert "claude-opus-5-5" in answer["names"]


async def test_tokens_are_counted(stack: Stack) -> None:
    answer = await ask(stack, "count")

    assert answer["input_tokens"] > 0


@pytest.mark.parametrize(
    ("model", "key", "kind", "status"),
    [
        ("claude-haiku-4-5", "sk-wrong", "AuthenticationError", 401),
        ("claude-nobody", "", "NotFoundError", 404),
    ],
)
async def test_errors_are_typed(stack: Stack, model: str, key: str, kind: str, status: int) -> None:
    answer = await ask(stack, "stream", model=model, key=key)

    assert (answer["kind"], answer["status"]) == (kind, status)


async def test_a_budget_that_is_used_up_is_a_rate_limit_error(stack: Stack) -> None:
    answer = await ask(stack, "create", key=stack.gateway.new_key(max_budget=0))

    assert (answer["kind"], answer["status"]) == ("RateLimitError", 429)
    assert "budget" in answer["message"]
