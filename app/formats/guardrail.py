"""What Bedrock adds to an answer: its own fields, and in one of them what a guardrail did."""

from typing import Any, Final

from app.core.guardrail import GuardrailUnits
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest

PREFIX: Final = "amazon-bedrock-"

ACTION: Final = "amazon-bedrock-guardrailAction"

MARK: Final = f'"{PREFIX}'.encode()
"""In the JSON of every object that has such a field; few others hold it."""

TRACE: Final = "amazon-bedrock-trace"

UNITS: Final = {
    "content": "contentPolicyUnits",
    "content_images": "contentPolicyImageUnits",
    "topic": "topicPolicyUnits",
    "sensitive": "sensitiveInformationPolicyUnits",
    "grounding": "contextualGroundingPolicyUnits",
    "reasoning": "automatedReasoningPolicyUnits",
}

SAID: Final = frozenset({ACTION, TRACE})
"""Fields that report a guardrail."""


def tagged_guardrail_fields(body: JsonObject) -> tuple[str, ...]:
    """Fields at the top of an InvokeModel body that are for Bedrock and not for the model.

    One of them, `amazon-bedrock-guardrailConfig`, makes a guardrail read tagged text alone.
    """
    return tuple(name for name in body if name.startswith(PREFIX))


def refuse_tagged_fields(body: JsonObject) -> None:
    """Raises InvalidRequest for such a field: where the operator imposes a guardrail, it reads all
    that the client sends."""
    if named := tagged_guardrail_fields(body):
        raise InvalidRequest(
            f"{named[0]}: may not be sent, because the operator's guardrail reads the whole request"
        )


def intervened(fields: JsonObject) -> bool:
    """Whether a guardrail put its own text in the place of the prompt or the answer."""
    return fields.get(ACTION) == "INTERVENED"


def units(fields: JsonObject) -> GuardrailUnits | None:
    """What the guardrail went through, prompt and answer together; None where nothing tells."""
    if TRACE not in fields:
        return None
    trace = _object(_object(fields.get(TRACE)).get("guardrail"))
    outputs = trace.get("outputs")
    sides = [trace.get("input"), *(outputs if isinstance(outputs, list) else [])]
    usages = [
        _object(_object(assessment).get("invocationMetrics")).get("usage")
        for side in sides
        for assessment in _object(side).values()
    ]
    found = [usage for usage in usages if isinstance(usage, dict)]
    if not found:
        return None
    return GuardrailUnits(
        **{name: sum(_count(usage.get(field)) for usage in found) for name, field in UNITS.items()}
    )


def untraced(fields: JsonObject) -> JsonObject:
    """Without the trace, which the gateway asked for and not the client."""
    return {name: value for name, value in fields.items() if name != TRACE}


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def stripped(fields: JsonObject) -> JsonObject:
    """Without Bedrock's own fields; the same object where it has none."""
    if not any(name.startswith(PREFIX) for name in fields):
        return fields
    return {name: value for name, value in fields.items() if not name.startswith(PREFIX)}


def shown(message: JsonObject) -> JsonObject:
    """A message as Anthropic would write it: an intervention has the stop reason `refusal`."""
    if not intervened(message):
        return stripped(message)
    return {**stripped(message), "stop_reason": "refusal", "stop_sequence": None}
