"""A message put together again from its events."""

from typing import Any

from app.core import exact_json
from app.core.json_fields import JsonObject
from app.errors import GatewayError
from app.formats import guardrail
from app.formats.events import Event
from app.formats.meter import Meter
from app.formats.usage import usage_json


class MessageCollector:
    """Implements Writer for an answer that is wanted whole: it writes nothing, and keeps all."""

    ping = b""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._message: JsonObject = {}
        self._blocks: list[JsonObject] = []
        self._usage: JsonObject = {}
        self._json = ""

    @property
    def message(self) -> JsonObject:
        """Anthropic's message, once all events are in."""
        usage = self._usage
        if "iterations" not in usage:  # which are not part of the counts at the top
            usage = usage | usage_json(self._meter.usage)
        return {**self._message, "content": self._blocks, "usage": usage}

    def write(self, event: Event) -> bytes:
        fields = event.json
        match event.kind:
            case "message_start":
                self._message = dict(fields["message"])
                self._usage = dict(self._message.get("usage") or {})
            case "content_block_start":
                self._blocks.append(dict(fields["content_block"]))
                self._json = ""
            case "content_block_delta":
                self._add(self._blocks[-1], fields["delta"])
            case "content_block_stop":
                self._end_block()
            case "message_delta":
                self._message |= fields["delta"]
                self._usage |= fields.get("usage") or {}
            case _:
                pass
        if guardrail.MARK in event.raw:
            self._message |= {k: v for k, v in fields.items() if k in guardrail.SAID}
        return b""

    def cut(self) -> bytes:
        self._end_block()
        self._message |= {"stop_reason": "max_tokens", "stop_sequence": None}
        return b""

    def error(self, error: GatewayError, request_id: str) -> bytes:
        del error, request_id
        return b""

    def _add(self, block: JsonObject, delta: dict[str, Any]) -> None:
        match delta["type"]:
            case "text_delta":
                block["text"] = block.get("text", "") + delta["text"]
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + delta["thinking"]
            case "signature_delta":
                block["signature"] = block.get("signature", "") + delta["signature"]
            case "input_json_delta":
                self._json += delta["partial_json"]
            case "compaction_delta":
                block |= {name: value for name, value in delta.items() if name != "type"}
            case "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])
            case _:
                pass

    def _end_block(self) -> None:
        """A tool's input comes as text in pieces; of one that was cut short nothing is kept."""
        if self._json:
            try:
                self._blocks[-1]["input"] = exact_json.loads(self._json)
            except ValueError:
                self._blocks[-1]["input"] = {}
            self._json = ""
