"""Tags: short words that the spend of a request is recorded under."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

LONGEST_TAG: Final = 64

MOST_TAGS: Final = 10


def tags(words: Iterable[str]) -> tuple[str, ...]:
    """The words as tags: without what cannot be printed, short, each once, and not too many."""
    cleaned = (_printable(word).strip()[:LONGEST_TAG] for word in words)
    return tuple(dict.fromkeys(word for word in cleaned if word))[:MOST_TAGS]


def body_tags(body: dict[str, Any]) -> tuple[str, ...]:
    """The tags that a request's body names in `metadata.tags`, as LiteLLM's clients do."""
    metadata = body.get("metadata")
    named = metadata.get("tags") if isinstance(metadata, dict) else None
    if not isinstance(named, list):
        return ()
    return tags(word for word in named[: 10 * MOST_TAGS] if isinstance(word, str))


def _printable(word: str) -> str:
    normal = unicodedata.normalize("NFC", word[: 4 * LONGEST_TAG])
    return "".join(character for character in normal if character.isprintable())
