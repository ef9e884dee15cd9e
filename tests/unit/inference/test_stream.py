"""Streamed answers: what the client gets, and what is booked, whatever happens in between."""

import asyncio

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import DatabaseUnavailable, UpstreamBroke, UpstreamThrottled, UpstreamTimeout
from app.formats import sse
from app.inference import call
from app.ledger.record import Ending
from tests.support.examples import caller
from tests.support.fakes import Step
from tests.unit.inference.bench import (
    CLOSE,
    OPEN,
    START,
    STOP,
    WHOLE_STREAM,
    Bench,
    WholeAnswer,
    delta,
    end,
    event,
)

BROKE, FULL, SLOW = UpstreamBroke("lost"), UpstreamThrottled("full"), UpstreamTimeout("slow")
HUNDRED = delta("x" * 400)
"""About a hundred tokens."""


def kinds(chunks: list[bytes]) -> list[str]:
    lines = b"".join(chunks).decode().splitlines()
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]


def datas(chunks: list[bytes]) -> list[dict[str, object]]:
    lines = b"".join(chunks).splitlines()
    return [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


async def test_events_are_passed_on_in_order_with_the_name_that_was_asked_for() -> None:
    bench = Bench(steps=WHOLE_STREAM)

    chunks = await bench.read(await bench.begin())

    assert kinds(chunks) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert b"data: " + delta() in b"".join(chunks)
    first, *_, last = datas(chunks)
    assert first["message"] == orjson.loads(START)["message"] | {"model": "claude-haiku-4-5"}
    assert last == {"type": "message_stop"}
    record = await bench.booked()
    assert (record.ending, record.status, record.estimated) == ("completed", 200, False)
    assert (record.usage.input_tokens, record.usage.output_tokens) == (10, 20)
    assert bench.stream is not None
    assert bench.stream.closed == 1


async def test_the_bill_is_settled_before_the_last_byte_goes_out() -> None:
    bench = Bench(steps=WHOLE_STREAM)

    settled = [
        (b"message_stop" in chunk, len(bench.ledger.settled))
        async for chunk in (await bench.begin()).frames()
    ]

    assert settled == [(False, 0), (False, 0), (False, 0), (True, 1)]


async def test_what_comes_before_the_end_does_not_wait_for_the_bill() -> None:
    bench = Bench(steps=[[START, OPEN, delta(), CLOSE, end(), STOP]])
    answer = await bench.begin()

    settled = [
        (b"message_stop" in chunk, len(bench.ledger.settled)) async for chunk in answer.frames()
    ]

    assert settled == [(False, 0), (True, 1)]


async def test_silence_is_filled_with_pings() -> None:
    gate = asyncio.Event()
    bench = Bench(steps=[[START, OPEN], gate, [delta(), CLOSE, end(), STOP]], ping=0.005)
    answer = await bench.begin()
    chunks: list[bytes] = []

    async for chunk in answer.frames():
        chunks.append(chunk)
        if chunks.count(sse.PING) == 3:
            gate.set()

    assert chunks[1:4] == [sse.PING] * 3
    assert kinds(chunks)[-1] == "message_stop"


@pytest.mark.parametrize(("api_format", "ping"), [("anthropic", sse.PING), ("openai", sse.COMMENT)])
async def test_pings_come_before_the_first_event_too(api_format: str, ping: bytes) -> None:
    gate = asyncio.Event()
    bench = Bench(steps=[gate, *WHOLE_STREAM], ping=0.005, first_event_wait=0.005)
    answer = await bench.begin(api_format)

    chunks = []
    async for chunk in answer.frames():
        chunks.append(chunk)
        gate.set()

    assert chunks[0] == ping
    assert (await bench.booked()).ending == "completed"


ENDINGS: dict[str, tuple[list[Step], Ending, bool, bool]] = {
    # steps, how it ends, whether tokens were billed, whether that is an estimate
    "whole": (WHOLE_STREAM, "completed", True, False),
    "all at once": ([[START, OPEN, delta(), CLOSE, end(), STOP]], "completed", True, False),
    "lost after the start": ([[START], BROKE], "upstream_failed", True, True),
    "lost in the middle": ([[START, OPEN], [delta()], BROKE], "upstream_failed", True, True),
    "silent in the middle": ([[START, OPEN, delta()], SLOW], "upstream_failed", True, True),
    "throttled in the middle": ([[START, OPEN, delta()], FULL], "upstream_failed", True, True),
    "ended in the middle": ([[START, OPEN, delta()]], "upstream_failed", True, True),
    "lost before the last event": ([*WHOLE_STREAM[:-1], BROKE], "upstream_failed", True, True),
    "no event": ([[START], [b"<html>"]], "upstream_failed", True, True),
}


@pytest.mark.parametrize("api_format", ["anthropic", "openai"])
@pytest.mark.parametrize("steps", [[], [[b'{"type":"message_start"}']]], ids=["none", "unreadable"])
async def test_a_stream_without_any_event_is_an_error_with_a_status(
    api_format: str, steps: list[Step]
) -> None:
    bench = Bench(steps=steps)

    with pytest.raises(UpstreamBroke):
        await bench.begin(api_format)

    record = await bench.booked()
    assert (record.ending, record.estimated) == ("upstream_failed", True)
    assert record.status == 502


@pytest.mark.parametrize("api_format", ["anthropic", "openai"])
@pytest.mark.parametrize("case", ENDINGS)
async def test_each_ending_is_booked_once(case: str, api_format: str) -> None:
    steps, ending, billed, estimated = ENDINGS[case]
    bench = Bench(steps=steps)

    chunks = await bench.read(await bench.begin(api_format))

    record = await bench.booked()
    assert (record.ending, record.estimated) == (ending, estimated)
    assert (record.cost > 0) is billed
    assert (record.error_code is None) is (ending == "completed")
    assert (b'"error"' in b"".join(chunks)) is (ending != "completed")


@pytest.mark.parametrize(
    ("error", "ending", "billed"),
    [(FULL, "upstream_rejected", False), (SLOW, "upstream_failed", True)],
)
async def test_a_call_that_fails_after_the_status_went_out_is_an_error_event(
    error: UpstreamThrottled, ending: Ending, billed: bool
) -> None:
    gate = asyncio.Event()
    steps: list[Step] = [gate, error, error]
    bench = Bench(steps=steps, first_event_wait=0, ping=0.005)
    answer = await bench.begin()

    chunks = []
    async for chunk in answer.frames():
        chunks.append(chunk)
        gate.set()

    assert kinds(chunks)[-1] == "error"
    record = await bench.booked()
    assert (record.ending, record.status) == (ending, 200)
    assert (record.cost > 0) is billed


async def test_an_error_after_the_first_byte_makes_clients_try_again_in_order() -> None:
    bench = Bench(steps=[[START], BROKE])

    chunks = await bench.read(await bench.begin())

    error = datas(chunks)[-1]
    assert error["error"] == {"type": "overloaded_error", "message": "lost"}
    await bench.finish()
    assert error["request_id"] == bench.sink.records[0].request_id


async def test_a_client_that_hangs_up_pays_for_all_that_is_generated() -> None:
    gate = asyncio.Event()
    steps: list[Step] = [[START, OPEN], [delta()], gate, [delta(), CLOSE, end(300)], [STOP]]
    bench = Bench(steps=steps)

    await bench.read(await bench.begin(), most=1)
    gate.set()

    record = await bench.booked()
    assert (record.ending, record.status) == ("client_disconnected", 499)
    assert (record.usage.output_tokens, record.estimated) == (300, False)
    assert record.error_code is None


@pytest.mark.parametrize("begun", [[[START, OPEN]], []])
async def test_a_drain_that_takes_too_long_is_billed_at_what_was_held(begun: list[Step]) -> None:
    steps = [*begun, asyncio.Event()]
    bench = Bench(steps=steps, drain=0.01, first_event_wait=0, ping=0.005)

    await bench.read(await bench.begin(), most=1)

    record = await bench.booked()
    assert (record.ending, record.estimated) == ("client_disconnected", True)
    assert record.usage.output_tokens == 128
    assert bench.stream is not None
    assert bench.stream.closed == 1


async def test_a_drain_that_the_stopping_server_cuts_short_is_billed_at_what_was_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call, "LAST_READS_SECONDS", 0.01)
    bench = Bench(steps=[[START, OPEN], asyncio.Event()])
    answer = await bench.begin()
    await bench.read(answer, most=1)
    await asyncio.sleep(0)

    answer.run.cancel()

    assert (await bench.booked()).usage.output_tokens == 128


@pytest.mark.parametrize("error", [BROKE, FULL])
async def test_a_drain_that_breaks_is_billed_at_what_was_seen(error: UpstreamBroke) -> None:
    bench = Bench(steps=[[START, OPEN], [HUNDRED], error])

    await bench.read(await bench.begin(), most=1)

    record = await bench.booked()
    assert (record.ending, record.estimated) == ("client_disconnected", True)
    assert record.usage.output_tokens == pytest.approx(100, abs=5)


async def test_a_client_that_hangs_up_before_a_refusal_pays_nothing() -> None:
    gate = asyncio.Event()
    bench = Bench(steps=[gate, FULL, FULL], first_event_wait=0, ping=0.005)
    await bench.read(await bench.begin(), most=1)
    gate.set()

    assert (await bench.booked()).cost == 0


def long_answer() -> list[Step]:
    return [[START, OPEN], *([HUNDRED] for _ in range(100)), [CLOSE, end(10_000)], [STOP]]


@pytest.mark.parametrize("api_format", ["anthropic", "openai"])
async def test_an_answer_that_the_budget_ends_is_cut_in_order(api_format: str) -> None:
    bench = Bench(caller=caller(cap="0.01"), steps=long_answer())

    chunks = await bench.read(await bench.begin(api_format))

    record = await bench.booked()
    assert (record.ending, record.status) == ("budget_exhausted", 200)
    assert record.cost <= 0.011
    assert record.usage.output_tokens > 1000
    assert bench.stream is not None
    assert bench.stream.closed >= 1
    if api_format == "openai":
        assert chunks[-1].endswith(b'"finish_reason":"length"}]}\n\ndata: [DONE]\n\n')
        return
    assert kinds(chunks)[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    last = datas(chunks)[-2]
    assert last["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}


async def test_what_bedrock_had_sent_when_the_budget_ended_an_answer_is_counted() -> None:
    bench = Bench(caller=caller(cap="0.01"), steps=long_answer())

    chunks = await bench.read(await bench.begin())

    delivered = kinds(chunks).count("content_block_delta")
    assert (await bench.booked()).usage.output_tokens > delivered * 100 + 50


async def test_an_answer_between_two_blocks_is_cut_without_closing_one() -> None:
    words: list[Step] = [[HUNDRED] for _ in range(15)]
    steps = [[START, OPEN], *words, [CLOSE], *([event("ping")] for _ in range(3))]
    bench = Bench(caller=caller(cap="0.008"), steps=steps)

    chunks = await bench.read(await bench.begin())

    assert kinds(chunks).count("content_block_stop") == 1
    assert (await bench.booked()).ending == "budget_exhausted"


async def test_a_database_that_goes_away_ends_a_capped_answer_with_an_error_event() -> None:
    bench = Bench(caller=caller(cap="5"), steps=long_answer())
    answer = await bench.begin()
    bench.ledger.away = DatabaseUnavailable("away")

    chunks = await bench.read(answer)

    assert kinds(chunks)[-1] == "error"
    await bench.finish()
    assert len(bench.spool.kept) == len(bench.sink.records) == 1
    assert bench.spool.kept[0].cost > 0


async def test_a_database_that_goes_away_does_not_end_an_answer_without_a_cap() -> None:
    bench = Bench(steps=long_answer())
    answer = await bench.begin()
    bench.ledger.away = DatabaseUnavailable("away")

    chunks = await bench.read(answer)

    assert kinds(chunks)[-1] == "message_stop"
    await bench.finish()
    assert bench.spool.kept[0].usage.output_tokens == 10_000


HALF = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}'
NO_DELTA = event("content_block_delta", index=0, delta=None)


async def test_half_a_character_is_replaced_and_the_stream_goes_on() -> None:
    bench = Bench(steps=[[START, OPEN, delta("x"), HALF, delta("y")], [CLOSE, end(40)], [STOP]])

    chunks = b"".join(await bench.read(await bench.begin("openai")))

    assert "a\ufffd".encode() in chunks
    assert chunks.endswith(sse.DONE)
    record = await bench.booked()
    assert (record.ending, record.usage.output_tokens) == ("completed", 40)


async def test_half_a_character_reaches_clients_of_messages_as_it_came() -> None:
    bench = Bench(steps=[[START, OPEN, HALF, CLOSE, end(), STOP]])

    assert b"data: " + HALF in b"".join(await bench.read(await bench.begin()))


async def test_half_a_character_is_replaced_in_an_answer_put_together_from_a_stream() -> None:
    steps: list[Step] = [[START, OPEN, HALF, CLOSE, end(40), STOP]]
    bench = Bench(caller=caller(cap="0.01"), steps=steps)

    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    assert orjson.loads(answer.body)["content"] == [{"type": "text", "text": "a\ufffd"}]


@pytest.mark.parametrize("ping", [0.005, 30])
@pytest.mark.parametrize("unreadable", [NO_DELTA, b"<html>"])
async def test_after_an_unreadable_event_an_error_frame_comes_once_all_is_counted(
    unreadable: bytes, ping: float
) -> None:
    steps = [[START, OPEN, delta("seen"), unreadable], [delta("unseen"), CLOSE], [end(40), STOP]]
    bench = Bench(steps=steps, ping=ping)

    chunks = b"".join(await bench.read(await bench.begin("openai")))

    assert b"seen" in chunks
    assert b"unseen" not in chunks
    assert b"[DONE]" not in chunks
    assert chunks.count(b'"code":"upstream_broke"') == 1
    record = await bench.booked()
    assert (record.ending, record.status) == ("upstream_failed", 200)
    assert (record.usage.output_tokens, record.estimated) == (40, False)


async def test_an_unreadable_event_of_an_unwanted_answer_does_not_end_its_count() -> None:
    bench = Bench(steps=[[START, OPEN], [b"<html>"], [delta(), CLOSE, end(40)], [STOP]])

    await bench.read(await bench.begin(), most=1)

    record = await bench.booked()
    assert (record.ending, record.usage.output_tokens) == ("client_disconnected", 40)


async def test_an_unreadable_event_does_not_outlive_the_budget() -> None:
    bench = Bench(caller=caller(cap="0.01"), steps=[[START, OPEN, NO_DELTA], *long_answer()[1:]])

    chunks = await bench.read(await bench.begin("openai"))

    assert b'"error"' in chunks[-1]
    record = await bench.booked()
    assert record.cost <= 0.011


async def test_an_unreadable_event_of_a_gathered_answer_is_an_error_with_a_status() -> None:
    steps: list[Step] = [[START, OPEN, NO_DELTA, CLOSE, end(40), STOP]]
    bench = Bench(caller=caller(cap="0.01"), steps=steps)

    with pytest.raises(UpstreamBroke):
        await bench.answer()

    record = await bench.booked()
    assert (record.status, record.usage.output_tokens) == (502, 40)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "thinking", "signature", "id", "name", "usage"]), inner
        )
    ),
    max_leaves=5,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message_start", "content_block_start", "content_block_delta", "content_block_stop",
             "message_delta", "ping", "made_up"]
        )
    },
    optional={"index": JSON, "delta": JSON, "content_block": JSON, "message": JSON, "usage": JSON},
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(strange=EVENTS, api_format=st.sampled_from(["anthropic", "openai"]))
async def test_no_event_breaks_a_stream(strange: dict[str, object], api_format: str) -> None:
    steps = [[START, OPEN, delta("a")], [orjson.dumps(strange)], [CLOSE, end(40)], [STOP]]
    bench = Bench(steps=steps)

    chunks = b"".join(await bench.read(await bench.begin(api_format)))

    last = b"message_stop" if api_format == "anthropic" else b"[DONE]"
    assert (last in chunks) != (b'"error"' in chunks)
    record = await bench.booked()
    assert record.ending in ("completed", "upstream_failed")
    assert record.usage.output_tokens >= 20
