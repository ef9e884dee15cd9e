"""What Bedrock has reported of earlier prompts: how many tokens they have, and what it cached.

A turn of a conversation repeats the prompt of the turn before. Where little of a budget is left,
the repeated part is reserved at the tokens that Bedrock counted, and at the price of a cache read
while the cache entry lives. A part that was never reported, or differs in one byte, is not known.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.catalog.model import Target
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.inference.estimates import TOOL_PROMPT_TOKENS, Weight

LOOKBACK: Final = 20
"""Blocks before a cache mark in which Bedrock looks for an entry."""

LIFETIME_SECONDS: Final = {"5m": 240, "1h": 3_500}
"""A minute less than the lifetime of an entry, so that it outlives the time to Bedrock."""

BLOCK_BYTES: Final = 40
"""More than what stands around a block: the message that it is in."""

PROMPTS_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Prefix:
    """The prompt up to and including one of its blocks."""

    digest: bytes
    most_tokens: int
    """An upper bound for all blocks so far."""
    cache_ttl: str | None
    """Of the cache mark on the block."""


@dataclass(frozen=True, slots=True)
class Known:
    """An upper bound for a prompt of which a part is known, and how many of it are cached."""

    tokens: int
    cached: int


class KnownPrompts:
    """Bounded in memory; by model and inference profile, since each has its own cache."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tokens: OrderedDict[bytes, int] = OrderedDict()
        self._cached: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        """Tokens, and until when."""

    def learn(self, prefixes: Sequence[Prefix], usage: Usage) -> None:
        """Remember what Bedrock reported of a prompt."""
        if not prefixes or not usage.prompt_tokens:
            return
        _put(self._tokens, prefixes[-1].digest, usage.prompt_tokens)
        marked = [prefix for prefix in prefixes if prefix.cache_ttl is not None]
        cached = usage.prompt_tokens - usage.input_tokens
        if marked and cached:
            last = marked[-1]
            seconds = LIFETIME_SECONDS.get(last.cache_ttl or "", 0)
            _put(self._cached, last.digest, (cached, self._monotonic() + seconds))

    def find(self, prefixes: Sequence[Prefix]) -> Known | None:
        """What is known of the longest part of a prompt."""
        if not prefixes:
            return None
        bound = prefixes[-1].most_tokens
        for prefix in reversed(prefixes):
            if (tokens := self._tokens.get(prefix.digest)) is not None:
                bound = min(bound, tokens + bound - prefix.most_tokens)
                break
        cached = self._longest_cached(prefixes)
        return Known(max(bound, cached), cached)

    def _longest_cached(self, prefixes: Sequence[Prefix]) -> int:
        now = self._monotonic()
        marks = [n for n, prefix in enumerate(prefixes) if prefix.cache_ttl is not None]
        for mark in reversed(marks):
            for prefix in reversed(prefixes[max(0, mark - LOOKBACK) : mark + 1]):
                tokens, until = self._cached.get(prefix.digest, (0, 0.0))
                if until > now:
                    return tokens
        return 0


def prefixes(target: Target, body: JsonObject) -> list[Prefix]:
    """Of an InvokeModel body, block by block in the order in which the model reads it. A cache mark
    is no part of its block: clients move it from turn to turn."""
    rolling = hashlib.sha256(target.profile.bedrock_id.encode())
    context = target.model.context_tokens
    most = TOOL_PROMPT_TOKENS if body.get("tools") else 0
    found = []
    for place, block in _blocks(body):
        mark = block.get("cache_control")
        plain = {name: value for name, value in block.items() if name != "cache_control"}
        encoded = orjson.dumps(plain)
        rolling.update(place)
        rolling.update(encoded)
        most += Weight.of(plain, len(encoded) + BLOCK_BYTES).most_tokens(context)
        ttl = mark.get("ttl", "5m") if isinstance(mark, dict) else None
        found.append(Prefix(rolling.digest(), min(most, context), ttl))
    return found


def _blocks(body: JsonObject) -> Iterator[tuple[bytes, JsonObject]]:
    for tool in body.get("tools") or ():
        yield b"tools", tool
    for block in _as_blocks(body.get("system") or ()):
        yield b"system", block
    # Another tool choice or kind of thinking makes another prompt of the same messages.
    settings = orjson.dumps([body.get("tool_choice"), body.get("thinking")])
    for message in body["messages"]:
        place = b"%b %b" % (str(message.get("role")).encode(), settings)
        for block in _as_blocks(message.get("content")):
            yield place, block


def _as_blocks(content: Any) -> Iterator[JsonObject]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _put(known: OrderedDict[bytes, Any], digest: bytes, value: Any) -> None:
    known[digest] = value
    known.move_to_end(digest)
    if len(known) > PROMPTS_REMEMBERED:
        known.popitem(last=False)
