"""The conversation of a request, and that its prefix stays the same from turn to turn."""

from typing import Any

import pytest

from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from tests.unit.local.emulator.documents import (
    HELLO,
    HI,
    assistant,
    call,
    mark,
    model,
    result,
    system,
    text,
    user,
)

OLD, NEW = "haiku-4-5", "opus-5-5"
EPHEMERAL = {"type": "ephemeral"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aA=="}}


def sent(name: str, *messages: Any, **fields: Any) -> dict[str, Any]:
    request = {"model": "x", "max_tokens": 100, "messages": list(messages), **fields}
    return to_bedrock(request, (), model(name))


def turns(name: str, *messages: Any, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(name, *messages, **fields)["messages"]
    return found


def reminder(words: str = "note", **more: Any) -> dict[str, Any]:
    return user(text(f"<system-reminder>\n{words}\n</system-reminder>", **more))


def test_a_conversation_goes_through_as_it_is() -> None:
    messages = [
        HELLO,
        assistant({"type": "redacted_thinking", "data": "x"}, text("Hi"), call()),
        user(result(content=[text("done"), IMAGE]), text("and now?"), IMAGE),
    ]

    assert turns(OLD, *messages) == messages


def test_fields_of_a_message_that_bedrock_does_not_know_are_left_out() -> None:
    message = {**HELLO, "output_config": {"effort": "low"}, "clear_at": 5, "id": "x"}

    assert turns(NEW, message) == [HELLO]


@pytest.mark.parametrize("kind", ["tool_addition", "tool_removal"])
def test_blocks_of_the_api_alone_are_left_out_and_a_message_of_them_alone_too(kind: str) -> None:
    change = {"type": kind, "tool_name": "read"}

    assert turns(NEW, HELLO, system([change])) == [HELLO]
    assert turns(NEW, HELLO, system([change, text("note")])) == [HELLO, system([text("note")])]


@pytest.mark.parametrize("name", ["opus-4-8", "opus-5", NEW, "sonnet-5", "haiku-5-5", "fable-5"])
def test_models_that_know_system_messages_get_them_in_their_place(name: str) -> None:
    messages = [HELLO, system(), assistant(call()), system([mark()]), user(result())]

    assert turns(name, *messages) == messages


REMINDERS: dict[str, tuple[list[Any], list[Any]]] = {
    "after a question": ([HELLO, system()], [HELLO, reminder()]),
    "between two turns": ([HELLO, HI, system(), HELLO], [HELLO, HI, reminder(), HELLO]),
    "in blocks": ([HELLO, system([text("note")])], [HELLO, reminder()]),
    "with a cache mark": (
        [HELLO, system([text("note", cache_control=EPHEMERAL)])],
        [HELLO, reminder(cache_control=EPHEMERAL)],
    ),
    "two in a row": ([HELLO, system("a"), system("b")], [HELLO, reminder("a"), reminder("b")]),
    "between a call and its result": (
        [HELLO, assistant(call()), system(), user(result())],
        [HELLO, assistant(call()), user(result()), reminder()],
    ),
    "two between a call and its result": (
        [HELLO, assistant(call()), system("a"), system("b"), user(result()), HI, HELLO],
        [HELLO, assistant(call()), user(result()), reminder("a"), reminder("b"), HI, HELLO],
    ),
    "after a result": (
        [HELLO, assistant(call()), user(result()), system()],
        [HELLO, assistant(call()), user(result()), reminder()],
    ),
    "left empty": ([HELLO, system(""), system([])], [HELLO]),
}


@pytest.mark.parametrize("case", REMINDERS)
@pytest.mark.parametrize("name", [OLD, "opus-4-7", "3-5-haiku"])
def test_for_other_models_a_system_message_becomes_a_reminder_of_the_user(
    name: str, case: str
) -> None:
    messages, expected = REMINDERS[case]

    assert turns(name, *messages) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [text("a"), text("b")]),
        ("first", [text("first"), text("a"), text("b")]),
        ([mark()], [mark(), text("a"), text("b")]),
    ],
)
def test_system_messages_in_front_join_the_system_prompt(before: Any, after: Any) -> None:
    body = sent(OLD, system("a"), system([text("b")]), HELLO, system=before)

    assert (body["system"], body["messages"]) == (after, [HELLO])


LONG_TALK: list[Any] = [
    HELLO,
    system([text("first", cache_control=EPHEMERAL)]),
    assistant(text("I read"), call("toolu_1")),
    system([text("second", cache_control=EPHEMERAL)]),
    user(result("toolu_1")),
    HI,
    system("third"),
    HELLO,
]


def settled(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Claude Code sends it once it is not the last: without marks, system as text."""
    content = message["content"]
    if not isinstance(content, list):
        return message
    plain = [{k: v for k, v in block.items() if k != "cache_control"} for block in content]
    return (
        system(plain[0]["text"]) if message["role"] == "system" else {**message, "content": plain}
    )


@pytest.mark.parametrize("name", [OLD, "opus-4-7", "sonnet-4-6"])
@pytest.mark.parametrize("length", [1, 2, 5, 7])
def test_a_conversation_that_goes_on_keeps_its_prefix_to_the_letter(name: str, length: int) -> None:
    earlier = turns(name, *LONG_TALK[:length])

    later = turns(name, *(settled(message) for message in LONG_TALK))

    assert later[: len(earlier)] == [settled(message) for message in earlier]


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        (OLD, {"type": "ephemeral"}, {"type": "ephemeral"}),
        (OLD, {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral", "ttl": "1h"}),
        (OLD, {"type": "ephemeral", "ttl": "2h"}, {"type": "ephemeral"}),
        (OLD, {"type": "ephemeral", "scope": "global"}, {"type": "ephemeral"}),
        ("3-5-haiku", {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}),
        (OLD, None, None),
    ],
)
def test_a_cache_mark_keeps_what_the_model_knows_wherever_it_stands(
    name: str, given: Any, kept: Any
) -> None:
    inner = result(content=[text(cache_control=given)])
    body = sent(
        name,
        HELLO,
        assistant(call()),
        user({**inner, "cache_control": given}),
        system=[text(cache_control=given)],
        tools=[{"name": "read", "input_schema": {"type": "object"}, "cache_control": given}],
    )

    outer = body["messages"][2]["content"][0]
    marks = [outer.get("cache_control"), outer["content"][0]["cache_control"]]
    assert [*marks, body["system"][0]["cache_control"]] == [kept] * 3
    assert body["tools"][0].get("cache_control") == kept


@pytest.mark.parametrize(
    ("messages", "marked"),
    [
        ([HELLO], [user(text("Hello", cache_control=EPHEMERAL))]),
        ([user(text("a"), text("b"))], [user(text("a"), text("b", cache_control=EPHEMERAL))]),
        ([user(mark(ttl="1h"))], [user(mark(ttl="1h"))]),
    ],
)
def test_automatic_caching_becomes_a_mark_on_the_last_block(
    messages: list[Any], marked: list[Any]
) -> None:
    assert turns(OLD, *messages, cache_control=EPHEMERAL) == marked


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "user", "content": 5}, "messages.0.content: must be a string or a list"),
        ({"role": "user"}, "messages.0.content: must be a string or a list"),
        ({"role": "user", "content": ["x"]}, "messages.0.content.0: must be an object"),
        ({"role": "user", "content": []}, "messages: must hold at least one message"),
        ({"role": "user", "content": ""}, "messages: must hold at least one message"),
        ({"role": "system", "content": "x"}, "messages: must hold at least one message"),
        (user({"type": "image", "source": {"type": "url"}}), "messages.0.content.0.source"),
        (user({"type": "document", "source": {"type": "file"}}), "messages.0.content.0.source"),
        (user(result(content=["x"])), "messages.0.content.0.content.0: must be an object"),
        (
            user(result(content=[{"type": "image", "source": {"type": "url"}}])),
            "messages.0.content.0.content.0.source",
        ),
    ],
)
def test_a_message_that_bedrock_cannot_take_is_refused_by_name(message: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(OLD, message)

    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("name", ["opus-4-6", "opus-4-7", NEW])
def test_a_beginning_of_an_answer_is_refused_where_no_model_goes_on_from_it(name: str) -> None:
    with pytest.raises(InvalidRequest, match="end with one of the user's"):
        sent(name, HELLO, HI)

    assert turns("haiku-4-5", HELLO, HI) == [HELLO, HI]


def test_tool_references_are_left_out_for_models_without_tool_search() -> None:
    reference = {"type": "tool_reference", "tool_name": "read"}
    messages = [HELLO, assistant(call()), user(result(content=[reference, text("x")]))]

    assert turns(OLD, *messages) == messages
    assert turns("opus-4-1", *messages)[2] == user(result(content=[text("x")]))
