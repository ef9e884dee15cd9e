"""Which kinds of thinking a model takes, and how they go with the rest of the body."""

from collections.abc import Mapping

from app.catalog.model import Capabilities, Thinking
from app.local.emulator.faults import invalid
from app.local.emulator.shapes import EXTRA, JsonObject, closed, integer, one_of, tagged

KINDS: Mapping[Thinking, tuple[str, ...]] = {
    "none": ("disabled",),
    "budget": ("enabled", "disabled"),
    "either": ("enabled", "adaptive", "disabled"),
    "adaptive": ("adaptive", "disabled"),
    "always": ("adaptive",),
}
UPDATES = "thinking-display-updates-2026-08-18"
SMALLEST_BUDGET = 1024


def thinks(body: JsonObject) -> bool:
    """Whether the body asks for thinking."""
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def check_thinking(body: JsonObject, can: Capabilities, betas: frozenset[str]) -> None:
    """Raises `BedrockFault` (400) for thinking that the model does not take."""
    if "thinking" not in body:
        return
    kind, thinking = tagged(body["thinking"], "thinking", ("enabled", "adaptive", "disabled"))
    if kind not in KINDS[can.thinking]:
        raise invalid(_refusal(kind, can.thinking))
    path = f"thinking.{kind}"
    allowed = {
        "enabled": ("type", "budget_tokens", "display"),
        "adaptive": ("type", "display"),
        "disabled": ("type",),
    }[kind]
    closed(thinking, path, allowed, ("budget_tokens",) if kind == "enabled" else ())
    if kind == "enabled":
        _check_budget(thinking["budget_tokens"], body["max_tokens"])
    if "display" in thinking:
        if not can.thinking_display:
            raise invalid(f"{path}.display: {EXTRA}")
        updates = ("updates",) if UPDATES in betas else ()
        one_of(thinking["display"], f"{path}.display", ("summarized", "omitted", *updates))


def _refusal(kind: str, known: Thinking) -> str:
    if kind == "enabled" and known in ("adaptive", "always"):
        return (
            '"thinking.type.enabled" is not supported for this model. Use '
            '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    if kind == "adaptive":
        return "adaptive thinking is not supported on this model"
    return f'"thinking.type.{kind}" is not supported for this model.'


def _check_budget(value: object, max_tokens: int) -> None:
    budget = integer(value, "thinking.enabled.budget_tokens", SMALLEST_BUDGET)
    if budget >= max_tokens:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
