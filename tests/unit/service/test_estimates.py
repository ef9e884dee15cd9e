"""Guesses at tokens, before Bedrock counts them."""

from typing import Any

import orjson
import pytest

from app.domain.identity import KeyId
from app.service import estimates
from app.service.estimates import FIRST_SLICE, IMAGE_TOKENS, LARGEST_FIRST_SLICE, OutputForecast

KEY, OTHER = KeyId("a"), KeyId("b")
PICTURE = {"type": "image", "source": {"type": "base64", "data": "A" * 100_000}}


def guessed(*content: Any) -> int:
    messages = [{"role": "user", "content": list(content)}]
    return estimates.input_tokens(orjson.dumps({"messages": messages}), messages)


@pytest.mark.parametrize("characters", [1_000, 100_000])
def test_text_counts_by_its_length(characters: int) -> None:
    found = guessed({"type": "text", "text": "x" * characters})

    assert found == pytest.approx(characters / 3.6, abs=30)


def test_pictures_count_by_their_number_and_not_by_their_bytes() -> None:
    nested = {"type": "tool_result", "content": [PICTURE]}

    assert guessed(PICTURE, nested) == pytest.approx(2 * IMAGE_TOKENS, rel=0.05)


def test_a_document_of_text_counts_as_text_beside_a_picture_too() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x" * 60_000}

    assert guessed(PICTURE, {"type": "document", "source": source}) > 60_000 / 3.6


@pytest.mark.parametrize("content", ["text", None, 5, [5, None, "base64"], [{"source": "base64"}]])
def test_any_shape_of_content_can_be_guessed_at(content: Any) -> None:
    messages = [{"role": "user", "content": content}, {"type": "base64"}]

    assert estimates.input_tokens(orjson.dumps(messages), messages) > 0


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
    [(None, 5, 5), (0, 32_000, 8), (100_000, 128_000, LARGEST_FIRST_SLICE), (100_000, 7, 7)],
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
