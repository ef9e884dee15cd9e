from typing import Any

import pytest

from app.local.emulator.examples import example


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "emulated"),
        ({"type": "string", "minLength": 10}, "emulated.."),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "emulated"),
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]},
            {"a": "emulated"},
        ),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 1}}}, 1),
        ({"$ref": "#/nowhere"}, None),
        (True, None),
    ],
)
def test_the_example_is_the_least_that_the_schema_allows(schema: Any, value: object) -> None:
    assert example(schema) == value


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    assert "next" in example(schema)
