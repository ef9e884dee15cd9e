"""What the emulated model says: always the same to the same request.

A token is a run of up to eight characters that are no spaces, with the spaces before it. The last
message of the user may hold a directive: `[[tokens=500]]` is answered with 500 tokens, `[[say=…]]`
with that text. A forced tool choice and a JSON format are answered with the smallest value that
their schema allows.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.catalog.model import Model
from app.local.emulator.answer import Answer, Block, StopReason, Text, Thought, ToolUse
from app.local.emulator.examples import example
from app.local.emulator.thought import signature

Body = Mapping[str, Any]

PIECE = re.compile(r"\s*\S{1,8}|\s+")
DIRECTIVE = re.compile(r"\[\[(tokens|say)=(.*?)\]\](?!\])", re.DOTALL)
THOUGHT = "The emulator thinks about this for a moment."


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A tool call that a scenario wants, and how often at once."""

    tool: str
    input: Mapping[str, Any]
    times: int = 1


def generate(body: Body, model: Model, planned: PlannedCall | None = None) -> Answer:
    """The answer to a valid body, within its `max_tokens`."""
    calls = _calls(body, planned)
    thoughts = [_thought(body, model)] if _thinks(body, model) else []
    if calls:
        return _within(body["max_tokens"], [*thoughts, *calls], "tool_use", None)
    said, stopped_by = _until(body.get("stop_sequences", ()), _text_pieces(body, model))
    reason: StopReason = "stop_sequence" if stopped_by is not None else "end_turn"
    return _within(body["max_tokens"], [*thoughts, Text(said)], reason, stopped_by)


def blocked(text: str) -> Answer:
    """What a guardrail says in the model's place."""
    return Answer([Text(pieces(text))], "end_turn")


def pieces(text: str) -> Sequence[str]:
    """The tokens of a text."""
    return PIECE.findall(text)


def _text_pieces(body: Body, model: Model) -> Sequence[str]:
    shape = body.get("output_config", {}).get("format")
    if shape:
        return pieces(orjson.dumps(example(shape["schema"])).decode())
    directives = DIRECTIVE.findall(last_text(body))
    kind, value = directives[-1] if directives else ("", "")
    if kind == "tokens" and value.strip().isdecimal():
        count = min(int(value), body["max_tokens"] + 1)
        return [f"token{number} " for number in range(1, count + 1)]
    if kind == "say":
        return pieces(value)
    return pieces(
        f"Hello! This is the Bedrock emulator, answering in the place of {model.display_name}."
    )


def last_text(body: Body) -> str:
    """All text of the last message of the user."""
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "\n".join(block["text"] for block in content if block["type"] == "text")
    return ""


def _until(stops: Sequence[str], said: Sequence[str]) -> tuple[Sequence[str], str | None]:
    text = "".join(said)
    found = [(text.index(stop), stop) for stop in stops if stop in text]
    if not found:
        return said, None
    end, stop = min(found)
    return pieces(text[:end]), stop


def _within(
    limit: int, blocks: Sequence[Block], reason: StopReason, stopped_by: str | None
) -> Answer:
    if sum(len(block.pieces) for block in blocks) <= limit:
        return Answer(blocks, reason, stopped_by)
    kept: list[Block] = []
    left = limit
    for block in blocks:
        if left > 0:
            kept.append(_cut(block, left))
            left -= len(kept[-1].pieces)
    return Answer(kept, "max_tokens")


def _cut(block: Block, limit: int) -> Block:
    return replace(block, pieces=block.pieces[:limit])


def _thinks(body: Body, model: Model) -> bool:
    kind: object = body.get("thinking", {}).get("type")
    if model.capabilities.thinking == "always":
        return True
    lazy = body.get("output_config", {}).get("effort") == "low"
    return kind == "enabled" or (kind == "adaptive" and not lazy)


def _thought(body: Body, model: Model) -> Thought:
    usual = "omitted" if model.capabilities.thinking_display else "summarized"
    display = body.get("thinking", {}).get("display", usual)
    return Thought(pieces(THOUGHT), signature(THOUGHT), shown=display != "omitted")


def _calls(body: Body, planned: PlannedCall | None) -> list[ToolUse]:
    tools = {tool["name"]: tool for tool in body.get("tools", ())}
    choice = body.get("tool_choice", {})
    if choice.get("type") == "none":
        return []
    if planned is not None and planned.tool in tools and not _holds_result(body):
        return [_tool_use(body, planned.tool, planned.input, n) for n in range(planned.times)]
    if choice.get("type") in ("any", "tool"):
        name = choice.get("name", next(iter(tools)))
        return [_tool_use(body, name, example(tools[name].get("input_schema", {})) or {})]
    return []


def _holds_result(body: Body) -> bool:
    content = body["messages"][-1]["content"]
    return isinstance(content, list) and any(block["type"] == "tool_result" for block in content)


def _tool_use(body: Body, name: str, value: Mapping[str, Any], number: int = 0) -> ToolUse:
    digest = hashlib.sha256(orjson.dumps([number, name, body["messages"]])).hexdigest()
    return ToolUse(pieces(orjson.dumps(value).decode()), f"toolu_bdrk_{digest[:24]}", name)
