"""The smallest value that a JSON schema allows: what a forced tool call or a JSON answer holds."""

from collections.abc import Mapping
from typing import Any

DEPTH = 12
"""Schemas that refer to themselves end here."""

Schema = Mapping[str, Any]


def example(schema: object, *, root: Schema | None = None, depth: int = 0) -> Any:
    """A value for `schema`; required properties only. Local `$ref`s are followed."""
    if not isinstance(schema, Mapping) or depth > DEPTH:
        return None
    root = schema if root is None else root
    if "$ref" in schema:
        return example(_referred(root, str(schema["$ref"])), root=root, depth=depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example(schema[key][0], root=root, depth=depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_type(schema, root, depth)


def _of_type(schema: Schema, root: Schema, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {
            name: example(properties.get(name, {}), root=root, depth=depth + 1)
            for name in schema.get("required", ())
        }
    if kind == "array":
        item = example(schema.get("items", {}), root=root, depth=depth + 1)
        return [item] * int(schema.get("minItems", 0))
    if kind == "string":
        return "emulated".ljust(int(schema.get("minLength", 0)), ".")
    scalars = {"integer": int(schema.get("minimum", 0)), "number": schema.get("minimum", 0)}
    return scalars.get(kind, False if kind == "boolean" else None)


def _referred(root: Schema, reference: str) -> object:
    value: object = root
    for part in reference.removeprefix("#/").split("/"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
