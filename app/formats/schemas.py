"""Parameters of a function as the `input_schema` of a tool.

Claude refuses `anyOf`, `oneOf` and `allOf` at the top of one, which OpenAI takes.
"""

from typing import Any, Final

import orjson

from app.core import json_fields
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest

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
    words = f"The input must fit this, too: {json_fields.encoded(combined).decode()}"
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


DEEPEST: Final = 100
"""Levels; deeper JSON could not be written again."""

FORMATS: Final = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)

DEFINITIONS: Final = ("$defs", "definitions")

IGNORED: Final = frozenset({"$schema", "$id", "$comment", "additionalProperties", "nullable"})
"""What says nothing to the model."""

PRIMITIVE: Final = (str, int, float, bool, type(None))


def structured(schema: JsonObject, field: str) -> JsonObject:
    """The schema with what Claude enforces, and the rest in words; the same for the same schema.

    Raises InvalidRequest, naming the field, for one that is nested too deeply.
    """
    found: JsonObject = _Subset(field).of(schema, 0)
    return found


class _Subset:
    def __init__(self, field: str) -> None:
        self._field = field

    def of(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict):
            return schema
        if depth > DEEPEST:
            raise InvalidRequest(f"{self._field}: is nested too deeply")
        left = {name: value for name, value in schema.items() if name not in IGNORED}
        kept: JsonObject = {}
        for name in DEFINITIONS:
            if isinstance(left.get(name), dict):
                kept[name] = self._each(left.pop(name), depth)
        if "$ref" in left:
            return {**kept, "$ref": left["$ref"]}
        if isinstance(only := left.get("allOf"), list) and len(only) == 1:
            merged = self._merged(left, only[0], depth)
            return {**kept, **merged} if isinstance(merged, dict) else merged
        self._take_values(left, kept)
        self._take_choices(left, kept, depth)
        for name in ("title", "description"):
            if isinstance(left.get(name), str):
                kept[name] = left.pop(name)
        self._take_typed(left, kept, depth)
        return _described(kept, left)

    def _merged(self, left: JsonObject, only: Any, depth: int) -> Any:
        """A list of one is that one; other keywords win."""
        beside = {name: value for name, value in left.items() if name != "allOf"}
        inner = only if isinstance(only, dict) else {}
        if "$ref" in inner:
            return self.of(inner, depth + 1)
        return self.of({**inner, **beside}, depth + 1)

    def _each(self, schemas: JsonObject, depth: int) -> JsonObject:
        return {name: self.of(schema, depth + 1) for name, schema in schemas.items()}

    @staticmethod
    def _take_values(left: JsonObject, kept: JsonObject) -> None:
        values = left.get("enum")
        if isinstance(values, list) and values and all(isinstance(v, PRIMITIVE) for v in values):
            kept["enum"] = left.pop("enum")
        if "const" in left and isinstance(left["const"], PRIMITIVE):
            kept["const"] = left.pop("const")

    def _take_choices(self, left: JsonObject, kept: JsonObject, depth: int) -> None:
        """Alternatives and the type. Alternatives next to properties go into the description."""
        if "properties" not in left:
            for name, as_ in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
                if isinstance(left.get(name), list) and as_ not in kept:
                    kept[as_] = [self.of(one, depth + 1) for one in left.pop(name)]
                    left.pop("type", None)
                    return
        if "type" in left:
            kept["type"] = left.pop("type")
        elif "properties" in left:
            kept["type"] = "object"

    def _take_typed(self, left: JsonObject, kept: JsonObject, depth: int) -> None:
        """What goes with the type, and closes objects."""
        kinds = kept.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "object" in kinds:
            properties = left.pop("properties", None)
            kept["properties"] = self._each(
                properties if isinstance(properties, dict) else {}, depth
            )
            if isinstance(left.get("required"), list):
                kept["required"] = left.pop("required")
            kept["additionalProperties"] = False
        if "array" in kinds:
            if isinstance(left.get("items"), dict):
                kept["items"] = self.of(left.pop("items"), depth + 1)
            if left.get("minItems") in (0, 1):
                kept["minItems"] = left.pop("minItems")
        if "string" in kinds and left.get("format") in FORMATS:
            kept["format"] = left.pop("format")


def _described(kept: JsonObject, left: JsonObject) -> JsonObject:
    if not left:
        return kept
    words = ", ".join(f"{name}: {orjson.dumps(left[name]).decode()}" for name in sorted(left))
    before = f"{kept['description']}\n\n" if kept.get("description") else ""
    return {**kept, "description": f"{before}{{{words}}}"}
