"""The messages of a Chat Completions request as turns of a conversation with Claude."""

from typing import Any

from app.errors import InvalidRequest
from app.translate.openai_content import assistant_blocks, content_blocks, marked, tool_result
from app.wire.anthropic import JsonObject


def conversation(messages: list[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]]:
    """System blocks, and turns in which each role follows the other."""
    system: list[JsonObject] = []
    turns: list[JsonObject] = []
    for index, message in enumerate(messages):
        field = f"messages.{index}"
        role, content = _turn(message, field)
        content = _with_mark(content, message.get("cache_control"))
        if role == "system":
            system += content
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": role, "content": content})
    for turn in turns:
        turn["content"] = _results_first(turn["content"])
    return system, turns


def _turn(message: JsonObject, field: str) -> tuple[str, list[JsonObject]]:
    match message["role"]:
        case "system" | "developer":
            return "system", content_blocks(message.get("content"), field)
        case "user":
            return "user", content_blocks(message.get("content"), field)
        case "assistant":
            return "assistant", assistant_blocks(message, field)
        case "tool":
            return "user", [tool_result(message, field)]
        case _:
            raise InvalidRequest(
                f"{field}.role: must be system, developer, user, assistant or tool"
            )


def _with_mark(content: list[JsonObject], mark: Any) -> list[JsonObject]:
    """A message's own cache mark is one of its last block."""
    if not content or "cache_control" in content[-1]:
        return content
    return [*content[:-1], marked(content[-1], mark)]


def _results_first(content: list[JsonObject]) -> list[JsonObject]:
    """Claude wants the results of its calls before anything else of the turn."""
    return sorted(content, key=lambda block: block["type"] != "tool_result")
