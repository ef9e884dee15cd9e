"""The real Claude Code's `/context`, which asks for some 35 token counts at once."""

from pathlib import Path

from tests.e2e.claude_code import run_claude
from tests.support.stack import Stack


async def test_the_context_is_counted_by_bedrock_for_nothing(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0)

    for _ in range(2):
        run = await run_claude(
            own_stack.gateway.public_url, key, "/context", model="claude-haiku-4-5"
        )
        assert run.exit_code == 0
        assert "Context Usage" in run.text

    received = own_stack.emulator.received()
    assert len(received) > 20
    assert all(call["path"].endswith("/count-tokens") for call in received)
    bodies = [str(call["body"]) for call in received]
    assert len(set(bodies)) == len(bodies), "what was counted before is remembered"
    assert own_stack.spend_log() == []


async def test_a_model_that_cannot_be_counted_for_is_estimated(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key()

    run = await run_claude(own_stack.gateway.public_url, key, "/context", model="opus")

    assert run.exit_code == 0
    assert "Context Usage" in run.text
    assert own_stack.emulator.received() == []


async def test_a_conversation_beyond_the_context_window_is_compacted(
    own_stack: Stack, tmp_path: Path
) -> None:
    """Bedrock's own words for it are not those that Claude Code looks for."""
    key, url = own_stack.gateway.new_key(), own_stack.gateway.public_url
    for said in ("[[say=One.]]", "[[say=Two.]]", "[[say=Three.]]"):
        args = ("--continue",) if own_stack.spend_log() else ()
        await run_claude(url, key, said, model="claude-haiku-4-5", args=args, home=tmp_path)
    own_stack.emulator.scenario(
        {
            "kind": "error",
            "exception": "ValidationException",
            "message": "Input is too long for requested model.",
            "times": 1,
        }
    )

    run = await run_claude(
        url,
        key,
        "[[say=Four.]]",
        model="claude-haiku-4-5",
        args=("--continue",),
        home=tmp_path,
    )

    assert (run.exit_code, run.text) == (0, "Four.")
    statuses = [outcome["status"] for outcome in own_stack.gateway.outcomes()]
    assert statuses.count(400) == 1
    assert len(statuses) > 5, "a summary was asked for before the turn"
