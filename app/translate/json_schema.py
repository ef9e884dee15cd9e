"""JSON schemas in the subset that Claude's structured outputs take.

The rest is refused with a 400, and schemas made by pydantic or zod are full of it. What cannot be
enforced becomes part of the description, where the model reads it, as in Anthropic's own SDKs.
"""

from typing import Any, Final

import orjson

from app.errors import InvalidRequest
from app.wire.anthropic import JsonObject

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
        """A list of one is that one; what stands beside it goes first."""
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
        """Alternatives and the type. Alternatives beside properties are left to the words."""
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
