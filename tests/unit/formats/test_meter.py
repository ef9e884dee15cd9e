"""Tokens counted from the events that tell of them."""

from typing import Any

import orjson
import pytest

from app.core.usage import Usage
from app.formats.events import Event
from app.formats.meter import METRICS, Meter
from tests.unit.inference.bench import CLOSE, OPEN, delta


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"usage": usage}}


def end(**usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


def stop(**metrics: int) -> dict[str, Any]:
    return {"type": "message_stop", METRICS: metrics}


def metered(*events: dict[str, Any] | bytes, one_hour: bool = False) -> Meter:
    meter = Meter(one_hour_cache=one_hour)
    for event in events:
        meter.observe(Event.of(event if isinstance(event, bytes) else orjson.dumps(event)))
    return meter


SPLIT = {"cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70}}
CASES: dict[str, tuple[list[dict[str, Any]], Usage]] = {
    "input at the start, output at the end": (
        [start(input_tokens=10, output_tokens=1), end(output_tokens=50), stop()],
        Usage(10, 50),
    ),
    "cached tokens at the start": (
        [
            start(input_tokens=10, cache_read_input_tokens=20, cache_creation_input_tokens=30),
            end(output_tokens=5),
            stop(),
        ],
        Usage(10, 5, 20, 30),
    ),
    "everything again at the end": (
        [
            start(input_tokens=10, cache_read_input_tokens=20, output_tokens=1),
            end(input_tokens=10, cache_read_input_tokens=20, output_tokens=5),
            stop(inputTokenCount=10, cacheReadInputTokenCount=20, outputTokenCount=5),
        ],
        Usage(10, 5, 20),
    ),
    "written tokens by lifetime at the start, and their sum at the end": (
        [
            start(input_tokens=10, cache_creation_input_tokens=100, **SPLIT),
            end(cache_creation_input_tokens=100, output_tokens=5),
            stop(cacheWriteInputTokenCount=100),
        ],
        Usage(10, 5, 0, 30, 70),
    ),
    "written tokens at the end alone": (
        [start(input_tokens=10), end(output_tokens=5, cache_creation_input_tokens=100), stop()],
        Usage(10, 5, 0, 100),
    ),
    "cached tokens in Bedrock's summary alone": (
        [
            start(input_tokens=10),
            end(output_tokens=5),
            stop(cacheReadInputTokenCount=20, cacheWriteInputTokenCount=30),
        ],
        Usage(10, 5, 20, 30),
    ),
    "no usage but Bedrock's summary": (
        [
            {"type": "message_start", "message": {}},
            {"type": "message_delta", "delta": {}},
            stop(inputTokenCount=10, outputTokenCount=5),
        ],
        Usage(10, 5),
    ),
    "nothing at all": ([start(), end(), {"type": "message_stop"}], Usage()),
    "nonsense": ([start(input_tokens="many"), end(output_tokens=-5), stop()], Usage()),
}


@pytest.mark.parametrize("case", CASES)
def test_the_parts_of_a_usage_are_put_together_wherever_they_are_told(case: str) -> None:
    events, usage = CASES[case]

    meter = metered(*events)

    assert meter.usage == usage
    assert meter.finished


@pytest.mark.parametrize(
    ("one_hour", "usage"), [(False, Usage(1, 1, 0, 100, 0)), (True, Usage(1, 1, 0, 0, 100))]
)
def test_written_tokens_are_of_the_lifetime_asked_for_when_nobody_says(
    one_hour: bool, usage: Usage
) -> None:
    events = [start(input_tokens=1, cache_creation_input_tokens=100), end(output_tokens=1), stop()]

    assert metered(*events, one_hour=one_hour).usage == usage


@pytest.mark.parametrize(
    ("texts", "tokens"), [([], 1), (["a"], 1), (["a"] * 9, 9), (["x" * 400] * 2, 200)]
)
def test_until_the_end_output_is_estimated_by_what_went_by(texts: list[str], tokens: int) -> None:
    meter = metered(start(input_tokens=10, output_tokens=1), OPEN, *map(delta, texts))

    assert meter.output_tokens == pytest.approx(tokens, abs=3)
    assert meter.usage.input_tokens == 10
    assert not meter.finished


def test_output_is_never_estimated_above_the_most_that_bedrock_may_generate() -> None:
    meter = metered(start(input_tokens=10), OPEN, *[delta("x" * 400)] * 9)
    assert meter.output_tokens > 800

    meter.most_output = 300

    assert meter.output_tokens == 300
    assert meter.usage == Usage(10, 300)


def test_the_summary_of_a_compaction_is_estimated_beside_max_tokens() -> None:
    summary = {"type": "content_block_start", "index": 0, "content_block": {"type": "compaction"}}
    meter = metered(start(input_tokens=10), summary, *[delta("x" * 400)] * 9)
    meter.most_output = 300

    assert meter.output_tokens > 800


def test_bedrock_s_own_count_holds_whatever_may_be_generated() -> None:
    meter = metered(start(input_tokens=1), end(output_tokens=500), stop())
    meter.most_output = 300

    assert meter.output_tokens == 500


def test_at_the_end_bedrock_s_own_count_holds_though_it_is_smaller() -> None:
    long = [delta("x" * 400)] * 9
    seen: list[dict[str, Any] | bytes] = [start(input_tokens=1), OPEN, *long, CLOSE]
    seen.append(end(output_tokens=7))

    assert metered(*seen).output_tokens > 800
    assert metered(*seen, stop()).output_tokens == 7


@pytest.mark.parametrize("told", [{}, {"output_tokens": -7}, {"output_tokens": 10**15}])
def test_an_end_that_tells_no_count_to_believe_leaves_the_estimate(told: dict[str, int]) -> None:
    meter = metered(start(input_tokens=1), OPEN, delta("x" * 400), CLOSE, end(**told), stop())

    assert meter.finished
    assert not meter.exact
    assert meter.output_tokens == pytest.approx(100, abs=5)


def test_a_whole_answer_without_usage_is_estimated_by_its_size() -> None:
    meter = Meter(one_hour_cache=False)

    meter.see_whole({"content": [{"type": "text", "text": "x"}]}, 400)

    assert (meter.finished, meter.exact, meter.output_tokens) == (True, False, 100)


@pytest.mark.parametrize(
    ("count", "usage"), [("7", Usage(3, 7)), ("many", Usage(3)), ("9" * 5000, Usage(3))]
)
def test_what_an_answer_does_not_tell_may_stand_beside_it(count: str, usage: Usage) -> None:
    meter = Meter(one_hour_cache=False)

    meter.see_headers(
        {"x-amzn-bedrock-input-token-count": "3", "x-amzn-bedrock-output-token-count": count}
    )

    assert meter.usage == usage
    assert meter.started == (count == "7")


def test_the_open_block_is_known() -> None:
    assert metered(start()).open_block is None
    assert metered(start(), OPEN, delta()).open_block == 0
    assert metered(start(), OPEN, delta(), CLOSE).open_block is None


def test_a_message_has_started_once_its_usage_was_read() -> None:
    meter = Meter(one_hour_cache=False)
    with pytest.raises(KeyError):
        meter.observe(Event.of(b'{"type":"message_start"}'))

    assert not meter.started


def test_events_that_tell_nothing_change_nothing() -> None:
    assert metered({"type": "ping"}, {"type": "made_up"}).usage == Usage()


def test_another_guess_at_the_output_keeps_the_input() -> None:
    meter = metered(start(input_tokens=10, cache_read_input_tokens=3))

    assert meter.usage_with_output(99) == Usage(10, 99, 3)
