"""How many tokens a prompt has, and the pieces that its cache is keyed by.

No tokenizer is shipped, so tokens are counted by size: a token for every four bytes of UTF-8, and
three tenths more for models since Opus 4.7, whose tokenizer is finer; four tokens for every block;
1,600 for an image; one for every hundred characters of a base64 document. Tools that are loaded
on demand count nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.catalog.model import Model

Lifetime = Literal["5m", "1h"]
Block = Mapping[str, Any]

TOKENS_PER_40_BYTES = 10
TOKENS_PER_40_BYTES_SINCE_OPUS_4_7 = 13
TOKENS_PER_BLOCK = 4
TOKENS_PER_IMAGE = 1600
DOCUMENT_CHARACTERS_PER_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Segment:
    """One block of the prompt, in the order in which the model reads it."""

    digest: bytes
    """Of the block and where it stands, without its cache mark."""
    tokens: int
    cache: Lifetime | None
    """The lifetime asked for by a cache mark on this block."""


def segments(body: Mapping[str, Any], model: Model) -> Sequence[Segment]:
    """The prompt of a valid body: tools, then system, then messages."""
    fine = model.capabilities.thinking_display
    rate = TOKENS_PER_40_BYTES_SINCE_OPUS_4_7 if fine else TOKENS_PER_40_BYTES
    return [_segment(place, block, rate) for place, block in _blocks(body)]


def prompt_tokens(prompt: Sequence[Segment]) -> int:
    """Tokens of the whole prompt, cached or not."""
    return sum(segment.tokens for segment in prompt)


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[str, Block]]:
    for tool in body.get("tools", ()):
        if not tool.get("defer_loading"):
            yield "tools", tool
    for block in _as_blocks(body.get("system", ())):
        yield "system", block
    # Another tool choice or kind of thinking makes another prompt of the same messages.
    settings = orjson.dumps([body.get("tool_choice"), body.get("thinking")]).decode()
    for message in _since_compaction(body["messages"]):
        for block in _as_blocks(message["content"]):
            yield f"{message['role']}{settings}", block


def _since_compaction(messages: Sequence[Block]) -> Sequence[Block]:
    """A summary that the client sent back stands for all that was before it."""
    for index in reversed(range(len(messages))):
        blocks = _as_blocks(messages[index]["content"])
        for place in reversed(range(len(blocks))):
            if blocks[place].get("type") == "compaction" and blocks[place].get("content"):
                first = {**messages[index], "content": blocks[place:]}
                return [first, *messages[index + 1 :]]
    return messages


def _as_blocks(content: Any) -> Sequence[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _segment(place: str, block: Block, rate: int) -> Segment:
    mark = block.get("cache_control")
    plain = {key: value for key, value in block.items() if key != "cache_control"}
    size, flat = _weight(plain)
    return Segment(
        digest=hashlib.sha256(place.encode() + orjson.dumps(plain)).digest(),
        tokens=TOKENS_PER_BLOCK + flat - (-size * rate // 40),
        cache=mark.get("ttl", "5m") if mark else None,
    )


def _weight(block: Block) -> tuple[int, int]:
    """Bytes of text, and tokens that do not come from text."""
    kind = block.get("type")
    if kind == "text":
        return len(block["text"].encode()), 0
    if kind == "image":
        return 0, TOKENS_PER_IMAGE
    if kind == "document" and block["source"]["type"] == "base64":
        return 0, len(block["source"]["data"]) // DOCUMENT_CHARACTERS_PER_TOKEN
    if kind == "tool_result" and isinstance(block.get("content"), list):
        weights = [_weight(item) for item in block["content"]]
        return sum(size for size, _ in weights), sum(flat for _, flat in weights)
    return len(orjson.dumps(block)), 0
