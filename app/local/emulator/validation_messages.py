"""The conversation: roles, the order of turns, and tool calls with their results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.local.emulator import compaction
from app.local.emulator.faults import invalid
from app.local.emulator.shapes import JsonObject, closed, mapping, one_of, sequence
from app.local.emulator.validation_blocks import Limits, check_block, check_text

Blocks = Sequence[Mapping[str, Any]]
THOUGHTS = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages of one role in a row, as one; system messages are left out."""

    index: int
    """Of its first message."""
    role: str
    blocks: Blocks


def check_messages(body: JsonObject, limits: Limits, tools: frozenset[str]) -> None:
    """Raises `BedrockFault` (400) for the first thing wrong in `messages`."""
    messages = sequence(body["messages"], "messages")
    if not messages:
        raise invalid("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(message, index, limits, final=index == len(messages) - 1)
    turns = _turns(messages)
    if messages[0]["role"] == "system" or not turns or turns[0].role != "user":
        raise invalid('messages: first message must use the "user" role')
    _check_end(messages[-1], limits)
    _check_pairs(turns)
    _check_references(turns, tools)
    if body.get("thinking", {}).get("type") == "enabled":
        _check_thoughts(turns)


def _check_message(value: object, index: int, limits: Limits, *, final: bool) -> None:
    path = f"messages.{index}"
    message = mapping(value, path)
    closed(message, path, ("role", "content"), ("role", "content"))
    system = ("system",) if limits.can.system_messages else ()
    role = one_of(message["role"], f"{path}.role", ("user", "assistant", *system))
    content = message["content"]
    if not content and not (final and role == "assistant"):
        raise invalid(
            f"{path}: all messages must have non-empty content except for the optional final "
            "assistant message"
        )
    if isinstance(content, str):
        if content:
            check_text(content)
        return
    summaries = ("compaction",) if compaction.BETA in limits.betas else ()
    kinds = {
        "user": ("text", "image", "document", "tool_result"),
        "assistant": ("text", "thinking", "redacted_thinking", "tool_use", *summaries),
        "system": ("text",),
    }[role]
    for place, block in enumerate(sequence(content, f"{path}.content")):
        check_block(block, f"{path}.content.{place}", kinds, limits)


def _turns(messages: Sequence[JsonObject]) -> Sequence[Turn]:
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message["role"] == "system":
            continue
        if turns and turns[-1].role == message["role"]:
            last = turns.pop()
            turns.append(Turn(last.index, last.role, [*last.blocks, *blocks]))
        else:
            turns.append(Turn(index, message["role"], blocks))
    return turns


def _check_end(last: JsonObject, limits: Limits) -> None:
    if last["role"] != "assistant":
        return
    if not limits.can.prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    content = last["content"]
    text = content if isinstance(content, str) else content[-1].get("text", "") if content else ""
    if text != text.rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _check_pairs(turns: Sequence[Turn]) -> None:
    before: tuple[str, ...] = ()
    seen: set[str] = set()
    for turn in turns:
        if turn.role == "user":
            _check_results(turn, before)
        before = tuple(b["id"] for b in turn.blocks if b["type"] == "tool_use")
        if seen.intersection(before) or len(set(before)) != len(before):
            raise invalid(f"messages.{turn.index}: `tool_use` ids must be unique")
        seen.update(before)
    if before:
        raise invalid(_unanswered(turns[-1].index, before))


def _check_results(turn: Turn, called: Sequence[str]) -> None:
    leading: list[str] = []
    for place, block in enumerate(turn.blocks):
        if block["type"] != "tool_result":
            continue
        if block["tool_use_id"] not in called:
            raise invalid(
                f"messages.{turn.index}.content.{place}: unexpected `tool_use_id` found in "
                f"`tool_result` blocks: {block['tool_use_id']}. Each `tool_result` block must have "
                "a corresponding `tool_use` block in the previous message."
            )
        if len(leading) == place:
            leading.append(block["tool_use_id"])
    missing = [call for call in called if call not in leading]
    if missing:
        raise invalid(_unanswered(turn.index, missing))


def _unanswered(index: int, calls: Sequence[str]) -> str:
    return (
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` "
        "block in the next message."
    )


def _check_references(turns: Sequence[Turn], tools: frozenset[str]) -> None:
    contents = [
        block["content"]
        for turn in turns
        for block in turn.blocks
        if block["type"] == "tool_result" and isinstance(block.get("content"), list)
    ]
    for item in (item for content in contents for item in content):
        if item["type"] == "tool_reference" and item["tool_name"] not in tools:
            raise invalid(f"Tool reference '{item['tool_name']}' not found in available tools")


def _check_thoughts(turns: Sequence[Turn]) -> None:
    """With a thinking budget, the turn that called the tools must still begin with its thought."""
    last = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    if last is None or not last.blocks:
        return
    answered = any(block["type"] == "tool_result" for block in turns[-1].blocks)
    if last is not turns[-1] and not answered:
        return
    first = last.blocks[0]["type"]
    if first not in THOUGHTS:
        raise invalid(
            f"messages.{last.index}.content.0.type: Expected `thinking` or `redacted_thinking`, "
            f"but found `{first}`. When `thinking` is enabled, a final `assistant` message must "
            "start with a thinking block (preceding the lastmost set of `tool_use` and "
            "`tool_result` blocks)."
        )
