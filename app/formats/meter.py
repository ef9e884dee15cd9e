"""Counts what a streamed answer uses, from the few events that say so."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.core.guardrail import NO_UNITS
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.formats import guardrail
from app.formats.events import Event
from app.formats.usage import Counts, counts, iterations, tells_output, total

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

COMPACTION = "compaction"
"""A block that stands for a step of its own: the model read the prompt to summarise it."""


class Meter:
    """Usage of one answer. Bedrock tells output tokens only at the end, so until then they are
    estimated from the text that went by: never fewer than one token for each delta."""

    def __init__(self, *, one_hour_cache: bool) -> None:
        self._one_hour_cache = one_hour_cache
        self._reported = Counts()
        self._steps: tuple[Counts, ...] = ()
        self._compactions = 0
        self._deltas = 0
        self._text_bytes = 0
        self._told = False
        self.expected_prompt = 0
        """Input tokens of the prompt, as estimated before the call."""
        self.most_output: int | None = None
        """`max_tokens` of the call: no estimate of its output is above it."""
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
                index = event.json.get("index")
                self.open_block = index if isinstance(index, int) else 0
                self._compactions += _is_compaction(event.json.get("content_block"))
            case "content_block_stop":
                self.open_block = None
            case "message_start":
                self._report(event.json["message"].get("usage"))
                self.started = True
            case "message_delta":
                self.stop_reason = (event.json.get("delta") or {}).get("stop_reason")
                self._report_end(event.json.get("usage"))
            case "message_stop":
                self.finished = True
                self._report_metrics(event.json.get(METRICS))
            case _:
                pass

    def see_whole(self, message: JsonObject, size: int) -> None:
        """A non-streaming answer of `size` bytes. Raises LookupError or AttributeError for what is
        not one."""
        self.see_guardrail(message)
        if not self.intervened:  # a prompt that was blocked reached no model
            self._text_bytes = size if message["content"] else 0
            self._compactions = sum(map(_is_compaction, message["content"] or ()))
        self._report_end(message.get("usage"))
        self.started = self.finished = True

    def see_headers(self, headers: Mapping[str, str]) -> None:
        """Bedrock's token count headers, for a non-streaming answer without usage."""
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
        return self.finished and (
            self.intervened
            or (self._told and self._billed.prompt_tokens > 0 and not self._unreported_prompt)
        )

    @property
    def usage(self) -> Usage:
        """Bedrock's counts, if it told them; without, and before that, output as estimated."""
        return self.usage_with_output(self.output_tokens)

    def usage_with_output(self, output_tokens: int) -> Usage:
        """The reported usage with another guess at the output."""
        return replace(self._billed, output_tokens=output_tokens)

    def steps(self, usage: Usage) -> tuple[Usage, ...]:
        """The steps that make up this usage, where they are known: each has a price tier of its
        own."""
        if not self._steps or self._final(total(self._steps)) != usage:
            return ()
        return tuple(self._final(step) for step in self._steps)

    @property
    def _billed(self) -> Usage:
        usage = self._final(self._reported)
        if not self._unreported_prompt:
            return usage
        return replace(usage, input_tokens=usage.input_tokens + self._unreported_prompt)

    @property
    def _unreported_prompt(self) -> int:
        """Input tokens of compactions that were seen, while no usage lists what they read."""
        return 0 if self._steps else self._compactions * self.expected_prompt

    def _final(self, reported: Counts) -> Usage:
        return reported.usage(one_hour_cache=self._one_hour_cache)

    @property
    def output_tokens(self) -> int:
        """Tokens generated so far: as reported, or more by what was seen."""
        seen = max(self._deltas, self._text_bytes // BYTES_PER_TOKEN)
        if self.most_output is not None and not self._compactions:
            seen = min(seen, self.most_output)
        return max(self._reported.output, 0 if self.exact else seen)

    def _report_metrics(self, metrics: JsonObject | None) -> None:
        """Bedrock's own summary; sometimes the only one with cached tokens."""
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
        """Counts are cumulative, and an event may leave out what another said."""
        if not isinstance(usage, dict):
            return
        self._reported = self._reported.at_least(counts(usage))
        self._steps = iterations(usage) or self._steps


def _is_compaction(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == COMPACTION
