"""Every request ends once: one settlement if it was let in, one record always."""

import asyncio
import gc
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from app.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    DatabaseUnavailable,
    GatewayError,
    InvalidRequest,
    ModelNotAllowed,
    UnknownModel,
    UpstreamBroke,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTimeout,
)
from app.ledger.record import Ending
from app.upstream.upstream import Completion
from tests.support.examples import caller
from tests.unit.inference.bench import OPEN, START, WHOLE_STREAM, Bench, WholeAnswer, delta

THROTTLED, BROKE = UpstreamThrottled("full"), UpstreamBroke("lost")


async def test_a_whole_answer_is_booked_before_it_goes_out() -> None:
    bench = Bench()

    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    message = orjson.loads(answer.body)
    assert (message["model"], message["content"][0]["text"]) == ("claude-haiku-4-5", "Hi")
    record = await bench.booked()
    assert (record.ending, record.status, record.estimated) == ("completed", 200, False)
    assert (record.usage.input_tokens, record.usage.output_tokens) == (10, 20)
    assert (record.upstream_request_id, record.session_id) == ("aws-1", "session-1")
    assert (record.model, record.key_alias) == ("claude-haiku-4-5", "a-key")


async def test_a_whole_answer_in_another_api_format() -> None:
    answer = await Bench().answer("openai")

    assert isinstance(answer, WholeAnswer)
    completion = orjson.loads(answer.body)
    assert completion["choices"][0]["message"]["content"] == "Hi"
    assert completion["usage"]["total_tokens"] == 30


@dataclass
class Failure:
    """What goes wrong at Bedrock, and what it comes to."""

    raised: type[BaseException]
    ending: Ending
    status: int
    billed: bool
    whole: Completion | BaseException | None = None
    steps: Any = ()


FAILURES = {
    "throttled": Failure(UpstreamThrottled, "upstream_rejected", 429, False, whole=THROTTLED),
    "rejected": Failure(
        UpstreamRejected, "upstream_rejected", 400, False, whole=UpstreamRejected("bad")
    ),
    "lost": Failure(UpstreamBroke, "upstream_failed", 502, True, whole=BROKE),
    "silent": Failure(UpstreamTimeout, "upstream_failed", 504, True, whole=UpstreamTimeout("slow")),
    "unreadable": Failure(
        UpstreamBroke, "upstream_failed", 502, True, whole=Completion(b"<html>", None)
    ),
    "without usage": Failure(
        UpstreamBroke, "upstream_failed", 502, True, whole=Completion(b"{}", None)
    ),
    "a fault of ours": Failure(
        RuntimeError, "upstream_failed", 500, True, whole=RuntimeError("oops")
    ),
    "stream throttled": Failure(
        UpstreamThrottled, "upstream_rejected", 429, False, steps=THROTTLED
    ),
    "stream throttled in its first frame": Failure(
        UpstreamThrottled, "upstream_rejected", 429, False, steps=[THROTTLED, THROTTLED]
    ),
    "stream lost": Failure(UpstreamBroke, "upstream_failed", 502, True, steps=BROKE),
    "stream lost at once": Failure(UpstreamBroke, "upstream_failed", 502, True, steps=[BROKE]),
    "a fault of ours in the stream": Failure(
        RuntimeError, "upstream_failed", 500, True, steps=RuntimeError("oops")
    ),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failure_before_the_first_byte_is_raised_and_booked_once(case: str) -> None:
    failure = FAILURES[case]
    bench = Bench(whole=failure.whole, steps=failure.steps)

    with pytest.raises(failure.raised):
        await bench.answer(stream=case.startswith("stream") or case.endswith("stream"))

    record = await bench.booked()
    assert (record.ending, record.status) == (failure.ending, failure.status)
    assert (record.cost > 0) is record.estimated is failure.billed
    assert record.error_code is not None


@pytest.mark.parametrize(
    ("error", "bench", "fields"),
    [
        (AuthenticationFailed, {}, {"key": "sk-unknown"}),
        (UnknownModel, {}, {"model": "gpt-9"}),
        (InvalidRequest, {}, {"messages": []}),
        (InvalidRequest, {}, {"model": 5}),
        (InvalidRequest, {}, {"stream": "yes"}),
        (ModelNotAllowed, {"caller": caller(models=("claude-opus-5-5",))}, {}),
        (BudgetExceeded, {"caller": caller(cap="0")}, {}),
    ],
)
async def test_a_refusal_of_the_gateway_is_an_outcome_and_no_settlement(
    error: type[GatewayError], bench: dict[str, Any], fields: dict[str, Any]
) -> None:
    refusing = Bench(**bench)

    with pytest.raises(error):
        await refusing.answer(**fields)

    (record,) = refusing.sink.records
    assert (record.ending, record.status, record.error_code) == (None, error.status, error.code)
    assert (refusing.ledger.settled, refusing.upstream.calls) == ([], [])


@pytest.mark.parametrize("where", ["ledger", "directory"])
async def test_a_database_that_is_away_is_a_503_and_nothing_is_called(where: str) -> None:
    bench = Bench()
    getattr(bench, where).away = DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        await bench.answer()

    assert [record.status for record in bench.sink.records] == [503]
    assert bench.upstream.calls == []


async def test_a_fault_before_the_request_was_let_in_is_an_outcome_too() -> None:
    bench = Bench()
    bench.directory.callers = None  # type: ignore[assignment] # so that it fails

    with pytest.raises(TypeError):
        await bench.answer()

    assert [(o.status, o.error_code) for o in bench.sink.records] == [(500, "internal_error")]


async def test_a_fault_of_the_ledger_while_it_books_hides_neither_answer_nor_outcome(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()

    async def fail(record: object) -> None:
        raise RuntimeError("oops")

    bench.ledger.settle = fail  # type: ignore[method-assign]
    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    await bench.finish()
    assert (len(bench.sink.records), len(bench.spool.kept)) == (1, 1)
    assert vars(caplog.records[0])["reason"] == "RuntimeError"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_the_stopping_server_cancels_is_billed_at_what_it_held(
    stream: bool,
) -> None:
    bench = Bench(steps=WHOLE_STREAM)
    bench.upstream.gate = asyncio.Event()
    asking = asyncio.create_task(bench.answer(stream=stream))
    await bench.upstream.called.wait()

    asking.cancel()
    with pytest.raises(UpstreamOverloaded, match="restarted"):
        await asking

    record = await bench.booked()
    assert (record.ending, record.estimated) == ("upstream_failed", True)
    assert record.cost > 0


async def test_a_booking_goes_on_when_its_request_is_cancelled_meanwhile() -> None:
    bench = Bench()
    bench.upstream.gate = asyncio.Event()
    asking = asyncio.create_task(bench.answer())
    await bench.upstream.called.wait()
    bench.ledger.gate = asyncio.Event()
    bench.upstream.gate.set()
    await bench.ledger.asked_to_settle.wait()

    asking.cancel()
    bench.ledger.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asking

    record = await bench.booked()
    assert (record.ending, record.status) == ("completed", 200)


async def test_an_answer_whose_booking_finds_no_database_is_given_and_spooled() -> None:
    bench = Bench()
    bench.upstream.gate = asyncio.Event()
    asking = asyncio.create_task(bench.answer())
    await bench.upstream.called.wait()
    bench.ledger.away = DatabaseUnavailable("away")
    bench.upstream.gate.set()

    assert isinstance(await asking, WholeAnswer)

    assert len(bench.spool.kept) == len(bench.sink.records) == 1


async def test_a_whole_answer_on_a_tight_budget_is_gathered_and_cut() -> None:
    words = [delta("word " * 40) for _ in range(60)]
    bench = Bench(caller=caller(cap="0.004"), steps=[[START, OPEN], *([word] for word in words)])

    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    message = orjson.loads(answer.body)
    record = await bench.booked()
    assert (message["stop_reason"], record.ending) == ("max_tokens", "budget_exhausted")
    assert message["usage"]["output_tokens"] == record.usage.output_tokens > 0
    assert not record.stream


async def test_a_call_that_failed_is_not_kept_in_memory() -> None:
    bench = Bench(whole=UpstreamRejected("bad"))
    gc.disable()
    try:
        with pytest.raises(UpstreamRejected):
            await bench.answer()
        bench.runs.clear()
        await asyncio.sleep(0)
        assert bench.call is not None
        assert bench.call() is None
    finally:
        gc.enable()


async def test_a_gathered_answer_that_breaks_is_raised_and_booked_once() -> None:
    bench = Bench(caller=caller(cap="0.1"), steps=[[START, OPEN], [delta()], BROKE])

    with pytest.raises(UpstreamBroke):
        await bench.answer()

    record = await bench.booked()
    assert (record.ending, record.status) == ("upstream_failed", 502)
