"""JSON schemas, as structured outputs take them."""

from typing import Any

import pytest
from anthropic import transform_schema
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidRequest
from app.formats.schemas import structured
from app.local.emulator.faults import BedrockFault
from app.local.emulator.validation_schema import check_output_schema

STRING = {"type": "string"}
CASES: dict[str, tuple[Any, Any]] = {
    "limits of a number": (
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "number", "description": "{maximum: 1, minimum: 0}"},
    ),
    "limits beside a description": (
        {"type": "string", "maxLength": 5, "description": "A name"},
        {"type": "string", "description": "A name\n\n{maxLength: 5}"},
    ),
    "an open object": (
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        {
            "type": "object",
            "properties": {"a": STRING},
            "required": ["a"],
            "additionalProperties": False,
        },
    ),
    "limits of a list": (
        {"type": "array", "items": STRING, "minItems": 2, "maxItems": 9},
        {"type": "array", "items": STRING, "description": "{maxItems: 9, minItems: 2}"},
    ),
    "a list of at least one": (
        {"type": "array", "items": STRING, "minItems": 1},
        {"type": "array", "items": STRING, "minItems": 1},
    ),
    "alternatives": (
        {"oneOf": [STRING, {"type": "null"}]},
        {"anyOf": [STRING, {"type": "null"}]},
    ),
    "types that are alternatives": (
        {"type": ["string", "null"], "minLength": 1},
        {"type": ["string", "null"], "description": "{minLength: 1}"},
    ),
    "known and other formats": (
        {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "format": "color"}]},
        {
            "anyOf": [
                {"type": "string", "format": "uuid"},
                {"type": "string", "description": '{format: "color"}'},
            ]
        },
    ),
    "definitions": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer", "minimum": 1}}},
        {
            "$ref": "#/$defs/A",
            "$defs": {"A": {"type": "integer", "description": "{minimum: 1}"}},
        },
    ),
    "a list of one reference": (
        {"allOf": [{"$ref": "#/$defs/A"}], "description": "d", "$defs": {"A": STRING}},
        {"$ref": "#/$defs/A", "$defs": {"A": STRING}},
    ),
    "values": ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    "alternatives beside properties": (
        {
            "type": "object",
            "properties": {"a": STRING, "b": STRING},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        {
            "type": "object",
            "properties": {"a": STRING, "b": STRING},
            "additionalProperties": False,
            "description": '{anyOf: [{"required":["a"]},{"required":["b"]}]}',
        },
    ),
    "the dialect": ({"$schema": "https://json-schema.org", **STRING}, STRING),
    "no schema at all": ({"anyOf": [True, STRING]}, {"anyOf": [True, STRING]}),
}


@pytest.mark.parametrize("case", CASES)
def test_limits_become_words_and_objects_are_closed(case: str) -> None:
    asked, expected = CASES[case]

    found = structured(asked, "schema")

    assert found == expected
    check_output_schema(found, "schema")
    assert structured(found, "schema") == found, "a schema in the subset stays as it is"


@pytest.mark.parametrize("case", ["limits of a number", "an open object", "limits of a list"])
def test_what_is_enforced_is_what_anthropics_sdk_has_enforced(case: str) -> None:
    asked, _ = CASES[case]

    ours, theirs = structured(asked, "schema"), transform_schema(asked)

    assert {**ours, "description": ""} == {**theirs, "description": ""}


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = STRING
    for _ in range(200):
        schema = {"type": "array", "items": schema}

    with pytest.raises(InvalidRequest, match=r"schema: is nested too deeply"):
        structured(schema, "schema")


WORDS = st.sampled_from(
    ["type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "required",
     "minimum", "maxLength", "minItems", "format", "description", "$ref", "$defs", "not",
     "additionalProperties"]
)  # fmt: skip
KINDS = st.sampled_from(["object", "array", "string", "number", ["string", "null"]])
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | KINDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, SCHEMAS, max_size=5))
def test_no_schema_is_too_strange_and_all_results_are_in_the_subset(schema: Any) -> None:
    found = structured(schema, "schema")

    try:
        check_output_schema(found, "schema")
    except BedrockFault as fault:
        pytest.fail(f"{found}: {fault.message}")


REFUSED = [
    ({"type": "number", "minimum": 0}, "For 'number' type, properties minimum are not supported"),
    ({"type": "object"}, "'additionalProperties' must be explicitly set to false"),
    ({"type": "array", "minItems": 2}, "'minItems' values other than 0 or 1"),
    ({"type": "array", "items": {"type": "string", "maxLength": 1}}, "maxLength"),
    ({"$defs": {"A": {"oneOf": []}}}, "'oneOf' is not supported"),
]


@pytest.mark.parametrize(("schema", "message"), REFUSED)
def test_the_emulator_refuses_what_is_not_in_the_subset(
    schema: dict[str, Any], message: str
) -> None:
    with pytest.raises(BedrockFault) as fault:
        check_output_schema(schema, "output_config.format.schema")

    assert message in fault.value.message
