"""Anthropic Messages requests as the body that Bedrock's InvokeModel takes.

Bedrock answers 400 to any field, beta flag or value that a model does not know, so what a model
cannot take is left out or replaced by what means the same. The same request always gives the same
body: prompt caches and signed thinking depend on an unchanged prefix. Inputs are never changed.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from app.catalog.model import Capabilities, Model
from app.core import json_fields
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest
from app.formats import anthropic_thinking, anthropic_tools
from app.formats.anthropic_messages import bedrock_messages, cache_last_block
from app.formats.normalize import opaque
from app.formats.schemas import structured

ANTHROPIC_VERSION: Final = "bedrock-2023-05-31"

PASSED: Final = frozenset({"safeguards", "stop_sequences"})
"""Fields that go through as they are."""

IMPOSSIBLE: Final = {
    "mcp_servers": "Claude on Bedrock connects to no MCP servers; let the client do it",
    "container": "Claude on Bedrock has no containers",
    "compaction": "Claude on Bedrock compacts by a threshold alone; use context_management",
}
"""Fields whose loss would change what the answer is."""

EDIT_BETAS: Final = {
    "clear_tool_uses_20250919": "context-management-2025-06-27",
    "compact_20260112": "compact-2026-01-12",
}
"""Context edits that Bedrock knows, and the beta that each needs."""


def to_bedrock(body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
    """The InvokeModel body for a Messages request; `betas` are the values of `anthropic-beta`.

    Raises InvalidRequest, naming the field, for what Bedrock cannot do at all.
    """
    for name, reason in IMPOSSIBLE.items():
        if body.get(name):
            raise InvalidRequest(f"{name}: {reason}")
    able = model.capabilities
    max_tokens = json_fields.positive_integer(body.get("max_tokens"), "max_tokens")
    system, messages = bedrock_messages(body.get("system"), json_fields.messages(body), able)
    if messages[-1]["role"] == "assistant" and not able.prefill:
        raise InvalidRequest(
            f"messages: {model.name} does not go on from an assistant's message; "
            "end with one of the user's"
        )
    result: JsonObject = {"anthropic_version": ANTHROPIC_VERSION, "max_tokens": max_tokens}
    result["messages"] = cache_last_block(messages, body.get("cache_control"), able)
    result |= {name: body[name] for name in body if name in PASSED and body[name] is not None}
    if metadata := _metadata(body.get("metadata")):
        result["metadata"] = metadata
    instructions = _tools(body, result, able) + _output(body, result, able)
    if (thought := anthropic_thinking.thinking(body, messages, able)) is not None:
        result["thinking"] = thought
    result |= anthropic_thinking.sampling(body, thought, able)
    if edits := _edits(body.get("context_management"), able):
        result["context_management"] = {"edits": edits}
    if system is not None or instructions:
        result["system"] = _system(system, instructions)
    if known := _betas(betas, result, able):
        result["anthropic_beta"] = known
    return result


def _metadata(given: Any) -> JsonObject:
    """The one field that Bedrock knows, without a person's address."""
    user_id = None if given is None else json_fields.object_(given, "metadata").get("user_id")
    if user_id is None:
        return {}
    return {"user_id": opaque(json_fields.text(user_id, "metadata.user_id"))}


def _tools(body: JsonObject, result: JsonObject, able: Capabilities) -> list[str]:
    """Puts tools and their choice into `result`; instructions for what cannot be put."""
    if not body.get("tools"):
        return []
    result["tools"] = anthropic_tools.tools(json_fields.objects(body["tools"], "tools"), able)
    if body.get("tool_choice") is None:
        return []
    asked = json_fields.object_(body["tool_choice"], "tool_choice")
    result["tool_choice"], instruction = anthropic_tools.choice(asked, able)
    return [instruction] if instruction else []


def _output(body: JsonObject, result: JsonObject, able: Capabilities) -> list[str]:
    """Puts effort and format into `result`; a format that the model lacks becomes instructions."""
    asked = _output_config(body)
    if not asked:
        return []
    config = anthropic_thinking.effort(asked, able)
    instructions = []
    if (form := config.pop("format", None)) is not None:
        json_fields.object_(form, "output_config.format")
        if able.structured_output:
            config["format"] = _format(form)
        else:
            instructions.append(
                "Answer with JSON alone, without prose or code fence, that fits this schema: "
                + json_fields.encoded(form.get("schema"), orjson.OPT_SORT_KEYS).decode()
            )
    if config:
        result["output_config"] = config
    return instructions


def _output_config(body: JsonObject) -> JsonObject:
    """`output_config`, with the format that older clients send next to it."""
    given = body.get("output_config")
    config = {} if given is None else json_fields.object_(given, "output_config")
    older = body.get("output_format")
    if older is None:
        return config
    if config.get("format") is not None:
        raise InvalidRequest("output_format: is the older name of output_config.format; send one")
    return {**config, "format": older}


def _format(form: JsonObject) -> JsonObject:
    if not isinstance(form.get("schema"), dict):
        return form
    return {**form, "schema": structured(form["schema"], "output_config.format.schema")}


def _system(system: Any, instructions: list[str]) -> Any:
    if not instructions:
        return system
    said = json_fields.blocks(system, "system") if system else []
    return [*said, *({"type": "text", "text": text} for text in instructions)]


def _edits(asked: Any, able: Capabilities) -> list[JsonObject]:
    if asked is None:
        return []
    edits = json_fields.object_(asked, "context_management").get("edits", [])
    return [
        edit
        for edit in json_fields.objects(edits, "context_management.edits")
        if EDIT_BETAS.get(str(edit.get("type"))) in able.betas
    ]


def _betas(asked: Sequence[str], result: JsonObject, able: Capabilities) -> list[str]:
    """Those asked for that the model knows, and those that the body cannot do without."""
    aliases = dict(able.beta_aliases)
    wanted = [aliases.get(beta, beta) for beta in asked]
    wanted += anthropic_tools.needed_betas(result.get("tools", []))
    if result.get("thinking", {}).get("display") == anthropic_thinking.UPDATES:
        wanted.append(anthropic_thinking.UPDATES_BETA)
    wanted += [EDIT_BETAS[e["type"]] for e in result.get("context_management", {}).get("edits", ())]
    return [beta for beta in dict.fromkeys(wanted) if beta in able.betas]
