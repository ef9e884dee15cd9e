"""Cache marks of a request: which lifetimes it asks for."""

from collections.abc import Iterator
from typing import Any, Final

from app.wire.anthropic import JsonObject

ONE_HOUR: Final = "1h"


def one_hour_cache(body: JsonObject) -> bool:
    """Whether a mark of the request asks for a cache of one hour, the higher-priced lifetime.

    Read from the marks themselves, wherever they may stand: a prompt or a tool's input may hold
    the same letters. The body may be of any shape.
    """
    return any(_is_one_hour(holder) for holder in _holders(body))


def _is_one_hour(holder: JsonObject) -> bool:
    mark = holder.get("cache_control")
    return isinstance(mark, dict) and mark.get("ttl") == ONE_HOUR


def _holders(body: JsonObject) -> Iterator[JsonObject]:
    """What may bear a mark: the request, tools, system blocks, blocks, and blocks in results."""
    yield body
    yield from _objects(body.get("tools"))
    yield from _objects(body.get("system"))
    for message in _objects(body.get("messages")):
        for block in _objects(message.get("content")):
            yield block
            yield from _objects(block.get("content"))
            source = block.get("source")
            if isinstance(source, dict):
                yield from _objects(source.get("content"))


def _objects(value: Any) -> Iterator[JsonObject]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
