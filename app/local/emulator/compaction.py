"""Compaction: a step before the answer that reads the whole prompt and puts a summary in its place.

Anthropic bills both steps. The counts at the top of a usage leave the compaction out; `iterations`
lists all steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core.usage import Usage
from app.local.emulator.answer import Answer, Summary
from app.local.emulator.faults import invalid
from app.local.emulator.prompt import TOKENS_PER_BLOCK
from app.local.emulator.shapes import JsonObject, boolean, closed, integer, string, tagged

EDIT = "compact_20260112"
BETA = "compact-2026-01-12"
TRIGGER_TOKENS = 150_000
LEAST_TRIGGER_TOKENS = 50_000
WORDS = "The emulator sums up what was said before."


def check_edit(edit: JsonObject, path: str) -> None:
    """Raises `BedrockFault` (400) for an edit that is none of this kind."""
    closed(edit, path, ("type", "trigger", "instructions", "pause_after_compaction"))
    boolean(edit.get("pause_after_compaction", False), f"{path}.pause_after_compaction")
    if edit.get("instructions") is not None:
        string(edit["instructions"], f"{path}.instructions")
    if edit.get("trigger") is not None:
        _, trigger = tagged(edit["trigger"], f"{path}.trigger", ("input_tokens",))
        integer(trigger.get("value"), f"{path}.trigger.value", LEAST_TRIGGER_TOKENS)


def check_block(block: JsonObject, path: str) -> None:
    """Raises `BedrockFault` (400) for a summary that a client sends back changed."""
    if block.get("content") is not None and not string(block["content"], f"{path}.content"):
        raise invalid(f"{path}.content: must not be empty")


def edit_due(body: Mapping[str, Any], prompt_tokens: int, *, forced: bool) -> JsonObject | None:
    """The edit that asks for a compaction of a prompt as long as this; None where none is due."""
    for edit in body.get("context_management", {}).get("edits", ()):
        if edit["type"] != EDIT:
            continue
        trigger = (edit.get("trigger") or {}).get("value", TRIGGER_TOKENS)
        return edit if forced or prompt_tokens > trigger else None
    return None


def compacted(
    answer: Answer, edit: JsonObject, read: Usage, pieces: Sequence[str]
) -> tuple[Answer, Usage]:
    """The answer after a compaction that read so much, and what the answer itself then reads."""
    summary = Summary(pieces, read)
    if edit.get("pause_after_compaction"):
        return replace(answer, blocks=[summary], stop_reason="compaction"), Usage()
    prompt = Usage(input_tokens=TOKENS_PER_BLOCK + len(pieces))
    return replace(answer, blocks=[summary, *answer.blocks]), prompt
