"""What Bedrock adds to an answer: its own fields, and in one of them what a guardrail did."""

from typing import Final

from app.wire.anthropic import JsonObject

PREFIX: Final = "amazon-bedrock-"
ACTION: Final = "amazon-bedrock-guardrailAction"

MARK: Final = f'"{PREFIX}'.encode()
"""In the JSON of every object that has such a field; few others hold it."""

SAID: Final = frozenset({ACTION, "amazon-bedrock-trace"})
"""Fields that tell of a guardrail."""


def intervened(fields: JsonObject) -> bool:
    """Whether a guardrail put its own text in the place of the prompt or the answer."""
    return fields.get(ACTION) == "INTERVENED"


def stripped(fields: JsonObject) -> JsonObject:
    """Without Bedrock's own fields; the same object where it has none."""
    if not any(name.startswith(PREFIX) for name in fields):
        return fields
    return {name: value for name, value in fields.items() if not name.startswith(PREFIX)}


def shown(message: JsonObject) -> JsonObject:
    """A whole message as Anthropic would write it: an intervention is a refusal."""
    if not intervened(message):
        return stripped(message)
    return {**stripped(message), "stop_reason": "refusal", "stop_sequence": None}
