"""JSON schemas: the subset that structured outputs take, and what a tool's input may be.

The limits are those that Anthropic documents; the messages are those that users quote.
"""

from collections.abc import Mapping
from typing import Any

from app.local.emulator.faults import invalid
from app.local.emulator.shapes import JsonObject

NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
UNSUPPORTED: Mapping[str, tuple[str, ...]] = {
    "number": NUMBERS,
    "integer": NUMBERS,
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
}
NOWHERE = ("oneOf", "not", "if", "then", "else", "dependentSchemas", "unevaluatedProperties")
FORMATS = (
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
)  # fmt: skip
COMBINED = ("oneOf", "allOf", "anyOf")


def check_output_schema(schema: JsonObject, path: str) -> None:
    """Raises `BedrockFault` (400) for a schema that structured outputs do not take."""
    for word in NOWHERE:
        if word in schema:
            raise invalid(f"{path}: Schema type '{word}' is not supported")
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        _check_kind(schema, str(kind), path)
    for inner in _inner(schema):
        if isinstance(inner, dict):
            check_output_schema(inner, path)


def _check_kind(schema: JsonObject, kind: str, path: str) -> None:
    found = sorted(word for word in UNSUPPORTED.get(kind, ()) if word in schema)
    if found:
        raise invalid(f"{path}: For '{kind}' type, properties {', '.join(found)} are not supported")
    if kind == "object" and schema.get("additionalProperties") is not False:
        raise invalid(
            f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    if kind == "array" and schema.get("minItems", 0) not in (0, 1):
        raise invalid(f"{path}: For 'array' type, 'minItems' values other than 0 or 1 are not "
                      "supported")  # fmt: skip
    if kind == "string" and schema.get("format", "uuid") not in FORMATS:
        raise invalid(f"{path}: For 'string' type, format '{schema['format']}' is not supported")


def _inner(schema: JsonObject) -> list[Any]:
    found: list[Any] = []
    for name in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(name), dict):
            found += schema[name].values()
    for name in ("anyOf", "allOf"):
        if isinstance(schema.get(name), list):
            found += schema[name]
    return [*found, schema.get("items")]


def check_input_schema(schema: JsonObject, path: str) -> None:
    """Raises `BedrockFault` (400) for alternatives at the top of a tool's schema."""
    if any(word in schema for word in COMBINED):
        raise invalid(
            f"{path}: input_schema does not support oneOf, allOf, or anyOf at the top level"
        )
