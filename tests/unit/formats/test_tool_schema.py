"""Parameters with alternatives at their top."""

from typing import Any

import pytest

from app.errors import InvalidRequest
from app.formats.openai_chat import to_messages
from app.formats.schemas import input_schema
from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import assert_accepted, assert_refused

A, B = {"type": "string"}, {"type": "integer"}


def combined(**schema: Any) -> dict[str, Any]:
    found = input_schema(schema, "parameters")
    tool = {"name": "look", "input_schema": {"type": "object", **found}}
    assert_accepted("haiku-4-5", body(tools=[tool]))
    return found


def test_a_plain_schema_stays_as_it_is() -> None:
    plain = {"type": "object", "properties": {"a": {"anyOf": [A, B]}}}

    assert input_schema(plain, "parameters") is plain


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
def test_alternatives_become_one_object_that_requires_what_all_require(word: str) -> None:
    one = {"type": "object", "properties": {"a": A, "x": A}, "required": ["a", "x"]}
    other = {"type": "object", "properties": {"b": B, "x": A}, "required": ["x"]}

    found = combined(type="object", description="d", **{word: [one, other]})

    assert found["properties"] == {"a": A, "x": A, "b": B}
    assert found["required"] == ["x"]
    assert found["description"].startswith("d\n\n")
    assert word in found["description"]
    assert word not in found


def test_parts_become_one_object_that_requires_all() -> None:
    found = combined(
        properties={"c": A},
        required=["c"],
        allOf=[{"$ref": "#/$defs/A"}, {"properties": {"b": B}, "required": ["b"]}],
        **{"$defs": {"A": {"type": "object", "properties": {"a": A}, "required": ["a"]}}},
    )

    assert found["properties"] == {"c": A, "a": A, "b": B}
    assert found["required"] == ["c", "a", "b"]


def test_a_property_that_differs_may_be_either() -> None:
    found = combined(anyOf=[{"properties": {"a": A}}, {"properties": {"a": B}}])

    assert found["properties"] == {"a": {"anyOf": [A, B]}}


def test_an_optional_object_is_an_object() -> None:
    found = combined(anyOf=[{"type": "object", "properties": {"a": A}}, {"type": "null"}])

    assert found["properties"] == {"a": A}


@pytest.mark.parametrize(
    "schema", [{"anyOf": [A, B]}, {"oneOf": "x"}, {"allOf": [{"allOf": [{"type": "null"}]}]}]
)
def test_parameters_that_are_no_object_are_refused_by_name(schema: dict[str, Any]) -> None:
    function = {"name": "look", "parameters": schema}
    request = {
        "model": "x",
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"type": "function", "function": function}],
    }

    with pytest.raises(InvalidRequest, match=r"tools\.0\.function\.parameters: "):
        to_messages(request, default_max_tokens=10)


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf"])
def test_the_emulator_refuses_them_as_bedrock_does(word: str) -> None:
    tool = {"name": "look", "input_schema": {"type": "object", word: [{"required": ["a"]}]}}

    assert_refused(
        "haiku-4-5",
        body(tools=[tool]),
        "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf",
    )
