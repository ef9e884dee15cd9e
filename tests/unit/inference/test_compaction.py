"""Answers that were compacted on the way: every step is billed, however the answer ends."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from app.catalog.catalog import load_catalog, shipped_models
from app.core.usage import Usage
from app.upstream.upstream import Completion
from tests.support.examples import caller
from tests.support.fakes import Step
from tests.unit.inference.bench import CLOSE, HAIKU, OPEN, START, Bench, WholeAnswer, delta, event

SUMMARY = {"type": "compaction", "content": "What was said."}
STEPS = [
    {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
    {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000},
]
TOLD = {"input_tokens": 23_000, "output_tokens": 1_000, "iterations": STEPS}
BILLED = Usage(203_000, 4_500)
COMPACTED: list[bytes] = [
    event("content_block_start", index=0, content_block={"type": "compaction", "content": None}),
    event(
        "content_block_delta",
        index=0,
        delta={"type": "compaction_delta", "content": SUMMARY["content"]},
    ),
    CLOSE,
]


def end(**usage: Any) -> list[bytes]:
    metrics = {"inputTokenCount": 23_000, "outputTokenCount": 1_000}
    return [
        event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage),
        event("message_stop", **{"amazon-bedrock-invocationMetrics": metrics}),
    ]


def streamed(**usage: Any) -> list[Step]:
    return [[START, *COMPACTED], [OPEN, delta(), CLOSE], end(**usage)]


def whole(**usage: Any) -> Completion:
    message = {"id": "msg_1", "content": [SUMMARY, {"type": "text", "text": "Hi"}], "usage": usage}
    return Completion(orjson.dumps(message), "aws-1")


@pytest.mark.parametrize("api_format", ["anthropic", "openai"])
async def test_all_steps_of_a_streamed_answer_are_billed(api_format: str) -> None:
    bench = Bench(steps=streamed(**TOLD))

    await bench.read(await bench.begin(api_format))

    record = await bench.booked()
    assert (record.usage, record.estimated) == (BILLED, False)


async def test_all_steps_of_a_whole_answer_are_billed_and_shown() -> None:
    bench = Bench(whole=whole(**TOLD))

    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    assert orjson.loads(answer.body)["usage"] == TOLD
    record = await bench.booked()
    assert (record.usage, record.estimated) == (BILLED, False)


async def test_an_answer_that_is_put_together_from_a_stream_has_its_summary_and_steps() -> None:
    bench = Bench(caller=caller(cap="0.9"), steps=streamed(**TOLD))

    answer = await bench.answer(max_tokens=60_000)

    assert isinstance(answer, WholeAnswer)
    message = orjson.loads(answer.body)
    assert message["content"][0] == SUMMARY
    assert message["usage"] == TOLD
    assert (await bench.booked()).usage == BILLED


async def test_a_client_that_hangs_up_pays_for_all_steps() -> None:
    bench = Bench(steps=streamed(**TOLD))

    await bench.read(await bench.begin(), most=1)

    record = await bench.booked()
    assert (record.ending, record.usage) == ("client_disconnected", BILLED)


@pytest.mark.parametrize("usage", [{"output_tokens": 1_000}, {}])
async def test_steps_that_are_not_told_are_estimated_by_the_prompt(usage: dict[str, int]) -> None:
    bench = Bench(steps=streamed(**usage))

    await bench.read(await bench.begin(messages=[{"role": "user", "content": "x" * 36_000}]))

    record = await bench.booked()
    assert record.estimated
    assert record.usage.input_tokens > 23_000 + 9_000


async def test_an_answer_that_breaks_after_a_compaction_pays_for_the_prompt_twice() -> None:
    bench = Bench(steps=[[START, *COMPACTED]])

    await bench.read(await bench.begin(messages=[{"role": "user", "content": "x" * 36_000}]))

    record = await bench.booked()
    assert (record.ending, record.estimated) == ("upstream_failed", True)
    assert record.usage.input_tokens > 10_000


def test_each_step_has_the_price_tier_of_its_own_prompt() -> None:
    catalog = load_catalog(region="us-east-1", profile=None)
    target = next(
        catalog.resolve(model.name)
        for model in shipped_models()
        if any(len(price.tiers) > 1 for price in model.prices)
    )
    day = max(price.since for price in target.model.prices)
    edge = target.model.prices[-1].tiers[1].above_prompt_tokens
    steps = (Usage(edge, 10), Usage(edge, 10))

    cost = target.cost(Usage(2 * edge, 20), day, steps=steps).total

    assert cost == 2 * target.cost(steps[0], day).total
    assert cost < target.cost(Usage(2 * edge, 20), day).total
    assert cost > Decimal(0)


def test_the_price_of_one_step_is_the_price_of_the_usage() -> None:
    target = load_catalog(region="us-east-1", profile=None).resolve(HAIKU)
    usage = Usage(10, 20, 30, 40, 50)
    day = target.model.prices[0].since

    assert target.cost(usage, day, steps=(usage,)) == target.cost(usage, day)
