import json
from typing import Any

import pytest

from app.catalog.catalog import shipped_models
from app.local.emulator.answer import Answer, Text, Thought, ToolUse
from app.local.emulator.generation import PlannedCall, generate
from tests.unit.local.emulator.client import OPUS, Client, body, text_of

TOOL = {
    "name": "read",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "lines": {"type": "integer", "minimum": 1}},
        "required": ["path", "lines"],
    },
}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def answer(document: Any, name: str = "haiku-4-5", planned: PlannedCall | None = None) -> Answer:
    model = next(m for m in shipped_models() if m.name == f"claude-{name}")
    return generate(document, model, planned)


def spoken(given: Answer) -> str:
    return "".join("".join(b.pieces) for b in given.blocks if isinstance(b, Text))


def test_the_usual_answer_names_the_model_and_the_emulator() -> None:
    given = answer(body())

    assert "Bedrock emulator" in spoken(given)
    assert "Claude Haiku 4.5" in spoken(given)
    assert given.stop_reason == "end_turn"


def test_the_same_request_gets_the_same_answer() -> None:
    assert answer(body(tools=[TOOL])) == answer(body(tools=[TOOL]))


def test_a_directive_asks_for_so_many_tokens() -> None:
    assert answer(body("[[tokens=500]]")).output_tokens == 500


@pytest.mark.parametrize("asked", [101, 10**9])
def test_max_tokens_bounds_the_answer(asked: int) -> None:
    given = answer(body(f"[[tokens={asked}]]", max_tokens=100))

    assert (given.output_tokens, given.stop_reason) == (100, "max_tokens")


def test_max_tokens_that_just_suffice_do_not_stop_the_answer() -> None:
    assert answer(body("[[tokens=100]]", max_tokens=100)).stop_reason == "end_turn"


@pytest.mark.parametrize("words", ["yes", "two  words\nand a line ", "é😀" * 20, "[1, {}]"])
def test_a_directive_asks_for_a_text(words: str) -> None:
    assert spoken(answer(body(f"please [[say={words}]]"))) == words


def test_a_directive_of_an_earlier_turn_counts_no_more() -> None:
    turns = [
        {"role": "user", "content": "[[say=one]]"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    ]

    assert "emulator" in spoken(answer(body(messages=turns)))


def test_a_stop_sequence_ends_the_text() -> None:
    given = answer(body("[[say=one two three]]", stop_sequences=["three", "two"]))

    assert spoken(given) == "one "
    assert (given.stop_reason, given.stop_sequence) == ("stop_sequence", "two")


@pytest.mark.parametrize(
    ("name", "changes", "shown"),
    [
        ("haiku-4-5", {"thinking": ENABLED}, True),
        ("opus-4-6", {"thinking": {"type": "adaptive"}}, True),
        ("opus-4-8", {"thinking": {"type": "adaptive"}}, False),
        ("opus-4-8", {"thinking": {"type": "adaptive", "display": "summarized"}}, True),
        ("opus-4-8", {"thinking": {"type": "adaptive", "display": "omitted"}}, False),
        ("fable-5", {}, False),
    ],
)
def test_thinking_comes_first_where_it_is_on(
    name: str, changes: dict[str, Any], shown: bool
) -> None:
    first = answer(body(**changes), name).blocks[0]

    assert isinstance(first, Thought)
    assert first.shown == shown
    assert first.pieces


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("haiku-4-5", {}),
        ("opus-4-8", {"thinking": {"type": "disabled"}}),
        ("opus-4-8", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
    ],
)
def test_there_is_no_thinking_where_it_is_off(name: str, changes: dict[str, Any]) -> None:
    assert [type(block) for block in answer(body(**changes), name).blocks] == [Text]


def test_thinking_counts_as_output_and_can_use_up_max_tokens() -> None:
    plain, thoughtful = answer(body()), answer(body(thinking=ENABLED))
    cut = answer(body(max_tokens=3), "fable-5")

    assert thoughtful.output_tokens > plain.output_tokens
    assert (cut.output_tokens, cut.stop_reason, len(cut.blocks)) == (3, "max_tokens", 1)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "read"}])
def test_a_forced_tool_is_called_with_what_its_schema_wants(choice: dict[str, Any]) -> None:
    given = answer(body(tools=[TOOL], tool_choice=choice))
    (block,) = given.blocks

    assert isinstance(block, ToolUse)
    assert json.loads("".join(block.pieces)) == {"path": "emulated", "lines": 1}
    assert (block.name, given.stop_reason) == ("read", "tool_use")


def test_a_planned_call_happens_where_the_tool_is_offered_and_not_answered() -> None:
    planned = PlannedCall("read", {"path": "/etc/hosts"})
    result = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    answered = [{"role": "user", "content": [result]}]

    assert answer(body(tools=[TOOL]), planned=planned).stop_reason == "tool_use"
    assert answer(body(), planned=planned).stop_reason == "end_turn"
    assert answer(body(tools=[TOOL], messages=answered), planned=planned).stop_reason == "end_turn"


def test_a_json_format_is_answered_with_json_of_that_shape() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    shape = {"format": {"type": "json_schema", "schema": schema}}

    assert json.loads(spoken(answer(body(output_config=shape)))) == {"title": "emulated"}


async def test_over_the_wire_events_come_in_the_order_of_the_messages_api(client: Client) -> None:
    events = await client.stream(
        body("[[tokens=10]]", thinking={"type": "adaptive", "display": "summarized"}), OPUS
    )
    thinking = ["content_block_start", *["content_block_delta"] * 3, "content_block_stop"]
    text = ["content_block_start", *["content_block_delta"] * 3, "content_block_stop"]

    assert [event["type"] for event in events] == [
        "message_start",
        *thinking,
        *text,
        "message_delta",
        "message_stop",
    ]
    assert events[3]["delta"]["type"] == "thinking_delta"
    assert events[4]["delta"]["type"] == "signature_delta"
    assert events[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}


async def test_over_the_wire_stream_message_and_log_tell_of_the_same_tokens(
    client: Client,
) -> None:
    document = body("[[tokens=10]]", thinking=ENABLED)
    whole = (await client.invoke(document)).json()
    events = await client.stream(document)
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]

    assert text_of(events) == whole["content"][1]["text"]
    assert whole["content"][0]["type"] == "thinking"
    assert events[0]["message"]["usage"] == {**whole["usage"], "output_tokens": 1}
    assert events[-2]["usage"] == {"output_tokens": whole["usage"]["output_tokens"]}
    assert metrics["outputTokenCount"] == whole["usage"]["output_tokens"]
    assert metrics["inputTokenCount"] == whole["usage"]["input_tokens"]
    assert [
        (row["input_tokens"], row["output_tokens"], row["stream"], row["finished"])
        for row in client.emulator.usage()
    ] == [
        (whole["usage"]["input_tokens"], whole["usage"]["output_tokens"], stream, True)
        for stream in (False, True)
    ]


async def test_over_the_wire_a_replayed_thought_is_taken(client: Client) -> None:
    asked = body(thinking={"type": "adaptive", "display": "omitted"})
    first = (await client.invoke(asked, OPUS)).json()
    turns = [
        *asked["messages"],
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": "And now?"},
    ]

    assert first["content"][0]["thinking"] == ""
    assert (await client.invoke({**asked, "messages": turns}, OPUS)).status == 200


async def test_over_the_wire_a_call_cut_short_still_has_an_input(client: Client) -> None:
    document = body(tools=[TOOL], tool_choice={"type": "any"}, max_tokens=1)

    whole = (await client.invoke(document)).json()

    assert whole["stop_reason"] == "max_tokens"
    assert whole["content"][0]["input"] == {}
