"""The Anthropic Messages shapes that the gateway itself reads and writes."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.domain.usage import Usage

JsonObject = dict[str, Any]

_TYPE_PREFIX: Final = b'{"type":"'


@dataclass(slots=True)
class Event:
    """One event of a streamed message. Most are passed on unread, so `json` parses on demand."""

    raw: bytes
    kind: str
    _parsed: JsonObject | None = None

    @classmethod
    def of(cls, raw: bytes) -> "Event":
        """Raises ValueError, KeyError or TypeError for what is no event."""
        if raw.startswith(_TYPE_PREFIX):
            end = raw.find(b'"', len(_TYPE_PREFIX))
            if b"\n" not in raw:
                return cls(raw, raw[len(_TYPE_PREFIX) : end].decode())
        parsed = orjson.loads(raw)
        return cls(orjson.dumps(parsed), str(parsed["type"]), parsed)

    @property
    def json(self) -> JsonObject:
        """The parsed event; not to be changed."""
        if self._parsed is None:
            self._parsed = orjson.loads(self.raw)
        return self._parsed


def parse_usage(usage: JsonObject, *, one_hour_cache: bool) -> Usage:
    """Counts of Anthropic's `usage`; missing ones are 0.

    Where cache writes are not split by lifetime, `one_hour_cache` says which one was asked for.
    """
    written = _count(usage, "cache_creation_input_tokens")
    split = usage.get("cache_creation")
    if isinstance(split, dict):
        write_5m = _count(split, "ephemeral_5m_input_tokens")
        write_1h = _count(split, "ephemeral_1h_input_tokens")
    else:
        write_5m, write_1h = (0, written) if one_hour_cache else (written, 0)
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


def _count(fields: JsonObject, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and value > 0 else 0
