"""How many tokens a request may use, before Bedrock counts them.

The reserved input is an upper bound, never a mean: no tokenizer makes more tokens than bytes of
text, Bedrock bills no more than `MOST_IMAGE_TOKENS` for an image, and a PDF can fill the context
window, whatever its size.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from app.catalog.model import Model
from app.core.ids import KeyId
from app.core.json_fields import JsonObject
from app.core.usage import Usage

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
    def of(cls, block: JsonObject, size: int) -> "Weight":
        """Of one block, which is `size` bytes long as JSON."""
        survey = _Survey()
        survey.read([block])
        return survey.weight(size)

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
    the price of writing them to the prompt cache, if the request asks for that. `text_bytes` is the
    length of the body without its files."""

    likely: int
    most: int
    text_bytes: int
    cache_ttl: str | None = None
    """`5m` or `1h`: the longest that is asked for."""

    @classmethod
    def of(cls, encoded: bytes, body: JsonObject, model: Model) -> "InputEstimate":
        """Of an InvokeModel body."""
        survey, tools = _Survey(), body.get("tools")
        survey.mark(body.get("cache_control"))
        survey.read(tools)
        survey.read(body.get("system"))
        survey.read(body.get("messages"))
        weight = survey.weight(len(encoded))
        most = weight.most_tokens(model.context_tokens)
        if tools:
            most += TOOL_PROMPT_TOKENS
        if compacts(body):
            # The prompt is read once to be summarised, and the summary is billed as well.
            most += model.context_tokens
        return cls(weight.likely_tokens, most, weight.text_bytes, survey.cache_ttl)

    def usage(self, tokens: int, cached: int = 0, *, output_tokens: int = 0) -> Usage:
        """Of `tokens` at their highest price, but for those `cached`, which are read."""
        fresh = max(0, tokens - cached)
        return Usage(
            input_tokens=fresh if self.cache_ttl is None else 0,
            output_tokens=output_tokens,
            cache_read_tokens=cached,
            cache_write_5m_tokens=fresh if self.cache_ttl == "5m" else 0,
            cache_write_1h_tokens=fresh if self.cache_ttl == "1h" else 0,
        )


def compacts(body: JsonObject) -> bool:
    """Whether Bedrock may summarise the conversation first, in a step that is billed too."""
    edits = body.get("context_management", {})
    found = edits.get("edits") if isinstance(edits, dict) else None
    return isinstance(found, list) and any(
        isinstance(edit, dict) and str(edit.get("type")).startswith("compact") for edit in found
    )


class _Survey:
    """What lists of blocks hold, and the blocks in them."""

    def __init__(self) -> None:
        self._file_bytes = self._images = self._documents = 0
        self.cache_ttl: str | None = None
        """The longest that a cache mark asks for."""

    def weight(self, size: int) -> Weight:
        return Weight(size - self._file_bytes, self._images, self._documents)

    def read(self, blocks: Any) -> None:
        if not isinstance(blocks, list):
            return
        for block in blocks:
            if not isinstance(block, dict):
                continue
            self.mark(block.get("cache_control"))
            if isinstance(source := block.get("source"), dict):
                self._file(block, source)
            if isinstance(content := block.get("content"), list):
                self.read(content)

    def mark(self, mark: Any) -> None:
        """A cache mark, if it is one."""
        if mark is not None and self.cache_ttl != "1h":
            hour = isinstance(mark, dict) and mark.get("ttl") == "1h"
            self.cache_ttl = "1h" if hour else "5m"

    def _file(self, block: JsonObject, source: JsonObject) -> None:
        if isinstance(content := source.get("content"), list):
            self.read(content)
        elif source.get("type") != "text":
            data = source.get("data")
            self._file_bytes += len(data) if isinstance(data, str) else 0
            if block.get("type") == "image":
                self._images += 1
            else:
                self._documents += 1


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
