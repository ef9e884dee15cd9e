"""Cache marks of a request: which lifetimes it asks for."""

from typing import Any, Final

from app.wire.anthropic import JsonObject

ONE_HOUR: Final = "1h"


def one_hour_cache(body: JsonObject) -> bool:
    """Whether a mark of the request asks for a cache of one hour, the higher-priced lifetime.

    Read from the marks themselves, wherever they may stand: a prompt or a tool's input may hold
    the same letters. The body may be of any shape.
    """
    if _is_one_hour(body) or _any_of(body.get("tools")) or _any_of(body.get("system")):
        return True
    messages = body.get("messages")
    return any(
        isinstance(message, dict) and _any_of(message.get("content"), nested=True)
        for message in (messages if isinstance(messages, list) else ())
    )


def _any_of(items: Any, *, nested: bool = False) -> bool:
    """Whether one of the items has such a mark, or, if `nested`, one of the blocks in them: those
    of a result's content or of a document's source."""
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        if _is_one_hour(item):
            return True
        if nested and (_any_of(item.get("content")) or _any_of(_source(item))):
            return True
    return False


def _source(block: JsonObject) -> Any:
    source = block.get("source")
    return source.get("content") if isinstance(source, dict) else None


def _is_one_hour(holder: JsonObject) -> bool:
    mark = holder.get("cache_control")
    return isinstance(mark, dict) and mark.get("ttl") == ONE_HOUR
