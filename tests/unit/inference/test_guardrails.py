"""Interventions of a guardrail, wherever Bedrock tells of them."""

from typing import Any

import orjson
import pytest

from app.formats.guardrail import ACTION
from app.upstream.upstream import Completion
from tests.support.examples import caller
from tests.support.fakes import Step
from tests.unit.inference.bench import CLOSE, OPEN, START, STOP, Bench, WholeAnswer, delta, end

TOLD = {ACTION: "INTERVENED", "amazon-bedrock-trace": {"guardrail": {"input": "hush"}}}
EVENTS = [START, OPEN, delta("Blocked."), CLOSE, end(), STOP]


def telling(place: int, **told: Any) -> list[Step]:
    """The events, one of which tells of a guardrail."""
    events = [*EVENTS]
    events[place] = orjson.dumps(orjson.loads(events[place]) | (told or TOLD))
    return [[event] for event in events]


async def streamed(bench: Bench, api_format: str) -> list[dict[str, Any]]:
    lines = b"".join(await bench.read(await bench.begin(api_format))).splitlines()
    return [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


@pytest.mark.parametrize("place", range(len(EVENTS)))
async def test_any_event_may_tell_that_a_guardrail_intervened(place: int) -> None:
    bench = Bench(steps=telling(place))

    events = await streamed(bench, "anthropic")

    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[2]["delta"]["text"] == "Blocked."
    assert events[4]["delta"] == {"stop_reason": "refusal", "stop_sequence": None}
    assert events[4]["usage"] == {"output_tokens": 20}
    assert not any(name.startswith("amazon-bedrock") for event in events for name in event)
    record = await bench.booked()
    assert record.guardrail


@pytest.mark.parametrize("place", range(len(EVENTS)))
async def test_a_chat_completion_ends_as_filtered_content(place: int) -> None:
    chunks = await streamed(Bench(steps=telling(place)), "openai")

    assert chunks[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert "Blocked." in [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    assert "amazon-bedrock" not in str(chunks)


@pytest.mark.parametrize("place", range(len(EVENTS)))
async def test_an_answer_that_a_guardrail_let_pass_is_shown_without_its_marks(place: int) -> None:
    bench = Bench(steps=telling(place, **{ACTION: "NONE"}))

    events = await streamed(bench, "anthropic")

    assert events[4]["delta"]["stop_reason"] == "end_turn"
    assert "amazon-bedrock" not in str(events)
    record = await bench.booked()
    assert not record.guardrail


async def test_text_that_speaks_of_bedrocks_fields_passes_byte_for_byte() -> None:
    said = delta('"amazon-bedrock-guardrailAction":"INTERVENED"')
    named = delta("amazon-bedrock-x")
    bench = Bench(steps=[[START, OPEN], [said, named], [CLOSE, end()], [STOP]])

    chunks = b"".join(await bench.read(await bench.begin()))

    assert b"data: " + said in chunks
    assert b"data: " + named in chunks
    record = await bench.booked()
    assert not record.guardrail


@pytest.mark.parametrize("place", range(len(EVENTS)))
async def test_an_answer_gathered_on_a_tight_budget_tells_of_it_too(place: int) -> None:
    bench = Bench(caller=caller(cap="0.1"), steps=telling(place))

    answer = await bench.answer(max_tokens=60_000)

    assert isinstance(answer, WholeAnswer)
    message = orjson.loads(answer.body)
    assert (message["stop_reason"], message["content"][0]["text"]) == ("refusal", "Blocked.")
    assert "amazon-bedrock" not in str(message)
    record = await bench.booked()
    assert record.guardrail


async def test_a_prompt_that_was_blocked_unread_may_come_without_a_count() -> None:
    message = {"id": "msg_1", "content": [{"type": "text", "text": "Blocked."}], **TOLD}
    bench = Bench(whole=Completion(orjson.dumps(message), "aws-1"))

    answer = await bench.answer()

    assert isinstance(answer, WholeAnswer)
    shown = orjson.loads(answer.body)
    assert (shown["stop_reason"], shown["usage"]["output_tokens"]) == ("refusal", 0)
    record = await bench.booked()
    assert record.cost == 0
    assert (record.ending, record.guardrail) == ("completed", True)
