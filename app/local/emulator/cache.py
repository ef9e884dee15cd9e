"""The prompt cache: what of a prompt is read, written, or billed as plain input."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.catalog.model import Model
from app.core.usage import Usage
from app.local.emulator.prompt import Lifetime, Segment

LIFETIME: Mapping[Lifetime, int] = {"5m": 300, "1h": 3600}
"""Seconds; a hit starts the time anew."""

LOOKBACK = 20
"""So many blocks before a mark are compared with what is cached."""

MOST_ENTRIES = 20_000

MINIMUM: Mapping[str, int] = {
    "claude-3-5-haiku": 2048,
    "claude-haiku-4-5": 4096,
    "claude-opus-4-5": 4096,
    "claude-opus-4-6": 4096,
    "claude-opus-4-7": 2048,
    "claude-opus-4-8": 1024,
    "claude-sonnet-5": 1024,
}
"""Shorter prefixes are not cached. Models of the fifth generation: 512; all others: 1,024."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The prompt up to one of its blocks."""

    key: bytes
    tokens: int
    cache: Lifetime | None


class PromptCache:
    """Remembers prefixes for as long as their marks ask."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` returns seconds of a clock that does not go back."""
        self._now = now
        self._entries: dict[bytes, tuple[float, Lifetime]] = {}

    def charge(self, model: Model, prompt: Sequence[Segment]) -> Usage:
        """Reads and fills the cache; the usage has no output yet."""
        prefixes = list(_prefixes(model, prompt))
        total = prefixes[-1].tokens if prefixes else 0
        least = _minimum(model)
        marks = [i for i, p in enumerate(prefixes) if p.cache and p.tokens >= least]
        if not marks:
            return Usage(input_tokens=total)
        read = self._longest_hit(prefixes, marks)
        written = self._write(prefixes, marks, read)
        return Usage(
            input_tokens=total - prefixes[marks[-1]].tokens,
            cache_read_tokens=read,
            cache_write_5m_tokens=written["5m"],
            cache_write_1h_tokens=written["1h"],
        )

    def _longest_hit(self, prefixes: Sequence[Prefix], marks: Sequence[int]) -> int:
        now = self._now()
        for mark in reversed(marks):
            for prefix in reversed(prefixes[max(0, mark - LOOKBACK) : mark + 1]):
                expiry, lifetime = self._entries.get(prefix.key, (0.0, "5m"))
                if expiry > now:
                    self._entries[prefix.key] = (now + LIFETIME[lifetime], lifetime)
                    return prefix.tokens
        return 0

    def _write(
        self, prefixes: Sequence[Prefix], marks: Sequence[int], read: int
    ) -> Mapping[Lifetime, int]:
        written: dict[Lifetime, int] = {"5m": 0, "1h": 0}
        begun = read
        for prefix in (prefixes[mark] for mark in marks):
            if prefix.cache is None or prefix.tokens <= begun:
                continue
            written[prefix.cache] += prefix.tokens - begun
            begun = prefix.tokens
            self._entries[prefix.key] = (self._now() + LIFETIME[prefix.cache], prefix.cache)
        while len(self._entries) > MOST_ENTRIES:
            del self._entries[next(iter(self._entries))]
        return written


def _minimum(model: Model) -> int:
    fifth = model.capabilities.system_messages
    return MINIMUM.get(model.name, 512 if fifth else 1024)


def _prefixes(model: Model, prompt: Sequence[Segment]) -> Iterator[Prefix]:
    rolling = hashlib.sha256(model.name.encode())
    tokens = 0
    for segment in prompt:
        rolling.update(segment.digest)
        tokens += segment.tokens
        yield Prefix(rolling.digest(), tokens, segment.cache)
