"""Refuses what Bedrock refuses: the body of an invocation, field by field.

The rules are those of the capability table in the catalogue; the words are the Messages API's, as
Bedrock passes them on in a `ValidationException`.
"""

import re
from collections.abc import Mapping

from app.catalog.model import Capabilities, Model
from app.local.emulator import compaction, guardrails
from app.local.emulator.faults import invalid
from app.local.emulator.shapes import (
    EXTRA,
    JsonObject,
    closed,
    integer,
    mapping,
    number,
    one_of,
    sequence,
    string,
    tagged,
)
from app.local.emulator.validation_blocks import (
    Limits,
    check_breakpoints,
    check_text,
    check_text_blocks,
)
from app.local.emulator.validation_messages import check_messages
from app.local.emulator.validation_schema import check_output_schema
from app.local.emulator.validation_thinking import check_thinking, thinks
from app.local.emulator.validation_tools import check_tool_choice, check_tools

LONGEST_USER_ID = 256
VERSION = "bedrock-2023-05-31"
REQUIRED = ("anthropic_version", "max_tokens", "messages")
TOP_LEVEL = frozenset(
    (
        *REQUIRED,
        guardrails.CONFIG,
        "anthropic_beta",
        "context_management",
        "metadata",
        "output_config",
        "stop_sequences",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    )
)
EDITS: Mapping[str, str] = {
    "clear_tool_uses_20250919": "context-management-2025-06-27",
    compaction.EDIT: compaction.BETA,
}
"""Kinds of context edits, and the beta that each of them needs."""


def check_body(value: object, model: Model) -> JsonObject:
    """Returns the body as it is, or raises `BedrockFault` (400) for the first thing wrong."""
    body = mapping(value, "body")
    can = model.capabilities
    betas = _betas(body.get("anthropic_beta", []), can)
    closed(body, "", TOP_LEVEL, REQUIRED)
    one_of(body["anthropic_version"], "anthropic_version", (VERSION,))
    _check_max_tokens(body, model)
    _check_small_fields(body)
    guardrails.check_config(body)
    check_thinking(body, can, betas)
    _check_output_config(body, can)
    _check_sampling(body, can)
    _check_context_management(body, betas)
    limits = Limits(can, betas)
    if "system" in body:
        _check_system(body["system"], limits)
    names = check_tools(body.get("tools", []), limits)
    check_tool_choice(body, can, names)
    check_messages(body, limits, names)
    check_breakpoints(body)
    return body


def _betas(value: object, can: Capabilities) -> frozenset[str]:
    items = sequence(value, "anthropic_beta")
    betas = frozenset(string(item, f"anthropic_beta.{i}") for i, item in enumerate(items))
    if betas - set(can.betas):
        raise invalid("invalid beta flag")
    return betas


def _check_max_tokens(body: JsonObject, model: Model) -> None:
    asked = integer(body["max_tokens"], "max_tokens", 1)
    if asked > model.max_output_tokens:
        raise invalid(
            f"max_tokens: {asked} > {model.max_output_tokens}, which is the maximum allowed "
            f"number of output tokens for {model.name}"
        )


def _check_small_fields(body: JsonObject) -> None:
    for index, item in enumerate(sequence(body.get("stop_sequences", []), "stop_sequences")):
        if not string(item, f"stop_sequences.{index}").strip():
            raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    metadata = mapping(body.get("metadata", {}), "metadata")
    closed(metadata, "metadata", ("user_id",))
    if metadata.get("user_id") is not None:
        _check_user_id(string(metadata["user_id"], "metadata.user_id"))


def _check_user_id(value: str) -> None:
    path = "metadata.user_id"
    if len(value) > LONGEST_USER_ID:
        raise invalid(f"{path}: String should have at most {LONGEST_USER_ID} characters")
    if re.search(r"\S@\S+\.\S", value):
        raise invalid(f"{path}: user_id appears to contain an email address")
    if re.fullmatch(r"\+[\d ().-]{7,}|\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\d{10,15}", value):
        raise invalid(f"{path}: user_id appears to contain a phone number")


def _check_output_config(body: JsonObject, can: Capabilities) -> None:
    if "output_config" not in body:
        return
    if not can.effort and not can.structured_output:
        raise invalid(f"output_config: {EXTRA}")
    config = mapping(body["output_config"], "output_config")
    closed(config, "output_config", ("effort", "format"))
    if "effort" in config:
        if not can.effort:
            raise invalid("This model does not support the effort parameter.")
        one_of(config["effort"], "output_config.effort", can.effort)
    if config.get("format") is not None:
        if not can.structured_output:
            raise invalid(f"output_config.format: {EXTRA}")
        path = "output_config.format"
        _, shape = tagged(config["format"], path, ("json_schema",))
        closed(shape, path, ("type", "schema"), ("schema",))
        check_output_schema(mapping(shape["schema"], f"{path}.schema"), f"{path}.schema")


def _check_sampling(body: JsonObject, can: Capabilities) -> None:
    given = [name for name in ("temperature", "top_p", "top_k") if name in body]
    if given and not can.sampling:
        raise invalid(f"`{given[0]}` is not supported for this model.")
    for name in given:
        if name == "top_k":
            integer(body[name], name, 0)
        else:
            number(body[name], name, 1)
    if can.thinking != "none" and {"temperature", "top_p"} <= set(given):
        raise invalid(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )
    if thinks(body):
        _check_sampling_with_thinking(body)


def _check_sampling_with_thinking(body: JsonObject) -> None:
    if body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_p", 1) < 0.95:
        raise invalid("`top_p` must be greater than or equal to 0.95 or unset with thinking.")
    if "top_k" in body:
        raise invalid("`top_k` must be unset when thinking is enabled.")


def _check_context_management(body: JsonObject, betas: frozenset[str]) -> None:
    if "context_management" not in body:
        return
    known = {kind for kind, beta in EDITS.items() if beta in betas}
    if not known:
        raise invalid(f"context_management: {EXTRA}")
    management = mapping(body["context_management"], "context_management")
    closed(management, "context_management", ("edits",), ("edits",))
    path = "context_management.edits"
    for index, edit in enumerate(sequence(management["edits"], path, least=1)):
        kind, fields = tagged(edit, f"{path}.{index}", known)
        if kind == compaction.EDIT:
            compaction.check_edit(fields, f"{path}.{index}")


def _check_system(value: object, limits: Limits) -> None:
    if isinstance(value, str):
        if value:
            check_text(value)
        return
    check_text_blocks(sequence(value, "system"), "system", limits)
