"""Traces in Langfuse: a generation for each request, in the words of its SDK's OpenTelemetry.

A request hands over its record and continues: a separate thread builds the spans, and
Langfuse's exporter sends them. Both queues are bounded; what does not fit is dropped and counted,
so a Langfuse that is slow, down or wrong costs neither time nor memory.
"""

import atexit
import hashlib
import json
import logging
import queue
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson
from langfuse import Langfuse, LangfuseOtelSpanAttributes
from langfuse import __version__ as langfuse_version
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from app.ledger.record import RequestRecord

log = logging.getLogger(__name__)

Attributes = LangfuseOtelSpanAttributes

Capture = Literal["off", "truncated", "full"]

TRACER: Final = "langfuse-sdk"

MOST_WAITING: Final = 1_000

MOST_BYTES_WAITING: Final = 32_000_000

LONGEST_CONTENT: Final = 100_000

LAST_SECONDS: Final = 3

MASKED: Final = "<masked>"

CREDENTIALS: Final = (
    r"sk-[A-Za-z0-9_\-]{16,}",
    r"pk-lf-[A-Za-z0-9\-]{8,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{20,}\b",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----",
)


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """Where traces go, and what they may hold. `rate` is the share of calls that is traced."""

    public_key: str
    secret_key: str
    base_url: str
    environment: str
    release: str | None
    rate: float
    capture: Capture
    chars: int
    mask: tuple[str, ...]


class LangfuseTraces:
    """Implements the port Sink."""

    def __init__(
        self,
        options: TraceOptions,
        *,
        on_drop: Callable[[], None],
        most_waiting: int = MOST_WAITING,
        timeout_seconds: int = 5,
        flush_seconds: float = 2,
    ) -> None:
        self._options = options
        self._on_drop = on_drop
        self._ids = _RequestIds()
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(options.rate), id_generator=self._ids, shutdown_on_exit=False
        )
        self._client = Langfuse(
            public_key=options.public_key,
            secret_key=options.secret_key,
            base_url=options.base_url,
            environment=options.environment,
            release=options.release,
            timeout=timeout_seconds,
            flush_at=256,
            flush_interval=flush_seconds,
            tracer_provider=self._provider,
        )
        # At exit the SDK would wait for as long as Langfuse lets it.
        if resources := self._client._resources:  # noqa: SLF001 - there is no other way
            atexit.unregister(resources.shutdown)
        self._tracer = self._provider.get_tracer(
            TRACER, langfuse_version, attributes={"public_key": options.public_key}
        )
        self._masks = [re.compile(pattern) for pattern in (*CREDENTIALS, *options.mask)]
        self._waiting: queue.Queue[RequestRecord | None] = queue.Queue(most_waiting)
        self._bytes = 0
        self._thread = threading.Thread(target=self._work, name="langfuse", daemon=True)
        self._thread.start()

    def record(self, record: RequestRecord) -> None:
        size = len(record.content.asked) if record.content else 0
        if self._bytes + size > MOST_BYTES_WAITING:
            self._on_drop()
            return
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._on_drop()
            return
        self._bytes += size

    def close(self) -> None:
        """Send what waits, within a few seconds."""
        closing = threading.Thread(target=self._finish, name="langfuse-end", daemon=True)
        closing.start()
        closing.join(LAST_SECONDS)
        if closing.is_alive():
            log.warning("Langfuse does not take the last traces; they are dropped")

    def _finish(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._client.shutdown()

    def _work(self) -> None:
        while (record := self._waiting.get()) is not None:
            try:
                self._trace(record)
            except Exception as error:
                log.exception("a trace failed", extra={"error": type(error).__name__})
            finally:
                self._bytes -= len(record.content.asked) if record.content else 0

    def _trace(self, record: RequestRecord) -> None:
        self._ids.request_id = record.request_id
        begun = record.started_at
        span = self._tracer.start_span(
            record.route,
            start_time=_nanoseconds(begun),
            attributes=_present(self._generation(record) | self._caller(record)),
        )
        if record.error_code is not None:
            span.set_status(Status(StatusCode.ERROR, record.error_code))
        context = set_span_in_context(span)
        tries = record.attempts if len(record.attempts) > 1 else ()
        for number, attempt in enumerate(tries, 1):
            since = begun + timedelta(seconds=attempt.after_seconds)
            child = self._tracer.start_span(
                f"attempt {number}",
                context=context,
                start_time=_nanoseconds(since),
                attributes=_present(
                    {
                        Attributes.OBSERVATION_TYPE: "span",
                        Attributes.OBSERVATION_LEVEL: "WARNING" if attempt.error_code else None,
                        Attributes.OBSERVATION_STATUS_MESSAGE: attempt.error_code,
                        f"{Attributes.OBSERVATION_METADATA}.bedrock_id": json.dumps(
                            attempt.bedrock_id
                        ),
                    }
                    | self._caller(record)
                ),
            )
            child.end(_nanoseconds(since + timedelta(seconds=attempt.seconds)))
        span.end(_nanoseconds(begun + timedelta(seconds=record.latency_seconds)))

    def _caller(self, record: RequestRecord) -> dict[str, Any]:
        """What belongs to the trace as a whole, and so to each of its spans."""
        return {
            Attributes.TRACE_NAME: record.route,
            Attributes.TRACE_USER_ID: record.user_id or record.key_alias or record.key_name,
            Attributes.TRACE_SESSION_ID: record.session_id,
            Attributes.TRACE_TAGS: list(record.tags) or None,
            Attributes.ENVIRONMENT: self._options.environment,
            Attributes.RELEASE: self._options.release,
        }

    def _generation(self, record: RequestRecord) -> dict[str, Any]:
        usage = record.usage
        first = record.ttfb_seconds
        begun = record.started_at
        failed = record.error_code is not None
        details = {
            "request_id": record.request_id,
            "api_format": record.api_format,
            "status": record.status,
            "ending": record.ending,
            "stream": record.stream,
            "estimated": record.estimated,
            "upstream_model": record.upstream_model,
            "upstream_request_id": record.upstream_request_id,
            "key_alias": record.key_alias,
            "key_name": record.key_name,
            "agent": record.agent,
            "user_agent": record.user_agent,
            "guardrail": record.guardrail,
        }
        return {
            Attributes.OBSERVATION_TYPE: "generation",
            Attributes.OBSERVATION_MODEL: record.model,
            Attributes.OBSERVATION_MODEL_PARAMETERS: json.dumps(dict(record.parameters)),
            Attributes.OBSERVATION_USAGE_DETAILS: json.dumps(
                {
                    "input": usage.input_tokens,
                    "output": usage.output_tokens,
                    "cache_read_input_tokens": usage.cache_read_tokens,
                    "cache_creation_5m_input_tokens": usage.cache_write_5m_tokens,
                    "cache_creation_1h_input_tokens": usage.cache_write_1h_tokens,
                    "total": usage.total_tokens,
                }
            ),
            Attributes.OBSERVATION_COST_DETAILS: json.dumps(_costs(record)),
            Attributes.OBSERVATION_COMPLETION_START_TIME: json.dumps(
                (begun + timedelta(seconds=first)).isoformat()
            )
            if first is not None and record.stream
            else None,
            Attributes.OBSERVATION_LEVEL: "ERROR" if failed else None,
            Attributes.OBSERVATION_STATUS_MESSAGE: record.error_code,
            **{
                f"{Attributes.OBSERVATION_METADATA}.{name}": json.dumps(value)
                for name, value in details.items()
                if value is not None
            },
            **self._content(record),
        }

    def _content(self, record: RequestRecord) -> dict[str, str]:
        if record.content is None or self._options.capture == "off":
            return {}
        answer = record.content.answer
        shown = {Attributes.OBSERVATION_INPUT: record.content.asked}
        if answer is not None:
            shown[Attributes.OBSERVATION_OUTPUT] = orjson.dumps(answer.get("content"))
        return {name: self._shown(text) for name, text in shown.items()}

    def _shown(self, content: bytes) -> str:
        """Masked, then cut, so that half a secret is not left over."""
        full = self._options.capture == "full"
        most = LONGEST_CONTENT if full else self._options.chars
        # What is far beyond the cut need not be read; a little more is, for what lies across it.
        text = content[: 4 * most + 4_096].decode(errors="replace")
        for mask in self._masks:
            text = mask.sub(MASKED, text)
        return text if len(text) <= most else f"{text[:most]}…"


class _RequestIds(IdGenerator):
    """A request's trace has an id that follows from the request's own."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.request_id = ""

    def generate_trace_id(self) -> int:
        return trace_id(self.request_id)

    def generate_span_id(self) -> int:
        return self._random.generate_span_id()


def trace_id(request_id: str) -> int:
    """128 bits, as Langfuse's `create_trace_id(seed=request_id)` makes them."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:16])


def _costs(record: RequestRecord) -> dict[str, float]:
    """USD, by the names that the tokens have too."""
    total = {"total": float(record.cost)}
    if (parts := record.cost_parts) is None:
        return total
    return total | {
        "input": float(parts.input),
        "output": float(parts.output),
        "cache_read_input_tokens": float(parts.cache_read),
        "cache_creation_5m_input_tokens": float(parts.cache_write_5m),
        "cache_creation_1h_input_tokens": float(parts.cache_write_1h),
        "guardrail": float(parts.guardrail),
    }


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _nanoseconds(when: datetime) -> int:
    return round(when.timestamp() * 1_000_000) * 1_000
