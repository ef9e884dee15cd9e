"""Hostile values are refused by the name of their field."""

from collections.abc import Callable
from typing import Any

import pytest

from app.core import json_fields
from app.errors import InvalidRequest

REFUSED: list[tuple[Callable[[Any, str], Any], Any, str]] = [
    (json_fields.text, None, "field: must be a string"),
    (json_fields.text, 5, "field: must be a string"),
    (json_fields.positive_integer, None, "field: must be an integer of at least 1"),
    (json_fields.positive_integer, 0, "field: must be an integer of at least 1"),
    (json_fields.positive_integer, 1.0, "field: must be an integer of at least 1"),
    (json_fields.positive_integer, True, "field: must be an integer of at least 1"),
    (json_fields.positive_integer, "1", "field: must be an integer of at least 1"),
    (json_fields.flag, 1, "field: must be true or false"),
    (json_fields.flag, "true", "field: must be true or false"),
    (json_fields.object_, [], "field: must be an object"),
    (json_fields.object_, None, "field: must be an object"),
    (json_fields.objects, {}, "field: must be a list"),
    (json_fields.objects, [{}, "x"], "field.1: must be an object"),
    (json_fields.blocks, None, "field: must be a list"),
    (json_fields.blocks, ["x"], "field.0: must be an object"),
]


@pytest.mark.parametrize(("read", "value", "said"), REFUSED)
def test_a_value_of_the_wrong_kind_is_refused_by_name(
    read: Callable[[Any, str], Any], value: Any, said: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(value, "field")

    assert refused.value.message == said


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (json_fields.text, "", ""),
        (json_fields.positive_integer, 1, 1),
        (json_fields.flag, None, False),
        (json_fields.flag, False, False),
        (json_fields.flag, True, True),
        (json_fields.object_, {}, {}),
        (json_fields.objects, [], []),
        (json_fields.blocks, "hi", [{"type": "text", "text": "hi"}]),
        (json_fields.blocks, [{"type": "image"}], [{"type": "image"}]),
    ],
)
def test_a_value_of_the_right_kind_is_given_back(
    read: Callable[[Any, str], Any], value: Any, result: Any
) -> None:
    assert read(value, "field") == result


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (None, "messages: must be a list"),
        ([], "messages: must hold at least one message"),
        (["hi"], "messages.0: must be an object"),
        ([{"role": "user"}, {}], "messages.1.role: must be a string"),
        ([{"role": 5}], "messages.0.role: must be a string"),
    ],
)
def test_messages_are_a_list_of_objects_with_a_role(messages: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        json_fields.messages({"messages": messages})

    assert refused.value.message == said


@pytest.mark.parametrize("body", [b"", b"{", b"nan", b'{"a": "\xff"}', b'"\\ud800"'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="The body is not valid JSON"):
        json_fields.json_object(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        json_fields.json_object(body)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    assert json_fields.encoded(deep(200))
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        json_fields.encoded(deep(500))
