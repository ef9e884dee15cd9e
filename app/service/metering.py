"""Counts what a streamed answer uses, from the few events that say so."""

from collections.abc import Mapping
from dataclasses import replace

from app.domain.guardrail import NO_UNITS
from app.domain.usage import Usage
from app.wire import guardrail
from app.wire.anthropic import Event, JsonObject, parse_usage, tells_output

DELTA_OVERHEAD_BYTES = 85
"""What a delta's JSON is around its text, about."""

BYTES_PER_TOKEN = 4
LONGEST_COUNT = 12
"""Digits."""

COUNT_HEADERS = {
    "input_tokens": "x-amzn-bedrock-input-token-count",
    "output_tokens": "x-amzn-bedrock-output-token-count",
    "cache_read_input_tokens": "x-amzn-bedrock-cache-read-input-token-count",
    "cache_creation_input_tokens": "x-amzn-bedrock-cache-write-input-token-count",
}

METRICS = "amazon-bedrock-invocationMetrics"


class Meter:
    """Usage of one answer. Bedrock tells output tokens only at the end, so until then they are
    estimated from the text that went by: never fewer than one token for each delta."""

    def __init__(self, *, one_hour_cache: bool) -> None:
        self._one_hour_cache = one_hour_cache
        self._reported = Usage()
        self._deltas = 0
        self._text_bytes = 0
        self._told = False
        self.started = False
        self.finished = False
        """All of the answer was seen."""
        self.intervened = False
        """Whether a guardrail's words took the place of the model's; any event may tell."""
        self.guardrail_units = NO_UNITS
        self.stop_reason: str | None = None
        self.open_block: int | None = None
        """Index of the content block that has begun and not ended."""

    def observe(self, event: Event) -> None:
        if guardrail.MARK in event.raw:
            self.see_guardrail(event.json)
        match event.kind:
            case "content_block_delta":
                self._deltas += 1
                self._text_bytes += max(0, len(event.raw) - DELTA_OVERHEAD_BYTES)
            case "content_block_start":
                self.open_block = int(event.json.get("index", 0))
            case "content_block_stop":
                self.open_block = None
            case "message_start":
                self._report(event.json["message"].get("usage"))
                self.started = True
            case "message_delta":
                self.stop_reason = event.json.get("delta", {}).get("stop_reason")
                self._report_end(event.json.get("usage"))
            case "message_stop":
                self.finished = True
                self._report_metrics(event.json.get(METRICS))
            case _:
                pass

    def see_whole(self, message: JsonObject, size: int) -> None:
        """An answer in one piece, of so many bytes. Raises LookupError or AttributeError for what
        is none."""
        self.see_guardrail(message)
        if not self.intervened:  # a prompt that was blocked reached no model
            self._text_bytes = size if message["content"] else 0
        self._report_end(message.get("usage"))
        self.started = self.finished = True

    def see_headers(self, headers: Mapping[str, str]) -> None:
        """What is said beside a whole answer that itself does not tell what is billed."""
        counts = {name: headers.get(header, "") for name, header in COUNT_HEADERS.items()}
        self._report_end(
            {n: int(c) for n, c in counts.items() if c.isdecimal() and len(c) < LONGEST_COUNT}
        )
        self.started = self.started or self._told

    def see_guardrail(self, fields: JsonObject) -> None:
        """Note what a guardrail did, where a message or an event tells."""
        self.intervened = self.intervened or guardrail.intervened(fields)
        self.guardrail_units = guardrail.units(fields) or self.guardrail_units

    @property
    def exact(self) -> bool:
        """Whether the usage is Bedrock's own. It should be, once an answer has come to its end."""
        told = self._told and self._reported.prompt_tokens > 0
        return self.finished and (told or self.intervened)

    @property
    def usage(self) -> Usage:
        """Bedrock's counts, if it told them; without, and before that, output as estimated."""
        return self.usage_with_output(self.output_tokens)

    def usage_with_output(self, output_tokens: int) -> Usage:
        """The reported usage with another guess at the output."""
        if output_tokens == self._reported.output_tokens:
            return self._reported
        return replace(self._reported, output_tokens=output_tokens)

    @property
    def output_tokens(self) -> int:
        """Tokens generated so far: as reported, or more by what was seen."""
        seen = max(self._deltas, self._text_bytes // BYTES_PER_TOKEN)
        return max(self._reported.output_tokens, 0 if self.exact else seen)

    def _report_metrics(self, metrics: JsonObject | None) -> None:
        """Bedrock's own summary; sometimes the only place that tells of cached tokens."""
        if isinstance(metrics, dict):
            self._report_end(
                {
                    "input_tokens": metrics.get("inputTokenCount"),
                    "output_tokens": metrics.get("outputTokenCount"),
                    "cache_read_input_tokens": metrics.get("cacheReadInputTokenCount"),
                    "cache_creation_input_tokens": metrics.get("cacheWriteInputTokenCount"),
                }
            )

    def _report_end(self, usage: JsonObject | None) -> None:
        self._told = self._told or (isinstance(usage, dict) and tells_output(usage))
        self._report(usage)

    def _report(self, usage: JsonObject | None) -> None:
        """Counts are cumulative, and an event may leave out what another said. Tokens whose cache
        lifetime is known are not counted again where only their sum is told."""
        if not isinstance(usage, dict):
            return
        known = self._reported.cache_write_5m_tokens + self._reported.cache_write_1h_tokens
        if known and "cache_creation" not in usage:
            usage = usage | {"cache_creation_input_tokens": 0}
        self._merge(parse_usage(usage, one_hour_cache=self._one_hour_cache))

    def _merge(self, new: Usage) -> None:
        old = self._reported
        self._reported = Usage(
            input_tokens=max(old.input_tokens, new.input_tokens),
            output_tokens=max(old.output_tokens, new.output_tokens),
            cache_read_tokens=max(old.cache_read_tokens, new.cache_read_tokens),
            cache_write_5m_tokens=max(old.cache_write_5m_tokens, new.cache_write_5m_tokens),
            cache_write_1h_tokens=max(old.cache_write_1h_tokens, new.cache_write_1h_tokens),
        )
