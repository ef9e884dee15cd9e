"""Tools and tool choice of a Messages request, as a model takes them."""

from typing import Final

from app.catalog.model import Capabilities
from app.core import json_fields
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest
from app.formats.anthropic_messages import without_scope

TOOL_FIELDS: Final = frozenset({"name", "description", "input_schema", "cache_control"})

SEARCH_BETA: Final = "tool-search-tool-2025-10-19"

EXAMPLES_BETA: Final = "tool-examples-2025-10-29"

CLIENT_TOOLS: Final = ("bash_", "text_editor_", "computer_", "memory_", "tool_search_")
"""Kinds that the client runs, or that are searched for in the model: known to Bedrock."""


def tools(asked: list[JsonObject], able: Capabilities) -> list[JsonObject]:
    """Raises InvalidRequest for tools that a server of Anthropic's would run."""
    return [_tool(tool, f"tools.{index}", able) for index, tool in enumerate(asked)]


def needed_betas(translated: list[JsonObject]) -> list[str]:
    """Flags without which fields of these tools would be refused."""
    found = []
    if any("defer_loading" in tool for tool in translated):
        found.append(SEARCH_BETA)
    if any("input_examples" in tool for tool in translated):
        found.append(EXAMPLES_BETA)
    return found


def choice(asked: JsonObject, able: Capabilities) -> tuple[JsonObject, str | None]:
    """The tool choice, and an instruction that stands for a choice the model cannot be held to."""
    kind = asked.get("type")
    if able.forced_tool_choice or kind not in ("any", "tool"):
        return asked, None
    free = {name: value for name, value in asked.items() if name != "name"} | {"type": "auto"}
    which = f"the tool `{asked.get('name')}`" if kind == "tool" else "one of the tools"
    return free, f"Your next answer must be a call of {which}."


def _tool(tool: JsonObject, field: str, able: Capabilities) -> JsonObject:
    kind = str(tool.get("type") or "custom")
    if kind != "custom":
        if not kind.startswith(CLIENT_TOOLS):
            raise InvalidRequest(
                f"{field}: Claude on Bedrock has no server tool {kind!r}; leave it out"
            )
        return without_scope(tool, able)
    # Some clients wrap the definition as its kind.
    tool = {**tool, **json_fields.object_(tool.get("custom") or {}, f"{field}.custom")}
    kept = {name: tool[name] for name in tool if name in TOOL_FIELDS and tool[name] is not None}
    json_fields.text(kept.get("name"), f"{field}.name")
    schema = kept.get("input_schema")
    if isinstance(schema, dict) and schema.get("type") != "object":
        kept["input_schema"] = {**schema, "type": "object"}
    if tool.get("defer_loading") and able.tool_search and SEARCH_BETA in able.betas:
        kept["defer_loading"] = True
    if tool.get("input_examples") and EXAMPLES_BETA in able.betas:
        kept["input_examples"] = tool["input_examples"]
    return without_scope(kept, able)
