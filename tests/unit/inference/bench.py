"""The inference service on fakes, and answers of Bedrock to feed it with."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import orjson
from starlette.responses import Response
from starlette.types import Message

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.budgets import UNLIMITED, Budget
from app.core.ids import InstanceId
from app.core.tasks import DetachedTasks
from app.errors import GatewayError
from app.formats.format import AnthropicFormat, ApiFormat, OpenAIFormat
from app.identity.authentication import Authenticator
from app.identity.policy import Accounts, Caller
from app.inference.admission import Admission
from app.inference.call import Call
from app.inference.client import Client
from app.inference.estimates import OutputForecast
from app.inference.inference import Inference, Timing
from app.inference.intake import Intake
from app.inference.known_prompts import KnownPrompts
from app.inference.request import InferenceRequest
from app.ledger.record import BudgetCounter, RequestRecord
from app.ledger.settling import Settler
from app.telemetry.metrics import Metrics
from app.upstream.routing import Router
from app.upstream.unsupported import UnsupportedParams
from app.upstream.upstream import Completion
from tests.support.examples import SECRET, caller, credentials, request_id, sent
from tests.support.fakes import (
    FakeTime,
    MemoryDirectory,
    MemoryLedger,
    MemorySpool,
    RecordList,
    ScriptedStream,
    ScriptedUpstream,
    Step,
)

HAIKU = "claude-haiku-4-5"
API_FORMATS: dict[str, ApiFormat] = {
    "anthropic": AnthropicFormat(),
    "openai": OpenAIFormat(default_max_tokens=4096),
}
PROMPT_USAGE = {"input_tokens": 10, "output_tokens": 1}


def event(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, **fields})


START = event(
    "message_start",
    message={"id": "msg_1", "model": "bedrock's", "content": [], "usage": PROMPT_USAGE},
)
OPEN = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
CLOSE = event("content_block_stop", index=0)
STOP = event(
    "message_stop",
    **{"amazon-bedrock-invocationMetrics": {"inputTokenCount": 10, "outputTokenCount": 20}},
)


def delta(words: str = "word") -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})


def end(output_tokens: int = 20) -> bytes:
    return event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={"output_tokens": output_tokens},
    )


WHOLE_STREAM: list[Step] = [[START, OPEN], [delta(), delta()], [CLOSE, end()], [STOP]]
WHOLE = Completion(
    orjson.dumps(
        {
            "id": "msg_1",
            "model": "bedrock's",
            "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 20},
        }
    ),
    "aws-1",
)


async def no_count(owner: str, target: Target, body: bytes) -> None:
    """Bedrock does not count tokens."""
    del owner, target, body


async def _no_pause(seconds: float) -> None:
    del seconds


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """The body of a response."""

    body: bytes


class StreamedAnswer:
    """The client of one call. It takes what it is sent when it reads, and not before."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        """A status of 200 came."""
        self.error: GatewayError | None = None
        """What was sent with the status of an error."""
        self.run: asyncio.Task[None]
        self._gone = asyncio.Event()
        self._chunks: asyncio.Queue[tuple[bytes, bool, asyncio.Event]] = asyncio.Queue()

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200:
                self.begun.set()
            return
        if self.error is not None:
            return
        taken = asyncio.Event()
        self._chunks.put_nowait((message["body"], message.get("more_body", False), taken))
        waiting = [asyncio.create_task(event.wait()) for event in (taken, self._gone)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waiting:
                wait.cancel()

    def error_response(self, error: GatewayError) -> Response:
        self.error = error
        return Response(status_code=error.status)

    def hang_up(self) -> None:
        self._gone.set()

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.frames()])

    async def frames(self) -> AsyncIterator[bytes]:
        """Chunks until the last one."""
        more = True
        while more:
            chunk, more, taken = await self._chunks.get()
            taken.set()
            if chunk:
                yield chunk


@dataclass
class Bench:
    """One gateway's inference, and everything that it touches."""

    whole: Completion | BaseException | None = WHOLE
    steps: Sequence[Step] | BaseException = ()
    caller: Caller = field(default_factory=caller)
    first_event_wait: float = 30
    ping: float = 30
    drain: float = 30
    global_budget: Budget = UNLIMITED
    time: FakeTime = field(default_factory=FakeTime)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    spool: MemorySpool = field(default_factory=MemorySpool)
    sink: RecordList = field(default_factory=RecordList)
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    runs: list[asyncio.Task[None]] = field(default_factory=list)
    call: "weakref.ref[Call] | None" = None
    """The last one."""

    def __post_init__(self) -> None:
        clock = self.time.clock
        self.directory.callers[self.caller.key.hash] = self.caller
        self.stream: ScriptedStream | None = None
        if not isinstance(self.steps, BaseException):
            self.stream = ScriptedStream(list(self.steps))
        streamed = self.steps if isinstance(self.steps, BaseException) else self.stream
        self.upstream = ScriptedUpstream(self.whole, streamed)
        self.background = DetachedTasks()
        self.accounts = Accounts(self.global_budget, ZoneInfo("UTC"))
        self.inference = Inference(
            Authenticator(
                self.directory,
                master_key="sk-m",
                cache_seconds=5,
                unknown_keys_per_minute=0,
                clock=clock,
                contact=None,
            ),
            load_catalog(region="us-east-1", profile=None),
            Intake(10_000_000, clock.monotonic),
            Admission(
                self.ledger,
                self.accounts,
                OutputForecast(),
                KnownPrompts(clock.monotonic),
                no_count,
                instance=InstanceId("gateway-1"),
                clock=clock,
                contact="it@example.org",
            ),
            Settler(self.ledger, self.spool, self.background),
            self.upstream,
            Router(
                UnsupportedParams(clock.monotonic),
                clock,
                failover=(),
                watcher=Metrics(),
                pause=_no_pause,
            ),
            self.sink,
            self.background,
            clock=clock,
            timing=Timing(self.first_event_wait, self.ping, self.drain),
        )

    async def answer(
        self, api_format: str = "anthropic", *, key: str = SECRET, **fields: Any
    ) -> "WholeAnswer | StreamedAnswer":
        """Raises the error that the client was sent with a status, and faults."""
        body = {
            "model": HAIKU,
            "max_tokens": 4000,
            "messages": [{"role": "user", "content": "Hello"}],
            **fields,
        }
        encoded = orjson.dumps(body)
        request = InferenceRequest(
            id=request_id(),
            route="/v1/messages",
            read=sent(encoded),
            body_bytes=len(encoded),
            credentials=credentials(key),
            betas=(),
            session_id="session-1",
            client="tests",
            received_at=self.time.instant,
            received_monotonic=self.time.seconds,
        )
        answer = StreamedAnswer()
        call = Call(
            self.inference,
            request,
            API_FORMATS[api_format],
            Client({"type": "http"}, answer.receive, answer.send),
            stream_headers={},
            error_response=answer.error_response,
        )
        run = answer.run = asyncio.create_task(call.run())
        self.call = weakref.ref(call)
        del call
        self.runs.append(run)
        with anyio.fail_after(20):
            try:
                if not fields.get("stream"):
                    body_of = asyncio.create_task(answer.body())
                    await run
                    if answer.error is None:
                        return WholeAnswer(await body_of)
                    body_of.cancel()
                    raise answer.error
                begun = asyncio.create_task(answer.begun.wait())
                await asyncio.wait({run, begun}, return_when=asyncio.FIRST_COMPLETED)
                if run.done():
                    await run
            except asyncio.CancelledError:
                run.cancel()
                await asyncio.wait({run})
                if answer.error is None:
                    raise
            if answer.error is not None:
                raise answer.error
        return answer

    async def begin(self, api_format: str = "anthropic", **fields: Any) -> "StreamedAnswer":
        answer = await self.answer(api_format, stream=True, **fields)
        assert isinstance(answer, StreamedAnswer)
        return answer

    async def read(self, answer: "StreamedAnswer", most: int = 10_000) -> list[bytes]:
        """What the client gets, before it hangs up after so many chunks."""
        chunks: list[bytes] = []
        with anyio.fail_after(20):
            async for chunk in answer.frames():
                chunks.append(chunk)
                if len(chunks) >= most:
                    answer.hang_up()
                    break
        return chunks

    async def finish(self) -> None:
        """Let the calls, and what goes on in the background, come to their end."""
        with anyio.fail_after(20):
            await asyncio.gather(*self.runs, return_exceptions=True)
            await self.background.finish()

    @property
    def account(self) -> BudgetCounter:
        return self.accounts.of(self.caller, HAIKU, self.time.instant)[-1]

    async def booked(self) -> RequestRecord:
        """The record of the one request, settled and reported once; nothing stays held."""
        await self.finish()
        (record,) = self.sink.records
        assert self.ledger.settled == [record]
        assert self.ledger.reservations == {}
        assert self.ledger.held(self.account) == 0
        assert self.ledger.spent(self.account) == record.cost
        return record
