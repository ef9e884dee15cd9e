"""Guardrails of a call: how one is named, and what it reads."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from app.local.emulator.faults import invalid
from app.local.emulator.shapes import JsonObject, closed, mapping, one_of, string

CONFIG = "amazon-bedrock-guardrailConfig"
UNIT_CHARACTERS = 1000


def named(headers: Mapping[str, str], body: JsonObject) -> bool:
    """Whether the call names a guardrail. Raises `BedrockFault` for half a name, and for a body
    that configures a guardrail that the call does not name."""
    guardrail = headers.get("x-amzn-bedrock-guardrailidentifier")
    version = headers.get("x-amzn-bedrock-guardrailversion")
    if (guardrail is None) != (version is None):
        raise invalid("A guardrail identifier and a guardrail version must be provided together.")
    if guardrail is None and CONFIG in body:
        raise invalid(f"{CONFIG} was set, but no guardrail identifier was provided.")
    return guardrail is not None


def check_config(body: JsonObject) -> None:
    """Raises `BedrockFault` (400) for a configuration that is none."""
    if CONFIG not in body:
        return
    config = mapping(body[CONFIG], CONFIG)
    closed(config, CONFIG, ("tagSuffix", "streamProcessingMode"))
    if "tagSuffix" in config:
        string(config["tagSuffix"], f"{CONFIG}.tagSuffix", "[a-zA-Z0-9]{1,20}")
    if "streamProcessingMode" in config:
        one_of(
            config["streamProcessingMode"],
            f"{CONFIG}.streamProcessingMode",
            ("SYNCHRONOUS", "ASYNCHRONOUS"),
        )


def prompt_units(body: Mapping[str, Any]) -> int:
    """Units of the prompt that the guardrail reads: what is tagged, or all of it without tags."""
    prompt = orjson.dumps(body["messages"])
    if (suffix := body.get(CONFIG, {}).get("tagSuffix")) is None:
        return units(prompt)
    tag = f"amazon-bedrock-guardrails-guardContent_{suffix}"
    tagged = re.findall(f"<{tag}>(.*?)</{tag}>".encode(), prompt, re.DOTALL)
    return units(b"".join(tagged))


def units(text: bytes) -> int:
    """Of up to 1,000 characters."""
    return -(-len(text) // UNIT_CHARACTERS)
