"""What is legal in Chat Completions, and has no like in Messages."""

import base64
from typing import Any

import pytest

from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.openai_chat import to_messages
from app.local.emulator.validation import check_body
from tests.unit.local.emulator.client import body as bedrock_body
from tests.unit.local.emulator.documents import assert_refused, model, text, user

HELLO = {"role": "user", "content": "Hello"}
PARAMETERS = {"type": "object", "properties": {}}
FUNCTION = {"name": "look", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}
MARK = {"type": "ephemeral"}


def sent(*messages: Any, name: str = "haiku-4-5", **fields: Any) -> dict[str, Any]:
    """What Bedrock gets; the emulator, as strict as Bedrock, takes it."""
    known = model(name)
    request = {"model": "x", "messages": list(messages) or [HELLO], **fields}
    asked = to_messages(request, default_max_tokens=4096, most_tokens=known.max_output_tokens)
    body = to_bedrock(asked, (), known)
    check_body(body, known)
    return body


def call(id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": "look", "arguments": "{}"}}


def calls(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call(id_) for id_ in ids]}


def result(id_: str, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id_, "content": "done", **more}


@pytest.mark.parametrize(
    "messages",
    [
        [result("c1"), HELLO, result("c2")],
        [HELLO, result("c1"), result("c2")],
        [result("c1"), {"role": "system", "content": "Be kind."}, HELLO, result("c2")],
    ],
)
def test_results_go_before_what_the_user_said_between_them(messages: list[Any]) -> None:
    turns = sent(HELLO, calls("c1", "c2"), *messages, tools=[TOOL])["messages"]

    assert [block.get("tool_use_id", "text") for block in turns[-1]["content"]] == [
        "c1",
        "c2",
        "text",
    ]


@pytest.mark.parametrize("id_", ["functions.look:0", "call|fc_12", "", "ü", "a b", "x" * 500])
def test_ids_of_other_providers_are_mapped_the_same_for_a_call_and_its_result(id_: str) -> None:
    once = sent(HELLO, calls(id_, "other:1"), result(id_), result("other:1"), tools=[TOOL])
    again = sent(HELLO, calls(id_, "other:1"), result(id_), result("other:1"), HELLO, tools=[TOOL])

    used = [block["id"] for block in once["messages"][1]["content"]]
    assert len(set(used)) == 2
    assert [block["tool_use_id"] for block in once["messages"][2]["content"]] == used
    assert again["messages"][1] == once["messages"][1], "later turns have the same prefix"


@pytest.mark.parametrize("id_", ["toolu_bdrk_01A", "call_9-x"])
def test_ids_that_claude_takes_stay_as_they_are(id_: str) -> None:
    turns = sent(HELLO, calls(id_), result(id_), tools=[TOOL])["messages"]

    assert turns[1]["content"][0]["id"] == turns[2]["content"][0]["tool_use_id"] == id_


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["\n"], None),
        ("\n", None),
        (["", "END", " "], ["END"]),
        ("", None),
        ([], None),
    ],
)
def test_blank_stop_sequences_are_left_out(stop: Any, expected: list[str] | None) -> None:
    assert sent(stop=stop).get("stop_sequences") == expected


@pytest.mark.parametrize("stop", [5, {"a": 1}, ["END", 5]])
def test_other_kinds_of_stop_sequences_are_refused(stop: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^stop: "):
        sent(stop=stop)


def data(raw: bytes) -> str:
    return base64.b64encode(raw + b"rest").decode()


JPEG, PNG = data(b"\xff\xd8\xff\xe0"), data(b"\x89PNG\r\n\x1a\n")
GIF, WEBP = data(b"GIF89a"), data(b"RIFF\0\0\0\0WEBP")


def image(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"data:image/jpg;base64,{JPEG}", "image/jpeg"),
        (f"data:image/png;charset=utf-8;base64,{PNG}", "image/png"),
        (f"data:image/PNG;base64,{PNG}", "image/png"),
        (f"DATA:image/png;BASE64,{PNG}", "image/png"),
        (f"data:image/jpeg;base64,{PNG}", "image/png"),
        (f"data:image/png;base64,{JPEG}", "image/jpeg"),
        (f"data:image/png;base64,{GIF}", "image/gif"),
        (f"data:image/png;base64,{WEBP}", "image/webp"),
        (f"data:image/jpg;base64,{data(b'?')}", "image/jpeg"),
        ("data:image/png;base64,A", "image/png"),
    ],
)
def test_the_media_type_of_an_image_is_what_claude_calls_it(url: str, kind: str) -> None:
    asked = to_messages({"messages": [image(url)]}, default_max_tokens=10)

    assert asked["messages"][0]["content"][0]["source"]["media_type"] == kind


@pytest.mark.parametrize("said", ["image/jpeg", "image/gif", "image/webp"])
def test_the_emulator_refuses_an_image_of_another_type(said: str) -> None:
    source = {"type": "base64", "media_type": said, "data": PNG}
    document = bedrock_body(messages=[user({"type": "image", "source": source})])

    assert_refused("haiku-4-5", document, "appears to be a image/png image")


def test_cache_marks_are_kept_wherever_clients_put_them() -> None:
    body = sent(
        {"role": "system", "content": [{"type": "text", "text": "rules", "cache_control": MARK}]},
        {"role": "user", "content": "Hello", "cache_control": MARK},
        calls("c1"),
        result("c1", cache_control=MARK),
        tools=[{**TOOL, "cache_control": MARK}],
    )

    assert body["system"] == [text("rules", cache_control=MARK)]
    assert body["messages"][0]["content"] == [text("Hello", cache_control=MARK)]
    assert body["messages"][2]["content"][0]["cache_control"] == MARK
    assert body["tools"][0]["cache_control"] == MARK


def test_cache_marks_of_parts_and_functions_are_kept() -> None:
    hour = {**MARK, "ttl": "1h"}
    body = sent(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {**hour, "x": 1}},
                {"type": "text", "text": "b"},
            ],
        },
        tools=[{"type": "function", "function": {**FUNCTION, "cache_control": hour}}],
    )

    assert [block.get("cache_control") for block in body["messages"][0]["content"]] == [
        hour,
        None,
    ]
    assert body["tools"][0]["cache_control"] == hour


def test_anthropics_own_thinking_is_passed_on_and_gets_room_for_an_answer() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}

    assert sent(thinking=thinking, max_tokens=4000)["thinking"] == thinking
    assert sent(thinking=thinking)["max_tokens"] == 4096 + 2000
    assert sent(thinking=thinking, reasoning_effort="none")["thinking"] == thinking


def test_thinking_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^thinking: "):
        sent(thinking="on")


@pytest.mark.parametrize("name", ["haiku-4-5", "sonnet-4-5", "opus-4-1"])
@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "max"])
@pytest.mark.parametrize("most", [None, 1500, 2000, 4096, 32_000])
def test_a_thought_leaves_room_for_the_answer(name: str, effort: str, most: int | None) -> None:
    fields = {} if most is None else {"max_tokens": most}

    body = sent(name=name, reasoning_effort=effort, **fields)

    budget = body.get("thinking", {}).get("budget_tokens", 0)
    assert body["max_tokens"] - budget >= 512
    assert body["max_tokens"] <= model(name).max_output_tokens
    assert most is None or body["max_tokens"] == most
    assert budget or most == 1500
