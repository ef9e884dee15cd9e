"""Texts that Claude refuses, left out wherever they may stand."""

from typing import Any

import pytest

from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.openai_chat import to_messages
from app.local.emulator.validation import check_body
from tests.unit.local.emulator.documents import (
    TOOL,
    assert_refused,
    call,
    model,
    result,
    text,
    user,
)

BLANKS = ["", " ", "\n", " \n\t", "\u00a0", "\u3000"]
MARK = {"cache_control": {"type": "ephemeral"}}
OLD = "haiku-4-5"


def sent(*messages: Any, **fields: Any) -> dict[str, Any]:
    """What Bedrock gets; the emulator, as strict as Bedrock, takes it."""
    request = {"model": "x", "max_tokens": 100, "messages": list(messages), **fields}
    body = to_bedrock(request, (), model(OLD))
    check_body(body, model(OLD))
    return body


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_texts_are_left_out_of_every_place(blank: str) -> None:
    body = sent(
        user(text("go"), text(blank)),
        assistant(text(blank), call()),
        user(result(content=[text(blank), text("done")]), text(blank)),
        assistant(text(blank)),
        user(text("and now?")),
        system=[text(blank), text("Be kind.")],
        tools=[TOOL],
    )

    assert body["system"] == [text("Be kind.")]
    assert body["messages"] == [
        user(text("go")),
        assistant(call()),
        user(result(content=[text("done")])),
        user(text("and now?")),
    ]


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_strings_are_left_out_too(blank: str) -> None:
    body = sent(
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": blank},
        {"role": "user", "content": blank},
        {"role": "user", "content": "on"},
        system=blank,
    )

    assert "system" not in body
    assert [message["content"] for message in body["messages"]] == ["go", "on"]


@pytest.mark.parametrize("blank", [*BLANKS, [text(" ")], []])
def test_a_tool_may_say_nothing_but_an_error_says_so(blank: Any) -> None:
    failed = {**result(content=blank), "is_error": True}

    quiet = sent(user(text("go")), assistant(call()), user(result(content=blank)), tools=[TOOL])
    loud = sent(user(text("go")), assistant(call()), user(failed), tools=[TOOL])

    assert not quiet["messages"][-1]["content"][0]["content"]
    assert loud["messages"][-1]["content"][0]["content"] == "(no output)"


def test_the_mark_of_a_blank_text_goes_to_the_block_before_it() -> None:
    messages = [user(text("a"), text(" ", **MARK)), user(text("", **MARK), text("b"))]

    kept = sent(*messages)["messages"]

    assert kept == [user(text("a", **MARK)), user(text("b"))]


def test_a_request_of_blanks_alone_is_refused_by_the_gateway() -> None:
    with pytest.raises(InvalidRequest, match="at least one message"):
        sent(user(text(" ")))


@pytest.mark.parametrize("blank", BLANKS)
def test_chat_completions_leave_them_out_as_well(blank: str) -> None:
    function = {"name": "read", "arguments": "{}"}
    asked = to_messages(
        {
            "model": "x",
            "messages": [
                {"role": "system", "content": blank},
                {"role": "user", "content": "go"},
                {
                    "role": "assistant",
                    "content": blank,
                    "tool_calls": [{"id": "c1", "type": "function", "function": function}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": blank},
            ],
        },
        default_max_tokens=100,
    )

    assert "system" not in asked
    assert [block["type"] for block in asked["messages"][1]["content"]] == ["tool_use"]
    assert asked["messages"][2]["content"][0]["content"] == []


PLACES: dict[str, Any] = {
    "a message": {"messages": [{"role": "user", "content": " "}]},
    "a block": {"messages": [user(text(" "))]},
    "a result": {
        "messages": [user(text("a")), assistant(call()), user(result(content=[text(" ")]))]
    },
    "a result's string": {
        "messages": [user(text("a")), assistant(call()), user(result(content=" "))]
    },
    "the system prompt": {"messages": [user(text("a"))], "system": " "},
    "a block of it": {"messages": [user(text("a"))], "system": [text(" ")]},
}


@pytest.mark.parametrize("place", PLACES)
def test_the_emulator_refuses_them_as_bedrock_does(place: str) -> None:
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "tools": [TOOL]}

    assert_refused(OLD, body | PLACES[place], "must contain non-whitespace text")


def test_the_emulator_refuses_an_error_without_content() -> None:
    failed = {**result(content=""), "is_error": True}
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "tools": [TOOL]}
    messages = [user(text("a")), assistant(call()), user(failed)]

    assert_refused(OLD, body | {"messages": messages}, "content cannot be empty if `is_error`")
