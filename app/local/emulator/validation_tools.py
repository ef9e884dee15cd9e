"""The tools a body offers, and the choice among them."""

from collections.abc import Mapping, Sequence

from app.catalog.model import Capabilities
from app.local.emulator.faults import invalid
from app.local.emulator.shapes import (
    JsonObject,
    boolean,
    closed,
    mapping,
    one_of,
    sequence,
    string,
    tagged,
)
from app.local.emulator.validation_blocks import Limits, check_cache_control
from app.local.emulator.validation_schema import check_input_schema
from app.local.emulator.validation_thinking import thinks

NAME = "[a-zA-Z0-9_-]{1,128}"
CUSTOM = frozenset(("type", "name", "description", "input_schema", "cache_control"))
EXAMPLES = "tool-examples-2025-10-29"
TOOL_SEARCH = "tool-search-tool-2025-10-19"
CLIENT_TOOLS: Mapping[str, str | None] = {
    "bash_20250124": None,
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "memory_20250818": "context-management-2025-06-27",
    "text_editor_20250124": None,
    "text_editor_20250728": None,
}
"""Anthropic's tools that the client runs, and the beta that each needs; no server tools."""


def check_tools(value: object, limits: Limits) -> frozenset[str]:
    """The names of the tools; raises `BedrockFault` (400) for one that is not taken."""
    tools = sequence(value, "tools")
    tags = {"custom", *(t for t, beta in CLIENT_TOOLS.items() if beta in (None, *limits.betas))}
    for index, item in enumerate(tools):
        path = f"tools.{index}"
        kind, tool = tagged({"type": "custom", **mapping(item, path)}, path, tags)
        if kind == "custom":
            _check_custom(tool, f"{path}.custom", limits)
        else:
            string(tool.get("name"), f"{path}.{kind}.name", NAME)
    names = [tool["name"] for tool in tools]
    if len(set(names)) != len(names):
        raise invalid("tools: Tool names must be unique.")
    _check_deferred(tools)
    return frozenset(names)


def _check_custom(tool: JsonObject, path: str, limits: Limits) -> None:
    searching = limits.can.tool_search and TOOL_SEARCH in limits.betas
    allowed = {
        *CUSTOM,
        *(("defer_loading",) if searching else ()),
        *(("input_examples",) if EXAMPLES in limits.betas else ()),
        *(("strict",) if limits.can.structured_output else ()),
    }
    closed(tool, path, allowed, ("name", "input_schema"))
    string(tool["name"], f"{path}.name", NAME)
    string(tool.get("description", ""), f"{path}.description")
    schema = mapping(tool["input_schema"], f"{path}.input_schema")
    if "type" not in schema:
        raise invalid(f"{path}.input_schema.type: Field required")
    one_of(schema["type"], f"{path}.input_schema.type", ("object",))
    check_input_schema(schema, f"{path}.input_schema")
    boolean(tool.get("defer_loading", False), f"{path}.defer_loading")
    check_cache_control(tool, path, limits)


def _check_deferred(tools: Sequence[JsonObject]) -> None:
    deferred = [tool for tool in tools if tool.get("defer_loading")]
    for tool in deferred:
        if tool.get("cache_control"):
            raise invalid(
                f"Tool '{tool['name']}' cannot have both defer_loading=true and cache_control set. "
                "Tools with defer_loading cannot use prompt caching."
            )
    if deferred and len(deferred) == len(tools):
        raise invalid("All tools have defer_loading set. At least one tool must be non-deferred.")


def check_tool_choice(body: JsonObject, can: Capabilities, names: frozenset[str]) -> None:
    """Raises `BedrockFault` (400) for a choice that the model or the tools do not allow."""
    if "tool_choice" not in body:
        return
    path = "tool_choice"
    kind, choice = tagged(body[path], path, ("auto", "any", "tool", "none"))
    allowed = {
        "auto": ("type", "disable_parallel_tool_use"),
        "any": ("type", "disable_parallel_tool_use"),
        "tool": ("type", "name", "disable_parallel_tool_use"),
        "none": ("type",),
    }[kind]
    closed(choice, f"{path}.{kind}", allowed, ("name",) if kind == "tool" else ())
    boolean(choice.get("disable_parallel_tool_use", False), f"{path}.disable_parallel_tool_use")
    if not names:
        raise invalid("tool_choice: may only be specified while providing tools")
    if kind in ("any", "tool"):
        _check_forced(body, kind, can)
    if kind == "tool" and choice["name"] not in names:
        raise invalid(f"tool_choice: Tool '{choice['name']}' not found in provided tools")


def _check_forced(body: JsonObject, kind: str, can: Capabilities) -> None:
    if not can.forced_tool_choice:
        raise invalid(f'tool_choice: "{kind}" is not supported for this model.')
    if thinks(body) and can.thinking != "always":
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
