"""Parameters of a function as the `input_schema` of a tool.

Claude refuses `anyOf`, `oneOf` and `allOf` at the top of one, which OpenAI takes.
"""

from typing import Any, Final

from app.errors import InvalidRequest
from app.translate import shape
from app.wire.anthropic import JsonObject

COMBINED: Final = ("allOf", "anyOf", "oneOf")
MOST_NESTED: Final = 20


def input_schema(parameters: JsonObject, field: str) -> JsonObject:
    """One object with the properties of all alternatives; the description says how they combine.

    Raises InvalidRequest, naming the field, where there is no object among them.
    """
    if not any(parameters.get(name) for name in COMBINED):
        return parameters
    rest = {name: value for name, value in parameters.items() if name not in COMBINED}
    properties: JsonObject = {}
    required = _flattened(parameters, parameters, properties, field, 0)
    combined = {name: parameters[name] for name in COMBINED if parameters.get(name)}
    words = f"The input must fit this, too: {shape.encoded(combined).decode()}"
    described = f"{rest['description']}\n\n{words}" if rest.get("description") else words
    result = {**rest, "type": "object", "properties": properties, "description": described}
    if required:
        result["required"] = required
    return result


def _flattened(
    schema: JsonObject, root: JsonObject, properties: JsonObject, field: str, depth: int
) -> list[str]:
    """Adds the properties to `properties`; the names that are required in any case."""
    if depth > MOST_NESTED:
        raise InvalidRequest(f"{field}: is nested too deeply")
    for name, value in _object(schema.get("properties")).items():
        properties[name] = value if name not in properties else _either(properties[name], value)
    given = schema.get("required")
    required = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    for key in COMBINED:
        variants = _objects(schema.get(key), root)
        if schema.get(key) and not variants:
            raise InvalidRequest(f"{field}: {key} must hold an object; a tool's input is one")
        found = [_flattened(one, root, properties, field, depth + 1) for one in variants]
        if key == "allOf":
            required += [name for names in found for name in names]
        elif found:
            required += [name for name in found[0] if all(name in names for names in found)]
    return list(dict.fromkeys(required))


def _objects(variants: Any, root: JsonObject) -> list[JsonObject]:
    """Those that describe an object, local references followed."""
    if not isinstance(variants, list):
        return []
    found = [_resolved(one, root) for one in variants if isinstance(one, dict)]
    return [one for one in found if one.get("type", "object") == "object"]


def _resolved(schema: JsonObject, root: JsonObject) -> JsonObject:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    value: Any = root
    for part in reference.removeprefix("#/").split("/"):
        value = _object(value).get(part)
    return _object(value)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _either(one: Any, other: Any) -> Any:
    if one == other:
        return one
    return {"anyOf": [one, other]}
