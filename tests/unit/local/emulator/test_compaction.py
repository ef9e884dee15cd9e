"""Compaction in the emulator: when it happens, and what it reads of a summary sent back."""

from typing import Any

import pytest

from app.local.emulator import RunningEmulator
from app.local.emulator.prompt import prompt_tokens, segments
from tests.unit.local.emulator.client import OPUS, Client, body
from tests.unit.local.emulator.documents import assert_accepted, assert_refused, model, said, user

BETA = "compact-2026-01-12"
EDIT = {"type": "compact_20260112"}
SUMMARY = {"type": "compaction", "content": "What was said."}


def compacting(text: str = "Hello", **changes: Any) -> dict[str, Any]:
    edit = {**EDIT, **changes}
    return body(text, anthropic_beta=[BETA], context_management={"edits": [edit]})


async def test_a_short_prompt_is_not_compacted(client: Client) -> None:
    assert "iterations" not in (await client.invoke(compacting(), OPUS)).json()["usage"]


async def test_calls_without_the_edit_are_not_compacted(
    client: Client, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "compact"})

    assert "iterations" not in (await client.invoke(body(), OPUS)).json()["usage"]


async def test_all_steps_are_in_the_log_and_the_top_leaves_the_compaction_out(
    client: Client, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "compact"})

    usage = (await client.invoke(compacting(), OPUS)).json()["usage"]

    (compaction, message), (row,) = usage["iterations"], emulator.usage()
    assert usage["input_tokens"] == message["input_tokens"]
    for name in ("input_tokens", "output_tokens"):
        assert row[name] == compaction[name] + message[name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trigger": {"type": "input_tokens", "value": 100}}, "greater than or equal to 50000"),
        ({"trigger": {"type": "tool_uses", "value": 100_000}}, "does not match any"),
        ({"pause_after_compaction": "yes"}, "valid boolean"),
        ({"made_up": 1}, "Extra inputs are not permitted"),
    ],
)
def test_an_edit_that_is_wrong_is_refused(changes: dict[str, Any], message: str) -> None:
    assert_refused("opus-4-8", compacting(**changes), message)


def test_a_summary_is_taken_back_with_the_beta_alone() -> None:
    turns = [user({"type": "text", "text": "a"}), {"role": "assistant", "content": [SUMMARY]}]
    document = said(*turns, user({"type": "text", "text": "b"}))

    assert_refused("opus-4-8", document, "Input tag 'compaction'")
    assert_accepted("opus-4-8", document | {"anthropic_beta": [BETA]})


def test_what_was_before_a_summary_is_not_read_again() -> None:
    long = user({"type": "text", "text": "word " * 1000})
    summary = {"role": "assistant", "content": [SUMMARY]}
    last = user({"type": "text", "text": "b"})

    tokens = prompt_tokens(segments(said(long, summary, last), model("opus-4-8")))

    assert tokens < 100
