"""How much a request is likely to use, before Bedrock says."""

from collections import OrderedDict
from typing import Any, Final

from app.domain.identity import KeyId

BYTES_PER_TOKEN: Final = 3.6
IMAGE_TOKENS: Final = 1_600
"""About what Claude counts for a picture of the largest useful size."""

FIRST_SLICE: Final = 128
"""Output tokens held for a request when nothing is known of its kind."""

SLICE: Final = 512
"""Output tokens by which a hold grows while an answer streams."""

LARGEST_FIRST_SLICE: Final = 2_048
WEIGHT: Final = 0.2
KINDS_REMEMBERED: Final = 10_000


def input_tokens(body: bytes, messages: list[dict[str, Any]]) -> int:
    """Tokens of a request, from the length of its JSON; inline files are not text."""
    inline, pictures = _inline(messages) if b'"base64"' in body else (0, 0)
    return round((len(body) - inline) / BYTES_PER_TOKEN) + pictures * IMAGE_TOKENS


def _inline(content: Any) -> tuple[int, int]:
    """Bytes of base64 data, and how many pieces, anywhere in messages or blocks."""
    size = pieces = 0
    for item in content if isinstance(content, list) else ():
        if not isinstance(item, dict):
            continue
        match item.get("source"):
            case {"type": "base64", "data": str(data)}:
                size, pieces = size + len(data), pieces + 1
            case _:
                pass  # text, whatever it is called
        nested_size, nested_pieces = _inline(item.get("content"))
        size, pieces = size + nested_size, pieces + nested_pieces
    return size, pieces


class OutputForecast:
    """What a key's requests to a model really produce: a moving mean, bounded in memory."""

    def __init__(self) -> None:
        self._means: OrderedDict[tuple[KeyId, str], float] = OrderedDict()

    def first_slice(self, key: KeyId, model: str, max_tokens: int) -> int:
        """Output tokens to hold at first: somewhat more than is usual."""
        mean = self._means.get((key, model))
        expected = FIRST_SLICE if mean is None else round(1.25 * mean) + 8
        return max(1, min(expected, LARGEST_FIRST_SLICE, max_tokens))

    def learn(self, key: KeyId, model: str, output_tokens: int) -> None:
        kind = (key, model)
        mean = self._means.pop(kind, float(output_tokens))
        self._means[kind] = mean + WEIGHT * (output_tokens - mean)
        if len(self._means) > KINDS_REMEMBERED:
            self._means.popitem(last=False)
