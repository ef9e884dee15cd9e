"""Thinking, effort and sampling of a Messages request, as a model takes them."""

from typing import Any, Final

from app.catalog.model import Capabilities, Effort
from app.core import json_fields
from app.core.json_fields import JsonObject

THINKING_FIELDS: Final = ("type", "budget_tokens", "display")

SAMPLING: Final = ("temperature", "top_p", "top_k")

EFFORTS: Final[tuple[Effort, ...]] = ("low", "medium", "high", "xhigh", "max")

MIN_BUDGET: Final = 1024

BUDGETS: Final = {"low": 4_096, "medium": 12_288}
"""Thinking tokens of an effort, for models that want a number; any other gets the most."""

MOST_BUDGET: Final = 31_999

LEAST_ANSWER: Final = 512

ANSWER_SHARE: Final = 4
"""A quarter of the output, and at least this many tokens, is kept for the answer."""

UPDATES: Final = "updates"

UPDATES_BETA: Final = "thinking-display-updates-2026-08-18"

THINKING_BLOCKS: Final = ("thinking", "redacted_thinking")

FORCED: Final = ("any", "tool")


def thinking(body: JsonObject, messages: list[JsonObject], able: Capabilities) -> JsonObject | None:
    """`thinking` for the model; None to leave it out."""
    if (asked := body.get("thinking")) is None:
        return None
    given = json_fields.object_(asked, "thinking")
    known = ("type",) if given.get("type") == "disabled" else THINKING_FIELDS
    wanted = _display({name: given[name] for name in given if name in known}, able)
    wanted_kind = wanted.get("type")
    if able.thinking == "none" or (able.thinking == "always" and wanted_kind == "disabled"):
        return None
    if wanted_kind != "disabled" and able.thinking != "always" and _forces_tool(body):
        return None
    if wanted_kind == "enabled" and able.thinking in ("adaptive", "always"):
        return {k: v for k, v in wanted.items() if k != "budget_tokens"} | {"type": "adaptive"}
    if wanted_kind == "adaptive" and able.thinking == "budget":
        wanted = wanted | {"type": "enabled", "budget_tokens": _budget(body)}
    if wanted.get("type") == "enabled" and (
        _budget(body) < MIN_BUDGET or _tool_turn_without_thought(messages)
    ):
        return None
    return wanted


def _display(wanted: JsonObject, able: Capabilities) -> JsonObject:
    known = able.thinking_display and (
        wanted.get("display") != UPDATES or UPDATES_BETA in able.betas
    )
    return wanted if known else {k: v for k, v in wanted.items() if k != "display"}


def thinking_tokens(body: JsonObject) -> int:
    """About how much a request asks to think, in tokens; 0 if it does not."""
    asked = body.get("thinking") or {}
    if asked.get("type") not in ("enabled", "adaptive"):
        return 0
    budget = asked.get("budget_tokens")
    return budget if isinstance(budget, int) and 0 < budget < MOST_BUDGET else _wanted(body)


def _wanted(body: JsonObject) -> int:
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    return BUDGETS.get(str(effort), MOST_BUDGET)


def _budget(body: JsonObject) -> int:
    """What the effort asks for, as far as `max_tokens` leaves room for an answer."""
    most = int(body["max_tokens"])
    return min(most - max(LEAST_ANSWER, most // ANSWER_SHARE), _wanted(body))


def _forces_tool(body: JsonObject) -> bool:
    """Claude does not think before a call that it is forced to make."""
    choice = body.get("tool_choice")
    return isinstance(choice, dict) and choice.get("type") in FORCED


def _tool_turn_without_thought(messages: list[JsonObject]) -> bool:
    """A client that did not send back the thought before its tool call cannot go on thinking."""
    last = next((m for m in reversed(messages) if m["role"] == "assistant"), None)
    if last is None or messages[-1]["role"] != "user" or not isinstance(last["content"], list):
        return False
    results = messages[-1]["content"]
    if not (isinstance(results, list) and any(b.get("type") == "tool_result" for b in results)):
        return False
    return not last["content"] or last["content"][0].get("type") not in THINKING_BLOCKS


def effort(config: JsonObject, able: Capabilities) -> JsonObject:
    """`output_config` with the highest effort that is asked for and that the model has."""
    asked = config.get("effort")
    rest = {"format": config["format"]} if config.get("format") is not None else {}
    if not able.effort or asked not in EFFORTS:
        return rest
    rank = EFFORTS.index(asked)
    allowed = [e for e in EFFORTS[: rank + 1] if e in able.effort]
    return rest | {"effort": allowed[-1] if allowed else able.effort[0]}


def sampling(body: JsonObject, thought: JsonObject | None, able: Capabilities) -> JsonObject:
    """Claude samples by temperature or by `top_p`; while it thinks, by `top_p` alone."""
    if not able.sampling:
        return {}
    given: dict[str, Any] = {n: body[n] for n in SAMPLING if body.get(n) is not None}
    if thought is not None and thought.get("type") != "disabled":
        return {n: v for n, v in given.items() if n == "top_p"}
    if "temperature" in given:
        given.pop("top_p", None)
    return given
