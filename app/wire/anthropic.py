"""The Anthropic Messages shapes that the gateway itself reads and writes."""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.domain.usage import Usage
from app.wire import exact

JsonObject = dict[str, Any]

MOST_TOKENS: Final = 10_000_000
"""More than any model reads or writes in one call."""

_HEAD: Final = re.compile(rb'\{"type":"([a-z_]+)"')


@dataclass(slots=True)
class Event:
    """One event of a streamed message. Most are passed on unread, so `json` parses on demand."""

    raw: bytes
    """The event on one line."""
    kind: str
    _parsed: JsonObject | None = None
    _as_it_came: bytes | None = None

    @classmethod
    def of(cls, raw: bytes) -> "Event":
        """Raises ValueError, KeyError or TypeError for what is no event."""
        head = _HEAD.match(raw)
        if head and b"\n" not in raw and b"\r" not in raw:
            return cls(raw, head[1].decode())
        parsed = exact.loads(raw)
        kind = parsed["type"]
        if not isinstance(kind, str) or not kind or not kind.isprintable():
            raise ValueError("an event's type must be a word on one line")
        return cls(orjson.dumps(parsed), kind, parsed, raw)

    @property
    def untouched(self) -> bytes:
        """The event byte for byte."""
        return self._as_it_came or self.raw

    @property
    def json(self) -> JsonObject:
        """The parsed event; not to be changed."""
        if self._parsed is None:
            self._parsed = orjson.loads(self.raw)
        return self._parsed


def last_events(open_block: int | None, usage: Usage) -> list[Event]:
    """The events that end a message in order, as if it had reached its token limit."""
    events: list[JsonObject] = []
    if open_block is not None:
        events.append({"type": "content_block_stop", "index": open_block})
    events.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": usage_json(usage),
        }
    )
    events.append({"type": "message_stop"})
    return [Event(orjson.dumps(event), event["type"], event) for event in events]


def parse_usage(usage: JsonObject, *, one_hour_cache: bool) -> Usage:
    """Counts of Anthropic's `usage`; missing ones are 0.

    Where cache writes are not split by lifetime, `one_hour_cache` says which one was asked for.
    """
    split = usage.get("cache_creation")
    if not isinstance(split, dict):
        split = {}
    write_5m = _count(split, "ephemeral_5m_input_tokens")
    write_1h = _count(split, "ephemeral_1h_input_tokens")
    rest = max(0, _count(usage, "cache_creation_input_tokens") - write_5m - write_1h)
    if one_hour_cache:
        write_1h += rest
    else:
        write_5m += rest
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
    )


def usage_json(usage: Usage) -> JsonObject:
    """Anthropic's `usage` of these counts."""
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }


def tells_output(usage: JsonObject) -> bool:
    """Whether it says how many tokens were generated."""
    return _count(usage, "output_tokens") > 0


def _count(fields: JsonObject, name: str) -> int:
    """What no answer can have is not believed: it would use up every budget at once."""
    value = fields.get(name)
    return value if isinstance(value, int) and 0 < value <= MOST_TOKENS else 0
