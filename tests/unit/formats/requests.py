"""Generated Messages requests: sensible ones, and JSON that nobody should send."""

from typing import Any

from hypothesis import strategies as st

from app.catalog.model import Model
from tests.unit.local.emulator.documents import PNG, SEARCH, TOOL, thought

WORDS = st.sampled_from(["Hello", "x", "ünï", "two\nlines"])
MARKS = st.sampled_from(
    [None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m", "scope": "global"}]
)
TEXTS = st.builds(
    lambda words, mark: {
        "type": "text",
        "text": words,
        **({"cache_control": mark} if mark else {}),
    },
    WORDS,
    MARKS,
)
PLAIN_TEXTS = st.builds(lambda words: {"type": "text", "text": words}, WORDS)
IMAGES = st.just({"type": "image", "source": PNG})
REFERENCES = st.just({"type": "tool_reference", "tool_name": TOOL["name"]})
RESULTS = st.one_of(
    WORDS, st.just([]), st.lists(st.one_of(PLAIN_TEXTS, IMAGES, REFERENCES), max_size=3)
)
SYSTEM = st.one_of(WORDS, st.lists(PLAIN_TEXTS, min_size=1, max_size=2))
NOTES = st.lists(st.builds(lambda said: {"role": "system", "content": said}, SYSTEM), max_size=2)
TALKS = st.lists(st.tuples(st.sampled_from(["say", "call", "think"]), NOTES, NOTES), max_size=3)

THINKING = st.sampled_from(
    [
        None,
        {"type": "disabled"},
        {"type": "adaptive"},
        {"type": "adaptive", "display": "omitted"},
        {"type": "adaptive", "display": "updates"},
        {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    ]
)
LIMITED = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1},
        "s": {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        "l": {"type": "array", "items": {"type": "object"}, "minItems": 2},
    },
    "additionalProperties": True,
}
OUTPUT = st.sampled_from(
    [
        None,
        {"effort": "max"},
        {"effort": "medium", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        {"format": {"type": "json_schema", "schema": LIMITED}},
        {"made_up": True},
    ]
)
EDITS = st.lists(
    st.sampled_from(
        [
            {"type": "clear_thinking_20251015", "keep": "all"},
            {"type": "clear_tool_uses_20250919"},
            {"type": "compact_20260112"},
        ]
    ),
    max_size=3,
)
TOOLS = st.lists(
    st.sampled_from(
        [
            {"name": "later", "input_schema": {"type": "object"}, "defer_loading": True},
            {"name": "strict", "input_schema": {}, "strict": True, "type": "custom"},
            {"name": "shown", "input_schema": {"type": "object"}, "input_examples": [{}]},
            {"type": "bash_20250124", "name": "bash"},
        ]
    ),
    max_size=3,
    unique_by=str,
)
CHOICES = st.sampled_from(
    [None, {"type": "auto"}, {"type": "none"}, {"type": "any"}, {"type": "tool", "name": "read"}]
)
BETAS = st.lists(
    st.sampled_from(
        [
            SEARCH,
            "advanced-tool-use-2025-11-20",
            "interleaved-thinking-2025-05-14",
            "claude-code-20250219",
            "context-1m-2025-08-07",
            "made-up-2031-01-01",
        ]
    )
).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A talk that ends with the user; notes of the system stand where Claude Code puts them."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(WORDS)}]
    for number, (kind, before, after) in enumerate(draw(TALKS)):
        messages += before
        said: list[dict[str, Any]] = [{"type": "text", "text": draw(WORDS)}]
        asked: list[dict[str, Any]] = [draw(TEXTS)]
        if kind == "call":
            id_ = f"toolu_{number}"
            said = [thought(), {"type": "tool_use", "id": id_, "name": "read", "input": {}}]
            result = {"type": "tool_result", "tool_use_id": id_, "content": draw(RESULTS)}
            asked = [result, *draw(st.lists(IMAGES, max_size=1))]
        elif kind == "think":
            said = [thought(), *said]
        messages += [{"role": "assistant", "content": said}]
        messages += after if kind == "call" else []
        messages += [{"role": "user", "content": asked}]
    return messages + draw(NOTES)


@st.composite
def requests(draw: st.DrawFn, model: Model) -> dict[str, Any]:
    """A request that a client may well send for this model, whatever the model can do of it."""
    optional = {
        "system": draw(st.none() | SYSTEM),
        "thinking": draw(THINKING),
        "output_config": draw(OUTPUT),
        "context_management": {"edits": draw(EDITS)},
        "tools": [TOOL, *draw(TOOLS)],
        "tool_choice": draw(CHOICES),
        "temperature": draw(st.sampled_from([None, 0, 0.5, 1])),
        "top_p": draw(st.sampled_from([None, 0.95, 1])),
        "metadata": draw(st.sampled_from([None, {"user_id": "{}"}, {"user_id": "a@b.cd", "x": 1}])),
        "stop_sequences": draw(st.sampled_from([None, ["END"]])),
        "stream": draw(st.booleans()),
        "service_tier": "auto",
    }
    return {
        "model": model.name,
        "max_tokens": draw(st.integers(1100, model.max_output_tokens)),
        "messages": draw(conversations()),
        **optional,
    }


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2000), st.floats(allow_nan=False), st.text(max_size=5)
)
KEYS = st.sampled_from(
    [
        "type", "role", "content", "text", "source", "name", "id", "input", "tool_use_id",
        "cache_control", "ttl", "thinking", "effort", "format", "edits", "custom", "input_schema",
        "function", "arguments", "url", "image_url", "file", "file_data", "parameters",
    ]
)  # fmt: skip
VALUES = st.sampled_from(
    [
        "user", "assistant", "system", "tool", "text", "tool_result", "tool_use", "enabled", "any",
        "adaptive", "custom", "tool_addition", "function", "image_url", "file", "json_schema",
    ]
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def hostile(*fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """A body that has these fields, or some of them, with any JSON in each."""
    messages = st.lists(st.dictionaries(KEYS, ANYTHING, max_size=4), max_size=3)
    return st.fixed_dictionaries(
        {"max_tokens": st.just(2000) | ANYTHING, "messages": messages | ANYTHING},
        optional=dict.fromkeys(fields, ANYTHING),
    )
