"""Scenarios that refuse a call before anything is generated."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.local.emulator import scenarios as s
from app.local.emulator.faults import BedrockFault, invalid, streamed
from app.local.emulator.generation import last_text


def refuse(scenario: s.Scenario, body: Mapping[str, Any], *, stream: bool, guarded: bool) -> None:
    """Raises `BedrockFault` if the scenario is one that refuses this call."""
    match scenario:
        case s.Throttle():
            raise BedrockFault("ThrottlingException")
        case s.Unavailable():
            raise BedrockFault("ServiceUnavailableException")
        case s.Error():
            raise _fault(scenario, body)
        case s.Refuse():
            _refuse_part(scenario, body)
        case s.Guardrail(known=False) if guarded:
            raise invalid("The provided guardrail identifier is invalid.")
        case s.ExceptionFirst() | s.ExceptionMidStream() if not stream:
            raise streamed(scenario.exception)
        case _:
            return


def _refuse_part(scenario: s.Refuse, body: Mapping[str, Any]) -> None:
    if scenario.beta in body.get("anthropic_beta", ()):
        raise invalid(
            f"invalid beta flag: {scenario.beta}" if scenario.named else "invalid beta flag",
            segments=scenario.segments,
        )
    if scenario.field and _carries(body, scenario.field.split(".")):
        path = f"{scenario.field}: " if scenario.named else ""
        raise invalid(f"{path}Extra inputs are not permitted", segments=scenario.segments)


def _fault(scenario: s.Error, body: Mapping[str, Any]) -> BedrockFault:
    message = scenario.message
    if message is not None:
        message = message.replace("{prompt}", last_text(body))
    return BedrockFault(
        scenario.exception,
        message,
        retry_after=scenario.retry_after,
        segments=scenario.segments,
    )


def _carries(value: Any, path: Sequence[str]) -> bool:
    if isinstance(value, list):
        return any(_carries(item, path) for item in value)
    if not isinstance(value, Mapping) or path[0] not in value:
        return False
    return len(path) == 1 or _carries(value[path[0]], path[1:])
