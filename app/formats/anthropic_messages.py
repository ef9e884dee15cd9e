"""Texts without a visible character, which Claude's API refuses, and Claude itself writes at times.

A client that sends an answer back as it came would be refused for the rest of the conversation.
"""

from typing import Any, Final

from app.catalog.model import Capabilities
from app.core import json_fields
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest

UNMARKED: Final = ("thinking", "redacted_thinking")
"""Blocks that bear no cache mark."""

NO_OUTPUT: Final = "(no output)"


def is_blank(text: Any) -> bool:
    """Whether it is a text that says nothing."""
    return isinstance(text, str) and (not text or text.isspace())


def without_blanks(blocks: list[JsonObject]) -> list[JsonObject]:
    """The blocks that may be sent. The cache mark of one that may not goes to the one before it,
    so that what is cached ends at the same place."""
    for block in blocks:
        if "text" in block and _is_blank_block(block):
            break
    else:
        return blocks
    kept: list[JsonObject] = []
    for block in blocks:
        if not _is_blank_block(block):
            kept.append(block)
        elif block.get("cache_control") and kept and _bears_mark(kept[-1]):
            kept[-1] = {**kept[-1], "cache_control": block["cache_control"]}
    return kept


def result_content(block: JsonObject) -> JsonObject:
    """A tool's result with content that may be sent. An error may not be without any."""
    content = block.get("content")
    if isinstance(content, list):
        content = without_blanks(content)
    elif is_blank(content):
        content = ""
    if not content and block.get("is_error") is True:
        content = NO_OUTPUT
    return block if content is block.get("content") else {**block, "content": content}


def _is_blank_block(block: JsonObject) -> bool:
    return block.get("type") == "text" and is_blank(block.get("text"))


def _bears_mark(block: JsonObject) -> bool:
    return block.get("type") not in UNMARKED and not block.get("cache_control")


CACHE_LIFETIMES: Final = ("5m", "1h")

API_ONLY_BLOCKS: Final = ("tool_addition", "tool_removal")

FETCHED_SOURCES: Final = ("url", "file")


def bedrock_messages(
    system: Any, messages: list[JsonObject], able: Capabilities
) -> tuple[Any, list[JsonObject]]:
    """`system` and `messages` for a model.

    System messages in front become part of `system`. Later ones stay where they are if the model
    knows them; for others they become a reminder in the user's turn, after the tool results that
    must follow a tool call at once.
    """
    kept = [_message(message, f"messages.{index}", able) for index, message in enumerate(messages)]
    kept = [message for message in kept if message["content"]]
    system_blocks = None if is_blank(system) else system
    if isinstance(system, list):
        visible = without_blanks(json_fields.objects(system, "system"))
        system_blocks = [without_scope(block, able) for block in visible] or None
    elif system is not None and not isinstance(system, str):
        raise InvalidRequest("system: must be a string or a list of blocks")
    leading = next((i for i, m in enumerate(kept) if m["role"] != "system"), len(kept))
    hoisted = [b for m in kept[:leading] for b in json_fields.blocks(m["content"], "messages")]
    if hoisted:
        system_blocks = [*json_fields.blocks(system_blocks or [], "system"), *hoisted]
    kept = kept[leading:]
    if not able.system_messages:
        kept = _reminders(kept)
    if not kept:
        raise InvalidRequest("messages: must hold at least one message of the user")
    return system_blocks, kept


def _message(message: JsonObject, field: str, able: Capabilities) -> JsonObject:
    content = message.get("content")
    if isinstance(content, list):
        content = without_blanks(
            [
                _block(block, f"{field}.content.{index}", able)
                for index, block in enumerate(json_fields.objects(content, f"{field}.content"))
                if block.get("type") not in API_ONLY_BLOCKS
            ]
        )
    elif is_blank(content):
        content = []
    elif not isinstance(content, str):
        raise InvalidRequest(f"{field}.content: must be a string or a list of blocks")
    return {"role": message["role"], "content": content}


def _block(block: JsonObject, field: str, able: Capabilities) -> JsonObject:
    nested = block.get("content")
    if block.get("type") == "tool_result" and isinstance(nested, list):
        inner = [
            _part(item, f"{field}.content.{index}", able)
            for index, item in enumerate(json_fields.objects(nested, f"{field}.content"))
            if able.tool_search or item.get("type") != "tool_reference"
        ]
        block = {**block, "content": inner}
    if block.get("type") == "tool_result":
        block = result_content(block)
    return _part(block, field, able)


def _part(block: JsonObject, field: str, able: Capabilities) -> JsonObject:
    """A block, whatever it may hold left as it is: results hold no results."""
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") in FETCHED_SOURCES:
        raise InvalidRequest(
            f"{field}.source: Claude on Bedrock takes no {source['type']} sources; "
            "send the data as base64"
        )
    return without_scope(block, able)


def without_scope(block: JsonObject, able: Capabilities) -> JsonObject:
    """The block with only what Bedrock knows of `cache_control`."""
    control = block.get("cache_control")
    if not isinstance(control, dict) or control.keys() == {"type"}:
        return block
    kept = {"type": control.get("type")}
    if able.cache_ttl and control.get("ttl") in CACHE_LIFETIMES:
        kept["ttl"] = control["ttl"]
    return {**block, "cache_control": kept}


def cache_last_block(
    messages: list[JsonObject], control: Any, able: Capabilities
) -> list[JsonObject]:
    """Automatic caching, which Bedrock lacks, by a mark on the last block that can bear one."""
    if control is None:
        return messages
    mark = {"cache_control": json_fields.object_(control, "cache_control")}
    blocks = json_fields.blocks(messages[-1]["content"], "messages")
    last = next(
        (i for i in reversed(range(len(blocks))) if blocks[i].get("type") not in UNMARKED), None
    )
    if last is None or "cache_control" in blocks[last]:
        return messages
    marked = without_scope({**blocks[last], **mark}, able)
    content = [*blocks[:last], marked, *blocks[last + 1 :]]
    return [*messages[:-1], {**messages[-1], "content": content}]


def _reminders(messages: list[JsonObject]) -> list[JsonObject]:
    result: list[JsonObject] = []
    waiting: list[JsonObject] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(_reminder(message))
            if not _calls_tool(result[-1]):
                result += waiting
                waiting = []
        else:
            result.append(message)
            result += waiting
            waiting = []
    return result + waiting


def _calls_tool(message: JsonObject) -> bool:
    content = message["content"]
    return (
        message["role"] == "assistant"
        and isinstance(content, list)
        and any(block.get("type") == "tool_use" for block in content)
    )


def _reminder(message: JsonObject) -> JsonObject:
    """A system message as a user's turn; the same whether its content is a string or blocks."""
    return {
        "role": "user",
        "content": [
            {**block, "text": f"<system-reminder>\n{block['text']}\n</system-reminder>"}
            if isinstance(block.get("text"), str)
            else block
            for block in json_fields.blocks(message["content"], "messages")
        ],
    }
