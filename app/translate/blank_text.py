"""Texts without a visible character, which Claude's API refuses, and Claude itself writes at times.

A client that sends an answer back as it came would be refused for the rest of the conversation.
"""

from typing import Any, Final

from app.wire.anthropic import JsonObject

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
