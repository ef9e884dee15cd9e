"""How many tokens a request may use, before Bedrock counts them.

The reserved input is an upper bound, never a mean: no tokenizer makes more tokens than bytes of
text, Bedrock bills no more than `MOST_IMAGE_TOKENS` for an image, and a PDF can fill the context
window, whatever its size.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from app.domain.identity import KeyId
from app.domain.models import Model
from app.domain.usage import Usage
from app.wire.anthropic import JsonObject

BYTES_PER_TOKEN: Final = 3.6
"""Of usual text, for rate limits; budgets reckon with one."""

IMAGE_TOKENS: Final = 1_600
MOST_IMAGE_TOKENS: Final = 5_000
"""An upper bound: models since Opus 4.7 take larger images, of up to about 4,800 tokens."""

TOOL_PROMPT_TOKENS: Final = 1_000
"""More than the system prompt that Anthropic adds for tools (159 to 530 tokens)."""

FIRST_SLICE: Final = 128
"""Output tokens reserved for a request when nothing is known of its kind."""

SLICE: Final = 512
"""Output tokens by which a reservation is extended while an answer streams."""

LARGEST_FIRST_SLICE: Final = 2_048
WEIGHT: Final = 0.2
KINDS_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Weight:
    """What a part of a prompt holds: bytes of text as JSON, and files that text says nothing of."""

    text_bytes: int
    images: int = 0
    documents: int = 0

    @classmethod
    def of(cls, content: Any, size: int) -> "Weight":
        """Of message content that is `size` bytes long as JSON."""
        inline, images, documents = _files(content)
        return cls(size - inline, images, documents)

    def most_tokens(self, context_tokens: int) -> int:
        """An upper bound: longer prompts than `context_tokens` are refused, unbilled."""
        if self.documents:
            return context_tokens
        return min(self.text_bytes + self.images * MOST_IMAGE_TOKENS, context_tokens)

    @property
    def likely_tokens(self) -> int:
        files = self.images + self.documents
        return round(self.text_bytes / BYTES_PER_TOKEN) + files * IMAGE_TOKENS


@dataclass(frozen=True, slots=True)
class InputEstimate:
    """Tokens of a prompt: `likely` for rate limits, `most` for budgets. What a budget pays for is
    the price of writing them to the prompt cache, if the request asks for that."""

    likely: int
    most: int
    cache_ttl: str | None = None
    """`5m` or `1h`: the longest that is asked for."""

    @classmethod
    def of(cls, encoded: bytes, body: JsonObject, model: Model) -> "InputEstimate":
        """Of an InvokeModel body. A mark that stands in a tool's input only raises the bound."""
        files = body["messages"] if b'"source"' in encoded else None
        weight = Weight.of(files, len(encoded))
        most = weight.most_tokens(model.context_tokens)
        if b'"tools"' in encoded:
            most += TOOL_PROMPT_TOKENS
        if compacts(body):
            # The prompt is read once to be summarised, and the summary is billed as well.
            most += model.context_tokens
        marked = b'"cache_control"' in encoded
        hour = b'"ttl":"1h"' in encoded
        return cls(weight.likely_tokens, most, ("1h" if hour else "5m") if marked else None)

    def usage(self, tokens: int, cached: int = 0) -> Usage:
        """Of `tokens` at their highest price, but for those `cached`, which are read."""
        fresh = max(0, tokens - cached)
        match self.cache_ttl:
            case "1h":
                return Usage(cache_read_tokens=cached, cache_write_1h_tokens=fresh)
            case "5m":
                return Usage(cache_read_tokens=cached, cache_write_5m_tokens=fresh)
            case _:
                return Usage(cache_read_tokens=cached, input_tokens=fresh)


def compacts(body: JsonObject) -> bool:
    """Whether Bedrock may summarise the conversation first, in a step that is billed too."""
    edits = body.get("context_management", {})
    found = edits.get("edits") if isinstance(edits, dict) else None
    return isinstance(found, list) and any(
        isinstance(edit, dict) and str(edit.get("type")).startswith("compact") for edit in found
    )


def _files(content: Any) -> tuple[int, int, int]:
    """Bytes of base64 data, images and documents, anywhere in messages or blocks."""
    size = images = documents = 0
    for item in content if isinstance(content, list) else ():
        if not isinstance(item, dict):
            continue
        source = item.get("source")
        if not isinstance(source, dict):
            source = {}
        elif source.get("type") != "text":
            data = source.get("data")
            size += len(data) if isinstance(data, str) else 0
            if item.get("type") == "image":
                images += 1
            elif source.get("type") != "content":
                documents += 1
        for inner in (item.get("content"), source.get("content")):
            if isinstance(inner, list):
                more = _files(inner)
                size, images, documents = size + more[0], images + more[1], documents + more[2]
    return size, images, documents


class OutputForecast:
    """What a key's requests to a model really produce: a moving mean, bounded in memory."""

    def __init__(self) -> None:
        self._means: OrderedDict[tuple[KeyId, str], float] = OrderedDict()

    def first_slice(self, key: KeyId, model: str, max_tokens: int) -> int:
        """Output tokens to reserve at first: somewhat more than is usual."""
        mean = self._means.get((key, model))
        expected = FIRST_SLICE if mean is None else round(1.25 * mean) + 8
        return max(1, min(expected, LARGEST_FIRST_SLICE, max_tokens))

    def learn(self, key: KeyId, model: str, output_tokens: int) -> None:
        kind = (key, model)
        mean = self._means.pop(kind, float(output_tokens))
        self._means[kind] = mean + WEIGHT * (output_tokens - mean)
        if len(self._means) > KINDS_REMEMBERED:
            self._means.popitem(last=False)
