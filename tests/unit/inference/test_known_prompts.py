"""What is known of a prompt that repeats an earlier one."""

from typing import Any

import orjson
import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.inference import known_prompts
from app.inference.estimates import MOST_IMAGE_TOKENS, TOOL_PROMPT_TOKENS
from app.inference.known_prompts import BLOCK_BYTES, LOOKBACK, Known, KnownPrompts, prefixes
from tests.support.fakes import FakeTime

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
GLOBAL = load_catalog(region="us-east-1", profile="global").resolve("claude-haiku-4-5")
MARK = {"cache_control": {"type": "ephemeral"}}
SYSTEM = [{"type": "text", "text": "You are terse. " * 100, **MARK}]


def text(content: str, **fields: Any) -> JsonObject:
    return {"type": "text", "text": content, **fields}


def conversation(*turns: JsonObject | str, **fields: Any) -> JsonObject:
    roles = ("user", "assistant")
    messages = [
        {"role": roles[n % 2], "content": turn if isinstance(turn, str) else [turn]}
        for n, turn in enumerate(turns)
    ]
    return {"system": SYSTEM, "messages": messages, **fields}


class Case:
    """One gateway's knowledge."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.prompts = KnownPrompts(self.time.clock.monotonic)

    def learn(self, body: JsonObject, *, target: Target = TARGET, **usage: int) -> None:
        self.prompts.learn(prefixes(target, body), Usage(**usage))

    def find(self, body: JsonObject, target: Target = TARGET) -> Known:
        found = self.prompts.find(prefixes(target, body))
        assert found is not None
        return found


def test_of_a_new_prompt_only_its_length_is_known() -> None:
    found = Case().find(conversation("Hi"))

    assert found.tokens > len(SYSTEM[0]["text"])
    assert found.cached == 0


def test_the_next_turn_of_a_conversation_is_known_but_for_what_is_new() -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), cache_write_5m_tokens=400)

    found = case.find(conversation(text("Hi"), "Hello!", text("And now?", **MARK)))

    assert found.cached == 400
    assert 400 < found.tokens < 600


def test_a_text_is_the_same_prompt_as_a_block_of_it() -> None:
    case = Case()
    case.learn(conversation("Hi"), input_tokens=400)

    assert case.find(conversation(text("Hi"), "Hello!", "More")).tokens < 650


def test_each_prefix_has_an_upper_bound_of_its_tokens() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 100_000}}
    frame = len(orjson.dumps({**image, "source": {"type": "base64", "data": ""}}))
    body = {"messages": [{"role": "user", "content": [text("Hi"), image]}]}
    tool = {"name": "a"}

    bounds = [prefix.most_tokens for prefix in prefixes(TARGET, body)]
    with_tool = [prefix.most_tokens for prefix in prefixes(TARGET, {**body, "tools": [tool]})]

    of_text = len(orjson.dumps(text("Hi"))) + BLOCK_BYTES
    of_image = frame + BLOCK_BYTES + MOST_IMAGE_TOKENS
    of_tools = TOOL_PROMPT_TOKENS + len(orjson.dumps(tool)) + BLOCK_BYTES
    assert bounds == [of_text, of_text + of_image]
    assert with_tool == [of_tools, of_tools + of_text, of_tools + of_text + of_image]


@pytest.mark.parametrize(
    "other",
    [
        conversation(text("Ho", **MARK)),
        conversation(text("Hi", **MARK), tool_choice={"type": "any"}),
        conversation(text("Hi", **MARK), thinking={"type": "adaptive"}),
        conversation(text("Hi", **MARK), tools=[{"name": "a"}]),
        {"system": SYSTEM, "messages": [{"role": "assistant", "content": [text("Hi", **MARK)]}]},
    ],
)
def test_another_prompt_is_not_taken_for_a_known_one(other: JsonObject) -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), cache_write_5m_tokens=400)

    assert case.find(other).cached == 0


def test_another_profile_has_a_cache_of_its_own() -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), cache_write_5m_tokens=400)

    assert case.find(conversation(text("Hi", **MARK)), GLOBAL).cached == 0


@pytest.mark.parametrize(("ttl", "seconds"), [("5m", 240), ("1h", 3_500)])
def test_a_cache_entry_is_counted_on_until_shortly_before_it_expires(
    ttl: str, seconds: int
) -> None:
    case = Case()
    body = conversation(text("Hi", cache_control={"type": "ephemeral", "ttl": ttl}))
    case.learn(body, cache_read_tokens=300, cache_write_5m_tokens=100)

    case.time.advance(seconds - 1)
    assert case.find(body).cached == 400
    case.time.advance(1)
    assert case.find(body) == Known(400, 0)


def test_an_entry_of_a_lifetime_that_is_not_known_is_not_counted_on() -> None:
    case = Case()
    body = conversation(text("Hi", cache_control={"type": "ephemeral", "ttl": "2h"}))
    case.learn(body, cache_write_5m_tokens=400)

    assert case.find(body) == Known(400, 0)


def test_a_turn_that_was_not_cached_leaves_the_entry_of_the_turn_before() -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), cache_write_5m_tokens=400)
    longer = conversation(text("Hi"), "Hello!", text("And now?", **MARK))
    case.learn(longer, input_tokens=420)

    assert case.find(longer) == Known(420, 400)


def test_a_prompt_without_marks_is_learnt_by_its_length_alone() -> None:
    case = Case()
    body = {"messages": [{"role": "user", "content": "Hi " * 400}]}
    case.learn(body, cache_read_tokens=400)

    assert case.find(body) == Known(400, 0)


def test_bedrock_looks_for_an_entry_a_few_blocks_back_alone() -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), cache_write_5m_tokens=400)
    near = ["x"] * (LOOKBACK - 1)

    assert case.find(conversation(text("Hi"), *near, text("end", **MARK))).cached == 400
    assert case.find(conversation(text("Hi"), *near, "x", text("end", **MARK))).cached == 0


def test_a_prompt_without_a_mark_at_its_end_reads_what_is_before_the_last_mark() -> None:
    case = Case()
    case.learn(conversation("Hi"), cache_write_5m_tokens=350, input_tokens=10)

    assert case.find(conversation("Something else")).cached == 350


def test_what_bedrock_did_not_report_is_not_learnt() -> None:
    case = Case()
    case.learn(conversation(text("Hi", **MARK)), output_tokens=3)
    case.prompts.learn([], Usage(input_tokens=5))

    assert case.find(conversation(text("Hi", **MARK))).cached == 0
    assert case.prompts.find([]) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_prompts, "PROMPTS_REMEMBERED", 1)
    case = Case()
    first, second = conversation(text("a", **MARK)), conversation(text("b", **MARK))
    for body in (first, second):
        case.learn(body, cache_write_5m_tokens=400)

    assert (case.find(first).cached, case.find(second).cached) == (0, 400)
