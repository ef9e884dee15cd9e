"""Anthropic Messages requests as the body that Bedrock's InvokeModel takes.

Bedrock answers 400 to any field, beta flag or value that a model does not know, so what a model
cannot take is left out or replaced by what means the same. The same request always gives the same
body: prompt caches and signed thinking depend on an unchanged prefix. Inputs are never changed.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.domain.models import Capabilities, Effort, Model
from app.errors import InvalidRequest
from app.translate import shape
from app.translate.anthropic_messages import bedrock_messages, without_scope
from app.wire.anthropic import JsonObject

ANTHROPIC_VERSION: Final = "bedrock-2023-05-31"

PASSED: Final = frozenset({"max_tokens", "metadata", "safeguards", "stop_sequences", "tool_choice"})
"""Fields that go through as they are."""

SAMPLING: Final = ("temperature", "top_p", "top_k")

BETA_ALIASES: Final = {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"}
"""Bedrock's name for what Anthropic's API calls otherwise."""

EDIT_BETAS: Final = {
    "clear_tool_uses_20250919": "context-management-2025-06-27",
    "compact_20260112": "compact-2026-01-12",
}
"""Context edits that Bedrock knows, and the beta that each needs."""

EFFORTS: Final[tuple[Effort, ...]] = ("low", "medium", "high", "xhigh", "max")
MIN_THINKING_BUDGET: Final = 1024
DEFAULT_THINKING_BUDGET: Final = 31_999
TOOL_FIELDS: Final = frozenset({"name", "description", "input_schema", "cache_control"})


def to_bedrock(body: JsonObject, betas: Sequence[str], model: Model) -> JsonObject:
    """The InvokeModel body for a Messages request; `betas` are the values of `anthropic-beta`.

    Raises InvalidRequest, naming the field, for what Bedrock cannot do at all.
    """
    able = model.capabilities
    shape.positive_integer(body.get("max_tokens"), "max_tokens")
    system, messages = bedrock_messages(body.get("system"), shape.messages(body), able)
    result: JsonObject = {"anthropic_version": ANTHROPIC_VERSION, "max_tokens": body["max_tokens"]}
    result["messages"] = messages
    if system is not None:
        result["system"] = system
    result |= {name: body[name] for name in body if name in PASSED}
    if body.get("tools"):
        result["tools"] = [
            _tool(tool, index, able)
            for index, tool in enumerate(shape.objects(body["tools"], "tools"))
        ]
    for name, value in (
        ("thinking", _thinking(body, able)),
        ("output_config", _output_config(body.get("output_config"), able)),
        ("context_management", _context_management(body.get("context_management"), able)),
    ):
        if value is not None:
            result[name] = value
    result |= _sampling(body, result.get("thinking"), able)
    if known := _betas(betas, result, able):
        result["anthropic_beta"] = known
    return result


def _betas(asked: Sequence[str], result: JsonObject, able: Capabilities) -> list[str]:
    wanted = [BETA_ALIASES.get(beta, beta) for beta in asked]
    wanted += [EDIT_BETAS[e["type"]] for e in result.get("context_management", {}).get("edits", ())]
    return [beta for beta in dict.fromkeys(wanted) if beta in able.betas]


def _thinking(body: JsonObject, able: Capabilities) -> JsonObject | None:
    if (asked := body.get("thinking")) is None:
        return None
    thinking = dict(shape.object_(asked, "thinking"))
    if not able.thinking_display:
        thinking.pop("display", None)
    match able.thinking, thinking.get("type"):
        case "none", _:
            return None
        case "always", "disabled":
            return None
        case (("adaptive" | "always"), "enabled"):
            return {k: v for k, v in thinking.items() if k != "budget_tokens"} | {
                "type": "adaptive"
            }
        case "budget", "adaptive":
            return _with_budget(thinking, body["max_tokens"])
        case _:
            return thinking


def _with_budget(thinking: JsonObject, max_tokens: int) -> JsonObject | None:
    """Adaptive thinking for a model that wants a budget; none where too few tokens are allowed."""
    budget = min(max_tokens - 1, DEFAULT_THINKING_BUDGET)
    if budget < MIN_THINKING_BUDGET:
        return None
    return thinking | {"type": "enabled", "budget_tokens": budget}


def _output_config(asked: Any, able: Capabilities) -> JsonObject | None:
    if asked is None:
        return None
    config = dict(shape.object_(asked, "output_config"))
    effort = config.pop("effort", None)
    if not able.structured_output:
        config.pop("format", None)
    if able.effort and effort in EFFORTS:
        rank = EFFORTS.index(effort)
        config["effort"] = max(
            (e for e in able.effort if EFFORTS.index(e) <= rank),
            key=EFFORTS.index,
            default=able.effort[0],
        )
    return config or None


def _context_management(asked: Any, able: Capabilities) -> JsonObject | None:
    if asked is None:
        return None
    edits = shape.objects(
        shape.object_(asked, "context_management").get("edits", []), "context_management.edits"
    )
    kept = [e for e in edits if EDIT_BETAS.get(str(e.get("type"))) in able.betas]
    return {"edits": kept} if kept else None


def _sampling(body: JsonObject, thinking: JsonObject | None, able: Capabilities) -> JsonObject:
    """Sampling parameters do not go together with thinking, except `top_p`."""
    if not able.sampling:
        return {}
    thinks = thinking is not None and thinking.get("type") != "disabled"
    names = ("top_p",) if thinks else SAMPLING
    return {name: body[name] for name in names if body.get(name) is not None}


def _tool(tool: JsonObject, index: int, able: Capabilities) -> JsonObject:
    kind = tool.get("type") or "custom"
    if kind != "custom" and not str(kind).startswith(
        ("bash_", "text_editor_", "computer_", "memory_", "tool_search_")
    ):
        raise InvalidRequest(
            f"tools.{index}: Claude on Bedrock has no server tool {kind!r}; leave it out"
        )
    if kind != "custom":
        return without_scope(tool, able)
    kept = {name: tool[name] for name in tool if name in TOOL_FIELDS}
    shape.text(kept.get("name"), f"tools.{index}.name")
    if tool.get("defer_loading") and able.tool_search:
        kept["defer_loading"] = True
    return without_scope(kept, able)
