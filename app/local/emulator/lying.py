"""Answers that tell another usage than the one that is billed, or hold broken text."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.local.emulator.scenarios import HalfCharacter, Lie, LieAbout, Scenario

ABSURD = 10**15
TEXT = re.compile(rb'"text":"(?=[^"])')
HALVED = rb'"text":"\\ud83d'
USAGES = ("usage", "amazon-bedrock-invocationMetrics")

_SAID: Mapping[LieAbout, Callable[[int], int]] = {
    "shrinking": lambda count: count // 2,
    "negative": lambda count: -count - 1,
    "absurd": lambda _count: ABSURD,
}


def told(event: bytes, scenario: Scenario) -> bytes:
    """An event or a message as the scenario tells it. What shrinks does so after `message_delta`,
    which says the truth."""
    if isinstance(scenario, HalfCharacter):
        return TEXT.sub(HALVED, event)
    if not isinstance(scenario, Lie):
        return event
    fields: dict[str, Any] = orjson.loads(event)
    if scenario.about == "shrinking" and fields["type"] != "message_stop":
        return event
    for holder in (fields, fields.get("message", {})):
        for name in USAGES:
            if name in holder:
                _change(holder, name, scenario.about)
    return orjson.dumps(fields)


def _change(holder: dict[str, Any], name: str, about: LieAbout) -> None:
    if about == "missing":
        del holder[name]
        return
    change = _SAID[about]
    holder[name] = {
        kind: change(count) for kind, count in holder[name].items() if isinstance(count, int)
    }
