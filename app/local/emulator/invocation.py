"""Answers calls that were found valid, misbehaves as the scenario wants, and keeps the bill.

What is billed when a client hangs up is not documented by AWS, so both readings can be had: `stop`
ends the generation when the connection closes and bills what went out until then; `finish` bills
the whole answer. A call that stalls before its first event has not begun and is not billed when
its client leaves (with `finish` it is).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any

import orjson
from aiohttp import web

from app.core.usage import Usage
from app.local.emulator import guardrails
from app.local.emulator import scenarios as s
from app.local.emulator.answer import Answer, Envelope, GuardrailWork
from app.local.emulator.cache import PromptCache
from app.local.emulator.compaction import WORDS, compacted, edit_due
from app.local.emulator.disturbance import GARBAGE, disturb, pause, reset
from app.local.emulator.frames import chunk, exception
from app.local.emulator.generation import PlannedCall, blocked, generate, pieces
from app.local.emulator.log import BilledCall, TokenLog
from app.local.emulator.lying import told
from app.local.emulator.models import Asked
from app.local.emulator.prompt import Segment, prompt_tokens
from app.local.emulator.refusing import refuse
from app.local.emulator.writing import message, steps

WRITES_PER_TURN = 32
"""After so many events other connections get their turn."""


@dataclass(frozen=True, slots=True)
class Call:
    """A valid call."""

    request_id: str
    asked: Asked
    body: Mapping[str, Any]
    prompt: tuple[Segment, ...]
    scenario: s.Scenario
    stream: bool
    guarded: bool
    """It names a guardrail."""
    traced: bool
    """It asks what the guardrail did."""
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Billed:
    """A call whose generation has begun."""

    call: Call
    answer: Answer
    row: BilledCall
    usage: Usage
    """Of the prompt that the answer itself was given."""

    @property
    def envelope(self) -> Envelope:
        request = self.call.request_id.replace("-", "")
        plain = self.call.asked.model.bedrock_id.removeprefix("anthropic.").partition("-v1")[0]
        return Envelope(f"msg_bdrk_{request[:24]}", plain, self.usage)


class Invoker:
    """Generates, sends, and bills."""

    def __init__(
        self,
        *,
        cache: PromptCache,
        log: TokenLog,
        tokens_per_delta: int,
        on_disconnect: s.OnDisconnect,
    ) -> None:
        self._cache = cache
        self._log = log
        self._tokens_per_delta = tokens_per_delta
        self._on_disconnect = on_disconnect

    async def run(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        """The response to a call; raises `BedrockFault` for scenarios that refuse it."""
        refuse(call.scenario, call.body, stream=call.stream, guarded=call.guarded)
        if isinstance(call.scenario, s.ExceptionFirst):
            return await _send_only(request, call, exception(call.scenario.exception))
        answer = _answer(call)
        await self._stall(call, answer)
        billed = self._begin(call, answer)
        try:
            if call.stream:
                return await self._stream(request, billed)
            return await _reply(request, billed)
        except asyncio.CancelledError:
            if self._finishes(call):
                billed.row.finish(billed.answer.output_tokens)
            raise

    async def _stall(self, call: Call, answer: Answer) -> None:
        match call.scenario:
            case s.Stall(seconds=seconds) | s.Slow(before=seconds):
                pass
            case _:
                return
        try:
            await pause(seconds)
        except asyncio.CancelledError:
            if self._finishes(call):
                begun = self._begin(call, answer)
                begun.row.finish(begun.answer.output_tokens)
            raise

    def _begin(self, call: Call, answer: Answer) -> Billed:
        usage = read = self._cache.charge(call.asked.model, call.prompt)
        edit = edit_due(
            call.body, prompt_tokens(call.prompt), forced=isinstance(call.scenario, s.Compact)
        )
        if edit is not None:
            answer, usage = compacted(answer, edit, read, pieces(WORDS))
            read = replace(read, input_tokens=read.input_tokens + usage.input_tokens)
        row = self._log.begin(
            request_id=call.request_id,
            model=call.asked.model_id,
            usage=read,
            guardrail_units=answer.guardrail.units if answer.guardrail else 0,
            stream=call.stream,
            started_at=call.started_at,
        )
        return Billed(call, answer, row, usage)

    def _finishes(self, call: Call) -> bool:
        mode = call.scenario.on_disconnect or self._on_disconnect
        return mode == "finish" and not isinstance(call.scenario, s.BreakMidStream)

    async def _stream(self, request: web.BaseRequest, billed: Billed) -> web.StreamResponse:
        response = _event_stream(billed.call.request_id)
        await response.prepare(request)
        try:
            await self._send_events(request, response, billed)
        except ConnectionError:
            if self._finishes(billed.call):
                billed.row.finish(billed.answer.output_tokens)
        return response

    async def _send_events(
        self, request: web.BaseRequest, response: web.StreamResponse, billed: Billed
    ) -> None:
        deltas = 0
        events = steps(
            billed.answer, billed.envelope, tokens_per_delta=self._tokens_per_delta, latency_ms=1
        )
        for place, step in enumerate(events, 1):
            if step.tokens:
                last = await disturb(request, billed.call.scenario, deltas)
                if last is not None:
                    await response.write(last)
                    return
                deltas += 1
            await response.write(chunk(told(step.event, billed.call.scenario)))
            billed.row.generated(step.tokens)
            if place % WRITES_PER_TURN == 0:
                await asyncio.sleep(0)
        billed.row.finish(billed.answer.output_tokens)


def _answer(call: Call) -> Answer:
    answer = generate(call.body, call.asked.model, _planned(call.scenario))
    if not call.guarded:
        return answer
    prompt_units = guardrails.prompt_units(call.body)
    if isinstance(call.scenario, s.Guardrail):
        # A prompt that is blocked reaches no model.
        work = GuardrailWork("INTERVENED", prompt_units, 0, call.traced)
        return replace(blocked(call.scenario.text), guardrail=work)
    text = "".join(piece for block in answer.blocks for piece in block.pieces)
    work = GuardrailWork("NONE", prompt_units, guardrails.units(text.encode()), call.traced)
    return replace(answer, guardrail=work)


def _planned(scenario: s.Scenario) -> PlannedCall | None:
    if isinstance(scenario, s.ToolThenText):
        return PlannedCall(scenario.tool, scenario.input, scenario.calls)
    return None


async def _reply(request: web.BaseRequest, billed: Billed) -> web.StreamResponse:
    started = perf_counter()
    match billed.call.scenario:
        case s.Slow() | s.StallMidStream():
            await pause(billed.call.scenario.seconds)
        case s.BreakMidStream():
            billed.row.finish(billed.answer.output_tokens)
            await reset(request)
        case _:
            pass
    billed.row.finish(billed.answer.output_tokens)
    broken = isinstance(billed.call.scenario, s.Garbage)
    whole = orjson.dumps(message(billed.answer, billed.envelope))
    body = GARBAGE if broken else told(whole, billed.call.scenario)
    usage = billed.usage
    return web.Response(
        body=body,
        content_type="application/json",
        headers={
            "x-amzn-requestid": billed.call.request_id,
            "x-amzn-bedrock-invocation-latency": str(int((perf_counter() - started) * 1000)),
            "x-amzn-bedrock-input-token-count": str(usage.input_tokens),
            "x-amzn-bedrock-output-token-count": str(billed.answer.message_tokens),
            "x-amzn-bedrock-cache-read-input-token-count": str(usage.cache_read_tokens),
            "x-amzn-bedrock-cache-write-input-token-count": str(
                usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
            ),
        },
    )


def _event_stream(request_id: str) -> web.StreamResponse:
    return web.StreamResponse(
        headers={
            "content-type": "application/vnd.amazon.eventstream",
            "x-amzn-bedrock-content-type": "application/json",
            "x-amzn-requestid": request_id,
        }
    )


async def _send_only(request: web.BaseRequest, call: Call, frame: bytes) -> web.StreamResponse:
    response = _event_stream(call.request_id)
    await response.prepare(request)
    await response.write(frame)
    return response
