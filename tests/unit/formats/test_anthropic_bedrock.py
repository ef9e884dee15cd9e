"""What of a Messages request reaches Bedrock, by what each model can do."""

from typing import Any

import orjson
import pytest

from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from tests.unit.local.emulator.documents import TOOL, model

HELLO = [{"role": "user", "content": "Hello"}]
ALL = [
    "fable-5-2", "fable-5-1", "fable-5", "opus-5-5", "opus-5", "opus-4-8", "opus-4-7", "opus-4-6",
    "opus-4-5", "opus-4-1", "sonnet-5-5", "sonnet-5", "sonnet-4-6", "sonnet-4-5", "haiku-5-5",
    "haiku-4-5", "3-5-haiku",
]  # fmt: skip
INTERLEAVED = "interleaved-thinking-2025-05-14"
SEARCH = "tool-search-tool-2025-10-19"
COUNT = "thinking-token-count-2026-05-13"
MANAGEMENT = "context-management-2025-06-27"
COMPACT = "compact-2026-01-12"
CLAUDE_CODE = (
    "claude-code-20250219", INTERLEAVED, MANAGEMENT, COUNT, "advanced-tool-use-2025-11-20",
    "effort-2025-11-24", "mid-conversation-tool-changes-2026-07-01", "per-turn-control-2026-07-01",
    "extended-cache-ttl-2025-04-11", "redact-thinking-2026-02-12",
)  # fmt: skip


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "x", "max_tokens": 4000, "messages": HELLO, **fields}


def sent(name: str, *betas: str, **fields: Any) -> dict[str, Any]:
    return to_bedrock(request(**fields), betas, model(name))


@pytest.mark.parametrize("name", ALL)
def test_the_smallest_request_has_only_what_bedrock_needs(name: str) -> None:
    assert sent(name) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4000,
        "messages": HELLO,
    }


@pytest.mark.parametrize(
    "field",
    [
        "model", "stream", "service_tier", "tags",
        "speed", "inference_geo", "diagnostics", "prefill", "fallbacks", "made_up",
        "anthropic_version", "anthropic_beta",
    ],
)  # fmt: skip
def test_fields_that_bedrock_does_not_know_are_left_out(field: str) -> None:
    assert sent("opus-5-5", **{field: {"type": "ephemeral"}}) == sent("opus-5-5")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mcp_servers", [{"type": "url", "url": "https://x", "name": "x"}]),
        ("container", "c_1"),
        ("compaction", {"type": "summarize"}),
    ],
)
def test_fields_whose_loss_would_change_the_answer_are_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        sent("opus-5-5", **{field: value})

    assert sent("opus-5-5", **{field: None}) == sent("opus-5-5")


def test_of_the_metadata_bedrock_knows_one_field() -> None:
    metadata = {"user_id": "u-1", "tags": ["x"], "trace": "y"}

    assert sent("opus-5-5", metadata=metadata)["metadata"] == {"user_id": "u-1"}
    assert "metadata" not in sent("opus-5-5", metadata={"tags": ["x"]})


@pytest.mark.parametrize("metadata", [5, {"user_id": 5}])
def test_metadata_of_another_shape_is_refused(metadata: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^metadata"):
        sent("opus-5-5", metadata=metadata)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metadata", {"user_id": "x"}),
        ("stop_sequences", ["END"]),
        ("system", "Be brief."),
        ("system", [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2;"}]),
        ("safeguards", {"a": 1}),
    ],
)
def test_fields_that_every_model_knows_go_through_as_they_are(field: str, value: Any) -> None:
    assert sent("haiku-4-5", **{field: value})[field] == value


@pytest.mark.parametrize(
    "field",
    [
        "metadata", "stop_sequences", "system", "tool_choice", "tools", "thinking",
        "output_config", "context_management", "temperature", "top_p", "top_k", "safeguards",
    ],
)  # fmt: skip
def test_null_is_the_same_as_nothing(field: str) -> None:
    assert sent("haiku-4-5", **{field: None}) == sent("haiku-4-5")


GOLDEN = {
    "haiku-4-5": [SEARCH],
    "sonnet-4-5": [INTERLEAVED, SEARCH],
    "opus-4-5": [INTERLEAVED, SEARCH],
    "sonnet-4-6": [INTERLEAVED, SEARCH],
    "opus-4-6": [INTERLEAVED, SEARCH],
    "opus-4-7": [INTERLEAVED, COUNT, SEARCH],
    "opus-4-8": [INTERLEAVED, COUNT, SEARCH],
    "opus-5": [INTERLEAVED, COUNT, SEARCH],
    "opus-5-5": [INTERLEAVED, COUNT, SEARCH],
    "sonnet-5": [INTERLEAVED, COUNT, SEARCH],
    "sonnet-5-5": [INTERLEAVED, COUNT, SEARCH],
    "haiku-5-5": [INTERLEAVED, COUNT, SEARCH],
    "fable-5": [INTERLEAVED, COUNT, SEARCH],
}
"""What Claude Code itself sends when it knows that Bedrock answers."""


@pytest.mark.parametrize("name", GOLDEN)
def test_betas_become_those_that_claude_code_sends_to_bedrock(name: str) -> None:
    got = sent(name, *CLAUDE_CODE).get("anthropic_beta", [])

    assert [beta for beta in got if beta not in (MANAGEMENT, "effort-2025-11-24")] == GOLDEN[name]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "beta",
    [
        "oauth-2025-04-20", "prompt-caching-scope-2026-01-05", "fast-mode-2026-02-01",
        "redact-thinking-2026-02-12", "token-efficient-tools-2026-03-28", "mcp-client-2025-11-20",
        "files-api-2025-04-14", "skills-2025-10-02", "code-execution-2025-08-25",
        "web-fetch-2025-09-10", "advisor-2026-01-01", "request-tags-2026-08-21", "unheard-of",
        "claude-code-20250219",
    ],
)  # fmt: skip
def test_betas_that_bedrock_calls_invalid_never_reach_it(name: str, beta: str) -> None:
    assert "anthropic_beta" not in sent(name, beta)


def test_a_beta_is_named_once() -> None:
    asked = (SEARCH, "advanced-tool-use-2025-11-20", SEARCH)

    assert sent("haiku-4-5", *asked)["anthropic_beta"] == [SEARCH]


ENABLED = {"type": "enabled", "budget_tokens": 2000}
ADAPTIVE = {"type": "adaptive"}
DISABLED = {"type": "disabled"}
SHOWN = {"type": "adaptive", "display": "omitted"}
THINKING: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("3-5-haiku", ENABLED, None),
    ("3-5-haiku", ADAPTIVE, None),
    ("3-5-haiku", DISABLED, None),
    ("haiku-4-5", ENABLED, ENABLED),
    ("haiku-4-5", ADAPTIVE, {"type": "enabled", "budget_tokens": 3000}),
    ("haiku-4-5", DISABLED, DISABLED),
    ("haiku-4-5", {**ENABLED, "display": "omitted"}, ENABLED),
    ("haiku-4-5", SHOWN, {"type": "enabled", "budget_tokens": 3000}),
    ("haiku-4-5", {**ENABLED, "budget_tokens": 9}, {**ENABLED, "budget_tokens": 9}),
    ("opus-4-6", ENABLED, ENABLED),
    ("opus-4-6", ADAPTIVE, ADAPTIVE),
    ("opus-4-6", SHOWN, ADAPTIVE),
    ("opus-4-6", DISABLED, DISABLED),
    ("opus-4-7", ENABLED, ADAPTIVE),
    ("opus-4-7", {**ENABLED, "display": "omitted"}, SHOWN),
    ("opus-4-7", SHOWN, SHOWN),
    ("opus-4-7", DISABLED, DISABLED),
    ("opus-4-7", {**DISABLED, "display": "omitted"}, DISABLED),
    ("opus-5-5", ENABLED, ADAPTIVE),
    ("opus-5-5", SHOWN, SHOWN),
    ("opus-5-5", DISABLED, None),
    ("fable-5-2", DISABLED, None),
    ("sonnet-5-5", {**SHOWN, "made_up": 1}, SHOWN),
]


@pytest.mark.parametrize(("name", "asked", "expected"), THINKING)
def test_thinking_becomes_the_kind_that_the_model_knows(
    name: str, asked: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    assert sent(name, thinking=asked).get("thinking") == expected


@pytest.mark.parametrize(
    ("max_tokens", "budget"),
    [(1024, None), (1535, None), (1536, 1024), (2000, 1488), (4096, 3072), (64_000, 31_999)],
)
def test_a_budget_for_thinking_leaves_room_for_an_answer(
    max_tokens: int, budget: int | None
) -> None:
    body = sent("haiku-4-5", max_tokens=max_tokens, thinking=ADAPTIVE)

    assert body.get("thinking", {}).get("budget_tokens") == budget


EFFORTS: list[tuple[str, str, str | None]] = [
    ("haiku-4-5", "high", None),
    ("sonnet-4-5", "low", None),
    ("opus-4-1", "high", None),
    ("opus-4-5", "high", "high"),
    ("opus-4-5", "xhigh", "high"),
    ("opus-4-5", "max", "high"),
    ("opus-4-6", "xhigh", "high"),
    ("opus-4-6", "max", "max"),
    ("sonnet-4-6", "low", "low"),
    ("opus-4-7", "xhigh", "xhigh"),
    ("opus-4-7", "max", "xhigh"),
    ("opus-5-5", "medium", "medium"),
    ("fable-5-2", "extreme", None),
]


@pytest.mark.parametrize(("name", "asked", "expected"), EFFORTS)
def test_effort_is_at_most_what_the_model_knows(
    name: str, asked: str, expected: str | None
) -> None:
    body = sent(name, output_config={"effort": asked})

    assert body.get("output_config", {}).get("effort") == expected


CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT = {"type": "json_schema", "schema": CLOSED}


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("haiku-4-5", {"format": FORMAT, "effort": "high"}, {"format": FORMAT}),
        ("opus-4-6", {"format": FORMAT, "effort": "high"}, {"format": FORMAT, "effort": "high"}),
        ("opus-5-5", {"format": FORMAT, "effort": "high"}, {"effort": "high"}),
        ("opus-4-1", {"format": FORMAT, "effort": "high"}, None),
        ("opus-5-5", {"effort": "high", "made_up": 1}, {"effort": "high"}),
        ("opus-4-1", {"made_up": 1}, None),
        ("haiku-4-5", {"format": None}, None),
        ("haiku-4-5", {}, None),
    ],
)
def test_output_config_holds_only_what_the_model_knows(
    name: str, config: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    assert sent(name, output_config=config).get("output_config") == expected


@pytest.mark.parametrize("schema", [CLOSED, {"type": "object"}])
def test_the_older_name_of_a_format_means_the_same(schema: dict[str, Any]) -> None:
    body = sent("haiku-4-5", output_format={"type": "json_schema", "schema": schema})

    assert body["output_config"] == {"format": FORMAT}
    assert "output_format" not in body


def test_the_older_name_is_known_by_models_without_formats_too() -> None:
    body = sent("opus-4-1", output_format=FORMAT)

    assert "fits this schema" in body["system"][0]["text"]


def test_both_names_of_a_format_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="output_format: is the older name"):
        sent("haiku-4-5", output_format=FORMAT, output_config={"format": FORMAT})


THINKING_EDIT = {"type": "clear_thinking_20251015", "keep": "all"}
TOOL_EDIT = {"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 3}}
COMPACTION = {"type": "compact_20260112"}


@pytest.mark.parametrize(
    ("name", "edits", "kept", "betas"),
    [
        ("opus-5-5", [THINKING_EDIT], None, None),
        ("opus-5-5", [THINKING_EDIT, TOOL_EDIT], [TOOL_EDIT], [MANAGEMENT]),
        ("opus-5-5", [COMPACTION, TOOL_EDIT], [COMPACTION, TOOL_EDIT], [COMPACT, MANAGEMENT]),
        ("haiku-4-5", [TOOL_EDIT], [TOOL_EDIT], [MANAGEMENT]),
        ("haiku-4-5", [COMPACTION], None, None),
        ("3-5-haiku", [TOOL_EDIT], None, None),
        ("opus-5-5", [{"type": "made_up_20300101"}, {}], None, None),
        ("opus-5-5", [], None, None),
    ],
)
def test_context_edits_that_bedrock_knows_bring_their_betas(
    name: str, edits: list[Any], kept: list[Any] | None, betas: list[str] | None
) -> None:
    body = sent(name, context_management={"edits": edits})

    assert body.get("context_management") == ({"edits": kept} if kept else None)
    assert body.get("anthropic_beta") == betas


@pytest.mark.parametrize(
    ("name", "thinking", "expected"),
    [
        ("haiku-4-5", None, {"temperature": 0.5, "top_k": 5}),
        ("haiku-4-5", DISABLED, {"temperature": 0.5, "top_k": 5}),
        ("haiku-4-5", ENABLED, {"top_p": 0.99}),
        ("3-5-haiku", ENABLED, {"temperature": 0.5, "top_k": 5}),
        ("opus-4-6", ADAPTIVE, {"top_p": 0.99}),
        ("opus-4-7", None, {}),
        ("opus-5-5", None, {}),
    ],
)
def test_sampling_goes_only_where_it_is_taken(
    name: str, thinking: dict[str, Any] | None, expected: dict[str, float]
) -> None:
    sampling = {"temperature": 0.5, "top_p": 0.99, "top_k": 5}
    body = sent(name, thinking=thinking, **sampling)

    assert {key: body[key] for key in sampling if key in body} == expected


DEFERRED = {**TOOL, "name": "later", "defer_loading": True}
CACHED = {**TOOL, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
BASH = {"type": "bash_20250124", "name": "bash"}


@pytest.mark.parametrize(
    ("name", "tool", "expected"),
    [
        ("haiku-4-5", TOOL, TOOL),
        ("haiku-4-5", {**TOOL, "type": "custom"}, TOOL),
        ("haiku-4-5", {**TOOL, "strict": True, "eager_input_streaming": True}, TOOL),
        ("haiku-4-5", {**TOOL, "type": None, "description": None}, {**TOOL, "description": ...}),
        ("haiku-4-5", DEFERRED, DEFERRED),
        ("opus-4-1", DEFERRED, {**TOOL, "name": "later"}),
        ("haiku-4-5", CACHED, CACHED),
        ("opus-4-1", CACHED, {**TOOL, "cache_control": {"type": "ephemeral"}}),
        ("haiku-4-5", BASH, BASH),
    ],
)
def test_a_tool_keeps_what_the_model_knows_of_it(
    name: str, tool: dict[str, Any], expected: dict[str, Any]
) -> None:
    (got,) = sent(name, tools=[tool])["tools"]

    assert got == {key: value for key, value in expected.items() if value is not ...}


def test_an_empty_list_of_tools_is_left_out_and_a_choice_among_none() -> None:
    assert sent("haiku-4-5", tools=[], tool_choice={"type": "auto"}) == sent("haiku-4-5")


ANY = {"type": "any", "disable_parallel_tool_use": True}
ONE = {"type": "tool", "name": "read"}


@pytest.mark.parametrize(
    ("name", "choice", "expected", "instruction"),
    [
        ("haiku-4-5", ANY, ANY, None),
        ("opus-5", ONE, ONE, None),
        ("opus-5-5", {"type": "auto"}, {"type": "auto"}, None),
        ("opus-5-5", {"type": "none"}, {"type": "none"}, None),
        ("opus-5-5", ANY, {**ANY, "type": "auto"}, "one of the tools"),
        ("sonnet-5-5", ONE, {"type": "auto"}, "the tool `read`"),
        ("fable-5-1", ONE, {"type": "auto"}, "the tool `read`"),
    ],
)
def test_a_choice_that_a_model_cannot_be_held_to_becomes_an_instruction(
    name: str, choice: dict[str, Any], expected: dict[str, Any], instruction: str | None
) -> None:
    body = sent(name, tools=[TOOL], tool_choice=choice)

    assert body["tool_choice"] == expected
    assert (instruction in body["system"][-1]["text"]) if instruction else "system" not in body


def test_a_format_that_a_model_lacks_becomes_an_instruction_after_the_system_prompt() -> None:
    body = sent("opus-5-5", system="Be brief.", output_config={"format": FORMAT})

    assert body["system"][0] == {"type": "text", "text": "Be brief."}
    assert orjson.dumps(CLOSED, option=orjson.OPT_SORT_KEYS).decode() in body["system"][-1]["text"]


@pytest.mark.parametrize("forced", [ANY, ONE])
def test_no_thought_is_asked_for_before_a_call_that_is_forced(forced: dict[str, Any]) -> None:
    assert "thinking" not in sent("haiku-4-5", thinking=ENABLED, tools=[TOOL], tool_choice=forced)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "no server tool 'web_search"),
        ({"tools": [{"type": "code_execution_20250825", "name": "c"}]}, "no server tool 'code_"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name: must be a string"),
        ({"tools": "x"}, "tools: must be a list"),
        ({"max_tokens": None}, "max_tokens: must be an integer of at least 1"),
        ({"thinking": "yes"}, "thinking: must be an object"),
        ({"output_config": []}, "output_config: must be an object"),
        ({"context_management": 1}, "context_management: must be an object"),
        ({"context_management": {"edits": 1}}, "context_management.edits: must be a list"),
        ({"system": 5}, "system: must be a string or a list of blocks"),
    ],
)
def test_what_bedrock_cannot_do_at_all_is_refused_by_name(
    fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent("haiku-4-5", **fields)

    assert said in refused.value.message
