"""Upper bounds and guesses at tokens, before Bedrock counts them."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import load_catalog
from app.catalog.model import Model
from app.core.ids import KeyId
from app.core.usage import Usage
from app.inference import estimates
from app.inference.estimates import (
    FIRST_SLICE,
    IMAGE_TOKENS,
    LARGEST_FIRST_SLICE,
    MOST_IMAGE_TOKENS,
    TOOL_PROMPT_TOKENS,
    InputEstimate,
    OutputForecast,
)
from app.local.emulator.prompt import prompt_tokens, segments
from tests.unit.formats.requests import ANYTHING, hostile

KEY, OTHER = KeyId("a"), KeyId("b")
CATALOG = load_catalog(region="us-east-1", profile=None)
HAIKU = CATALOG.resolve("claude-haiku-4-5").model
PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "A" * 100_000},
}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 1_000},
}


HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
TEXT = {"type": "text", "text": "x"}


def asked(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


MARKED = {
    "the request": {**asked(TEXT), **HOUR},
    "a tool": {**asked(TEXT), "tools": [{"name": "x"}, {"name": "y", **HOUR}]},
    "the system prompt": {**asked(TEXT), "system": [TEXT, {**TEXT, **HOUR}]},
    "a block": asked(TEXT, {**TEXT, **HOUR}),
    "a block before one of five minutes": asked({**TEXT, **HOUR}, {**TEXT, "cache_control": {}}),
    "a block of a result": asked({"type": "tool_result", "content": [{**TEXT, **HOUR}]}),
    "a block of a document": asked({"type": "document", "source": {"content": [{**TEXT, **HOUR}]}}),
}
UNMARKED = {
    "nothing": asked(TEXT),
    "five minutes": asked({**TEXT, "cache_control": {"type": "ephemeral", "ttl": "5m"}}),
    "no lifetime": asked({**TEXT, "cache_control": {"type": "ephemeral"}}),
    "a tool's input": asked({"type": "tool_use", "input": {"ttl": "1h", **HOUR}}),
    "a text": asked({"type": "text", "text": '{"cache_control":{"ttl":"1h"}}'}),
    "a schema": {**asked(TEXT), "tools": [{"input_schema": {"default": {"ttl": "1h"}}}]},
    "strings for lists": {"messages": "x", "tools": "y", "system": "z"},
}


def estimate(*content: Any, model: Model = HAIKU, **fields: Any) -> InputEstimate:
    body = {"messages": [{"role": "user", "content": list(content)}], **fields}
    return InputEstimate.of(orjson.dumps(body), body, model)


@pytest.mark.parametrize("characters", [1_000, 100_000])
def test_text_has_at_most_a_token_for_each_byte(characters: int) -> None:
    found = estimate({"type": "text", "text": "x" * characters})

    assert found.most == pytest.approx(characters, abs=100)
    assert found.likely == pytest.approx(characters / 3.6, abs=30)


def test_images_count_by_their_number_and_not_by_their_bytes() -> None:
    found = estimate(PICTURE, {"type": "tool_result", "content": [PICTURE]})

    assert found.likely == pytest.approx(2 * IMAGE_TOKENS, rel=0.05)
    assert found.most == pytest.approx(2 * MOST_IMAGE_TOKENS, rel=0.05)


def test_a_block_that_is_none_hides_no_image_after_it() -> None:
    assert estimate(5, PICTURE).most == pytest.approx(MOST_IMAGE_TOKENS, rel=0.05)


@pytest.mark.parametrize("place", [(PDF,), ({"type": "tool_result", "content": [PDF]},)])
def test_a_pdf_may_fill_the_context_window_however_small_it_is(place: tuple[Any, ...]) -> None:
    assert estimate(*place).most == HAIKU.context_tokens


def test_each_pdf_is_likely_to_hold_as_much_as_an_image() -> None:
    assert estimate(PDF, PDF).likely == pytest.approx(2 * IMAGE_TOKENS, abs=100)


def test_the_bytes_of_a_file_are_no_text_and_a_file_without_bytes_has_none() -> None:
    empty: dict[str, Any] = {"type": "image", "source": {"type": "base64", "data": 5}}
    for block, file_bytes in ((PICTURE, 100_000), (empty, 0)):
        body = asked(block)
        encoded = orjson.dumps(body)

        assert InputEstimate.of(encoded, body, HAIKU).text_bytes == len(encoded) - file_bytes


def test_a_document_of_text_counts_as_text_beside_an_image_too() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x" * 60_000}

    found = estimate(PICTURE, {"type": "document", "source": source})

    assert found.likely > 60_000 / 3.6
    assert 60_000 < found.most < 60_000 + 2 * MOST_IMAGE_TOKENS


def test_no_prompt_is_longer_than_the_context_window() -> None:
    assert estimate({"type": "text", "text": "x" * 3_000_000}).most == HAIKU.context_tokens


def test_tools_bring_a_prompt_of_their_own() -> None:
    tools = [{"name": "a", "input_schema": {"type": "object"}}]

    assert estimate(tools=tools).most > TOOL_PROMPT_TOKENS


def test_a_conversation_that_may_be_summarised_is_read_twice() -> None:
    compact = {"edits": [{"type": "compact_20260112"}]}

    assert estimate(context_management=compact).most > HAIKU.context_tokens
    assert estimate(context_management={"edits": [{"type": "other"}]}).most < 200


@pytest.mark.parametrize("settings", [None, 5, "compact", [], {}, {"edits": ["compact"]}])
def test_a_context_management_of_another_shape_summarises_nothing(settings: Any) -> None:
    assert estimate(context_management=settings).most < 200


@pytest.mark.parametrize("place", MARKED)
def test_a_mark_of_an_hour_is_found_wherever_it_stands(place: str) -> None:
    body = MARKED[place]

    assert InputEstimate.of(orjson.dumps(body), body, HAIKU).cache_ttl == "1h"


@pytest.mark.parametrize("place", UNMARKED)
def test_the_same_letters_elsewhere_are_no_mark(place: str) -> None:
    body = UNMARKED[place]

    assert InputEstimate.of(orjson.dumps(body), body, HAIKU).cache_ttl != "1h"


@given(hostile("tools", "system", "cache_control"), ANYTHING)
def test_no_body_is_too_strange_to_be_estimated(body: dict[str, Any], content: Any) -> None:
    InputEstimate.of(b"", body, HAIKU)
    InputEstimate.of(b"", {"messages": [{"content": content}]}, HAIKU)


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        (None, "input_tokens"),
        ({"type": "ephemeral"}, "cache_write_5m_tokens"),
        ({"type": "ephemeral", "ttl": "5m"}, "cache_write_5m_tokens"),
        ({"type": "ephemeral", "ttl": "1h"}, "cache_write_1h_tokens"),
    ],
)
def test_a_prompt_is_priced_as_what_it_asks_to_be_written_as(mark: Any, kind: str) -> None:
    block = {"type": "text", "text": "Hi"} | ({"cache_control": mark} if mark else {})

    assert estimate(block).usage(100) == Usage(**{kind: 100})
    assert estimate(block).usage(100, 30) == Usage(**{kind: 70}, cache_read_tokens=30)


@pytest.mark.parametrize("content", ["text", None, 5, [5, None, "base64"], [{"source": "base64"}]])
def test_any_shape_of_content_can_be_guessed_at(content: Any) -> None:
    body = {"messages": [{"role": "user", "content": content}, {"source": "base64"}]}

    assert InputEstimate.of(orjson.dumps(body), body, HAIKU).most > 0


BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=200)),
    st.builds(
        lambda raw: {
            "type": "document",
            "source": {
                "type": "base64",
                "media_type": "application/pdf",
                "data": base64.b64encode(raw).decode(),
            },
        },
        st.binary(max_size=500),
    ),
    st.just(PICTURE),
)


@given(
    st.lists(BLOCKS, max_size=8),
    st.sampled_from(["claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-4-6"]),
)
def test_the_emulator_never_counts_more_than_the_upper_bound(content: list[Any], name: str) -> None:
    model = CATALOG.resolve(name).model
    body = {"messages": [{"role": "user", "content": content}]}

    counted = prompt_tokens(segments(body, model))
    assert counted <= InputEstimate.of(orjson.dumps(body), body, model).most


def test_nothing_known_means_a_small_first_slice() -> None:
    assert OutputForecast().first_slice(KEY, "m", 32_000) == FIRST_SLICE


def test_the_first_slice_follows_what_such_requests_produced() -> None:
    forecast = OutputForecast()
    for _ in range(50):
        forecast.learn(KEY, "m", 400)

    assert forecast.first_slice(KEY, "m", 32_000) == 508
    assert forecast.first_slice(KEY, "other", 32_000) == FIRST_SLICE
    assert forecast.first_slice(OTHER, "m", 32_000) == FIRST_SLICE


def test_a_rare_long_answer_moves_the_mean_little() -> None:
    forecast = OutputForecast()
    for tokens in [100] * 20 + [10_000]:
        forecast.learn(KEY, "m", tokens)

    assert forecast.first_slice(KEY, "m", 32_000) == LARGEST_FIRST_SLICE


@pytest.mark.parametrize(
    ("learnt", "max_tokens", "slice_"),
    [
        (None, 5, 5),
        (None, 1, 1),
        (0, 32_000, 8),
        (100_000, 128_000, LARGEST_FIRST_SLICE),
        (100_000, 7, 7),
    ],
)
def test_the_first_slice_has_bounds(learnt: int | None, max_tokens: int, slice_: int) -> None:
    forecast = OutputForecast()
    if learnt is not None:
        forecast.learn(KEY, "m", learnt)

    assert forecast.first_slice(KEY, "m", max_tokens) == slice_


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "KINDS_REMEMBERED", 2)
    forecast = OutputForecast()
    for model in ("a", "b", "a", "c"):
        forecast.learn(KEY, model, 1_000)

    known = [m for m in "abc" if forecast.first_slice(KEY, m, 32_000) != FIRST_SLICE]
    assert known == ["a", "c"]
